"""The residual and attention transforms of Cheng et al. 2020."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.transforms.attention import AttentionBlock
from jaxcodec.transforms.cheng import ChengAnalysis, ChengSynthesis
from jaxcodec.transforms.layers import SubpixelConv
from jaxcodec.transforms.residual import DownBlock, ResidualBlock, UpBlock

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


def test_gradients_reach_every_layer():
    network = ChengSynthesis(8, attention=True)
    latent = jax.random.normal(jax.random.key(1), (1, 2, 2, 8))
    params = jax.jit(network.init)(KEY, latent, QUALITY)
    gradients = jax.jit(
        jax.grad(lambda params: jnp.sum(network.apply(params, latent, QUALITY) ** 2))
    )(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert jnp.isfinite(leaf).all() and jnp.any(leaf != 0), jax.tree_util.keystr(path)


def _silent(module, x, *names):
    """Output of `module` with its starting parameters, but zeros for the kernels below these names;
    and the parameters.
    """

    def change(path, leaf):
        keys = [entry.key for entry in path]
        return 0 * leaf if keys[-1] == "kernel" and set(names) & set(keys) else leaf

    params = jax.tree_util.tree_map_with_path(change, module.init(KEY, x))
    return module.apply(params, x), params["params"]


X = jax.random.normal(jax.random.key(3), (1, 4, 6, 4))


def test_a_residual_block_adds_to_its_input():
    output, _ = _silent(ResidualBlock(4), X, "Conv_1")
    np.testing.assert_array_equal(output, X)


def test_a_down_block_adds_to_a_strided_projection():
    output, params = _silent(DownBlock(5), X, "Conv_1")
    np.testing.assert_allclose(
        output, X[:, ::2, ::2] @ params["Conv_2"]["kernel"][0, 0], rtol=1e-4, atol=1e-5
    )


def test_an_up_block_adds_to_a_subpixel_convolution_that_starts_as_replication():
    params = UpBlock(4).init(KEY, X)["params"]
    params["Conv_0"]["kernel"] = jnp.zeros_like(params["Conv_0"]["kernel"])
    replicated = jnp.repeat(jnp.repeat(X, 2, axis=1), 2, axis=2)
    np.testing.assert_array_equal(UpBlock(4).apply({"params": params}, X), replicated)
    moved = jax.random.normal(KEY, params["SubpixelConv_1"]["Conv_0"]["kernel"].shape)
    params["SubpixelConv_1"]["Conv_0"]["kernel"] = moved
    skip = SubpixelConv(4).apply({"params": params["SubpixelConv_1"]}, X)
    np.testing.assert_allclose(UpBlock(4).apply({"params": params}, X), skip, rtol=1e-6)


def test_attention_weighs_its_trunk_with_a_mask():
    """With silent residual branches, trunk and mask are ReLUs of the input, and a silent last layer
    weighs by a half.
    """
    output, _ = _silent(AttentionBlock(4), X, "Conv_2", "mask_3")
    np.testing.assert_allclose(output, X + 0.5 * jnp.maximum(X, 0), rtol=1e-6)
    output, params = _silent(AttentionBlock(4), X, "Conv_2")
    mask = jax.nn.sigmoid(jnp.maximum(X, 0) @ params["mask_3"]["kernel"][0, 0])
    np.testing.assert_allclose(output, X + mask * jnp.maximum(X, 0), rtol=1e-4, atol=1e-5)


def test_a_subpixel_convolution_puts_channels_into_rows_and_columns():
    network = SubpixelConv(2, kernel=1)
    params = {"params": {"Conv_0": {"kernel": jnp.zeros((1, 1, 1, 8)), "bias": jnp.arange(8.0)}}}
    pixels = network.apply(params, jnp.zeros((1, 1, 1, 1)))
    np.testing.assert_array_equal(pixels[0], jnp.arange(8.0).reshape(2, 2, 2))
