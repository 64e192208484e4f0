"""Residual blocks add to a way past them."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.transforms.layers import SubpixelConv
from jaxcodec.transforms.residual import DownBlock, ResidualBlock, UpBlock

KEY = jax.random.key(
    0, impl="unsafe_rbg"
)  # compiles several times faster than the default generator


def silent(module, x, *names):
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
    output, _ = silent(ResidualBlock(4), X, "Conv_1")
    np.testing.assert_array_equal(output, X)


def test_a_down_block_adds_to_a_strided_projection():
    output, params = silent(DownBlock(5), X, "Conv_1")
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
