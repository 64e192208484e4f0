"""Residual blocks in place of convolution and GDN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.models import presets
from jaxcodec.models.build import build
from jaxcodec.transforms import network_table
from jaxcodec.transforms.layers import Conv, UpsampleConv
from jaxcodec.transforms.resnet import DownBlock, ResNetAnalysis, ResNetSynthesis, UpBlock

QUALITY = jnp.zeros(1)
KEY = jax.random.key(0, impl="unsafe_rbg")
THESIS = presets.resnet_factorized_model(128, 128)


def shapes(module, x):
    output, variables = jax.eval_shape(module.init_with_output, KEY, x, QUALITY)
    return output.shape, variables["params"]


def kernels(layers) -> list:
    """The shapes of a network's kernels, layer by layer; sub-pixel convolutions hold one below
    them.
    """
    return [
        [leaf.shape for leaf in jax.tree.leaves(layers[name]) if len(leaf.shape) == 4]
        for name in sorted(layers)
    ]


def test_the_thesis_variant_has_as_many_layers_as_its_non_parametric_model_and_128_filters():
    image, latent = jnp.zeros((1, 32, 48, 3)), jnp.zeros((1, 2, 3, 128))
    n = 128
    shape, layers = shapes(network_table.create(THESIS["analysis"], "analysis"), image)
    assert shape == latent.shape
    first = [(9, 9, 3, n), (3, 3, n, n), (1, 1, 3, n)]
    second = [(5, 5, n, n), (3, 3, n, n), (1, 1, n, n)]
    assert kernels(layers) == [first, second, [(5, 5, n, n)]]
    shape, layers = shapes(network_table.create(THESIS["synthesis"], "synthesis"), latent)
    assert shape == image.shape
    block = [(5, 5, n, n), (3, 3, n, n), (1, 1, n, 4 * n)]
    assert [sorted(layer) for layer in kernels(layers)] == [
        sorted(block),
        sorted(block),
        [(9, 9, n, 3)],
    ]


def test_there_is_no_gdn_in_it():
    model = build(presets.resnet_factorized_model(8, 8))
    variables = jax.eval_shape(model.init, KEY, jnp.zeros((1, 32, 32, 3)), QUALITY, KEY)
    names = [
        jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(variables)
    ]
    assert names and not any("GDN" in name or "gamma" in name for name in names)


def test_a_description_holds_plain_values_of_both_networks():
    assert THESIS["entropy"] == "factorized"
    assert THESIS["analysis"] == {
        "kind": "resnet_analysis",
        "features": (128, 128, 128),
        "kernels": (9, 5, 5),
        "strides": (4, 2, 2),
    }
    assert THESIS["synthesis"] == {
        "kind": "resnet_synthesis",
        "features": (128, 128, 3),
        "kernels": (5, 5, 9),
        "strides": (2, 2, 4),
    }


def silent(module, x, *names):
    """Output with the starting parameters but zeros for the kernels below these names; and the
    parameters.
    """

    def change(path, leaf):
        return (
            0 * leaf
            if path[-1].key == "kernel" and set(names) & {entry.key for entry in path}
            else leaf
        )

    params = jax.tree_util.tree_map_with_path(change, module.init(KEY, x))
    return module.apply(params, x), params["params"]


X = jax.random.normal(jax.random.key(3), (1, 8, 12, 4))


def test_a_down_block_is_a_relu_of_branch_and_projection():
    output, params = silent(DownBlock(5, 5, 4), X, "Conv_1")
    projected = np.einsum("bhwi,io->bhwo", X[:, ::4, ::4], params["Conv_2"]["kernel"][0, 0])
    np.testing.assert_allclose(output, np.maximum(projected, 0), rtol=1e-4, atol=1e-5)
    output, params = silent(DownBlock(5, 1, 2), X, "Conv_2")
    inner = np.maximum(
        np.einsum("bhwi,io->bhwo", X[:, ::2, ::2], params["Conv_0"]["kernel"][0, 0]), 0
    )
    padded = np.pad(inner, ((0, 0), (1, 1), (1, 1), (0, 0)))
    taps = ((row, column) for row in range(3) for column in range(3))
    expected = sum(
        padded[:, r : r + 4, c : c + 6] @ params["Conv_1"]["kernel"][r, c] for r, c in taps
    )
    np.testing.assert_allclose(output, np.maximum(expected, 0), rtol=1e-4, atol=1e-5)


def test_an_up_block_is_a_relu_of_branch_and_projection():
    block = UpBlock(5, 5, 2)
    params = block.init(KEY, X)["params"]
    without_branch = params | {"Conv_0": jax.tree.map(jnp.zeros_like, params["Conv_0"])}
    skip = np.einsum("bhwi,io->bhwo", X, params["SubpixelConv_0"]["Conv_0"]["kernel"][0, 0])
    skip = skip.reshape(1, 8, 12, 2, 2, 5).transpose(0, 1, 3, 2, 4, 5).reshape(1, 16, 24, 5)
    np.testing.assert_allclose(
        block.apply({"params": without_branch}, X), np.maximum(skip, 0), rtol=1e-4, atol=1e-5
    )
    branch = UpsampleConv(5, 5, 2).apply({"params": params["UpsampleConv_0"]}, X)
    branch = Conv(5).apply({"params": params["Conv_0"]}, jnp.maximum(branch, 0))
    np.testing.assert_allclose(
        block.apply({"params": params}, X), np.maximum(branch + skip, 0), rtol=1e-4, atol=1e-5
    )


def test_last_layers_are_linear():
    for module, x in (
        (ResNetAnalysis((6, 4), (5, 3), (2, 2)), X[..., :3]),
        (ResNetSynthesis((6, 3), (3, 5), (2, 2)), X),
    ):
        params = module.init(KEY, x, QUALITY)
        output = module.apply(params, x, QUALITY)
        assert jnp.min(output) < 0 < jnp.max(output)
        last = params["params"]["layers_1"]
        doubled = {
            "params": params["params"] | {"layers_1": jax.tree.map(lambda leaf: -2 * leaf, last)}
        }
        np.testing.assert_allclose(
            module.apply(doubled, x, QUALITY), -2 * output, rtol=1e-4, atol=1e-5
        )


def test_gradients_reach_every_layer():
    module = ResNetSynthesis((6, 6, 3), (3, 3, 5), (2, 1, 2))
    params = jax.jit(module.init)(KEY, X, QUALITY)
    gradients = jax.jit(jax.grad(lambda params: jnp.sum(module.apply(params, X, QUALITY) ** 2)))(
        params
    )
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert jnp.isfinite(leaf).all() and jnp.any(leaf != 0), jax.tree_util.keystr(path)


@pytest.mark.parametrize("kind", ["cheng", "resnet"])
def test_residual_models_under_a_factorized_prior_are_built(kind):
    """Cheng's blocks under a factorized prior is what `target_rate.py:residual` meant in former
    versions.
    """
    former = {
        "entropy": "factorized", "gains": {"channels": 8},
        "analysis": {"kind": "cheng_analysis", "features": 8, "attention": False},
        "synthesis": {"kind": "cheng_synthesis", "features": 8, "attention": False},
    }  # fmt: skip
    model = build(former if kind == "cheng" else presets.resnet_factorized_model(8, 8))
    image = jnp.zeros((1, 32, 32, 3))
    output, _ = jax.eval_shape(model.init_with_output, KEY, image, QUALITY, KEY)
    assert output.image.shape == image.shape
