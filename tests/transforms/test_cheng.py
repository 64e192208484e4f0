"""The residual and attention transforms of Cheng et al. 2020."""

import jax
import jax.numpy as jnp
import pytest

from jaxcodec.transforms.cheng import ChengAnalysis, ChengSynthesis

QUALITY = jnp.zeros((1,))
KEY = jax.random.key(
    0, impl="unsafe_rbg"
)  # compiles several times faster than the default generator
# Parameters of each layer of CompressAI 1.2.8's Cheng2020Anchor(128) and Cheng2020Attention(128).
RESIDUAL, DOWN, UP, ATTENTION = 295168, 328192, 1344768, 337536
ANALYSIS = {
    False: [168192, RESIDUAL, DOWN, RESIDUAL, DOWN, RESIDUAL, 147584],
    True: [168192, RESIDUAL, DOWN, ATTENTION, RESIDUAL, DOWN, RESIDUAL, 147584, ATTENTION],
}
SYNTHESIS = {
    False: [RESIDUAL, UP, RESIDUAL, UP, RESIDUAL, UP, RESIDUAL, 13836],
    True: [ATTENTION, RESIDUAL, UP, RESIDUAL, UP, ATTENTION, RESIDUAL, UP, RESIDUAL, 13836],
}


@pytest.mark.parametrize("attention", [False, True], ids=["anchor", "attention"])
def test_layers_have_as_many_parameters_as_the_published_ones(attention):
    image, latent = jnp.zeros((1, 32, 48, 3)), jnp.zeros((1, 2, 3, 128))
    for network, x, expected, out in (
        (ChengAnalysis(128, attention), image, ANALYSIS[attention], latent),
        (ChengSynthesis(128, attention), latent, SYNTHESIS[attention], image),
    ):
        output, variables = jax.eval_shape(network.init_with_output, KEY, x, QUALITY)
        assert output.shape == out.shape
        layers = [variables["params"][f"layers_{position}"] for position in range(len(expected))]
        assert [sum(leaf.size for leaf in jax.tree.leaves(layer)) for layer in layers] == expected
        assert len(variables["params"]) == len(expected)


@pytest.mark.long
def test_gradients_reach_every_layer():
    network = ChengSynthesis(8, attention=True)
    latent = jax.random.normal(jax.random.key(1), (1, 2, 2, 8))
    params = jax.jit(network.init)(KEY, latent, QUALITY)
    gradients = jax.jit(
        jax.grad(lambda params: jnp.sum(network.apply(params, latent, QUALITY) ** 2))
    )(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert jnp.isfinite(leaf).all() and jnp.any(leaf != 0), jax.tree_util.keystr(path)
