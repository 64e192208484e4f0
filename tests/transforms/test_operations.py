"""Networks as lists of operations, against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.transforms import operations
from jaxcodec.transforms.layers import Conv as ConvLayer
from jaxcodec.transforms.operations import Activate, Conv, Modulate, Residual, Shuffle

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 5, 3)).astype(np.float32)
QUALITY = np.array([0.0, 0.75], np.float32)


def convolved(x, kernel, bias, mode, upsample=1, offset=0.0):
    """A convolution place by place."""
    x = x.astype(np.float64) + offset
    pad = len(kernel) // 2
    batch, height, width, inputs = x.shape
    grid = np.zeros((batch, upsample * height, upsample * width, inputs))
    grid[:, ::upsample, ::upsample] = x
    margins = ((0, 0), (pad, pad), (pad, pad), (0, 0))
    padded = np.pad(grid, margins, mode=mode)
    out = np.empty((*grid.shape[:3], kernel.shape[-1]))
    for row in range(grid.shape[1]):
        for column in range(grid.shape[2]):
            window = padded[:, row : row + len(kernel), column : column + len(kernel)]
            out[:, row, column] = np.einsum("bijc,ijco->bo", window, kernel) + bias
    return out


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        ({}, "constant"),
        ({"border": "edge"}, "edge"),
        ({"upsample": 2}, "constant"),
        ({"offset": np.array([1.0, -2.0, 0.5], np.float32)}, "constant"),
    ],
)
def test_a_convolution(settings, mode):
    kernel = RNG.normal(size=(3, 3, 3, 4)).astype(np.float32)
    bias = RNG.normal(size=4).astype(np.float32)
    found = operations.run([Conv(kernel, bias, **settings)], X, QUALITY)
    numbers = {name: value for name, value in settings.items() if name != "border"}
    np.testing.assert_allclose(found, convolved(X, kernel, bias, mode, **numbers), atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("relu", np.maximum(X, 0)),
        ("leaky_relu", np.where(X > 0, X, 0.01 * X)),
        ("silu", X / (1 + np.exp(-X.astype(np.float64)))),
    ],
)
def test_activations(kind, expected):
    np.testing.assert_allclose(operations.run([Activate(kind)], X, QUALITY), expected, atol=1e-6)


def test_modulation_is_interpolated_over_the_quality_of_each_image():
    scale, shift = (RNG.normal(size=(3, 3)).astype(np.float32) for _ in range(2))
    found = operations.run([Modulate(scale, shift)], X, QUALITY)
    np.testing.assert_allclose(found[0], X[0] * (1 + scale[0]) + shift[0], atol=1e-5)
    between = [(table[1] + table[2]) / 2 for table in (scale, shift)]
    np.testing.assert_allclose(found[1], X[1] * (1 + between[0]) + between[1], atol=1e-5)


def test_a_shuffle_puts_channels_into_rows_and_columns():
    x = jnp.arange(8.0).reshape(1, 1, 1, 8)
    found = operations.run([Shuffle(2)], x, QUALITY[:1])
    np.testing.assert_array_equal(found[0], np.arange(8.0).reshape(2, 2, 2))


def test_every_operation_shows_its_input_by_its_path_and_may_have_another():
    ops = [Activate("relu"), Residual((Activate("silu"), Activate("relu"))), Activate("relu")]
    seen = {}

    def see(path, x):
        seen[path] = np.asarray(x)
        return jnp.zeros_like(x) if path == ("net", 1, 0) else x

    found = operations.run(ops, X, QUALITY, see, ("net",))
    assert set(seen) == {("net", 0), ("net", 1), ("net", 1, 0), ("net", 1, 1), ("net", 2)}
    np.testing.assert_array_equal(seen["net", 0], X)
    np.testing.assert_array_equal(found, np.maximum(X, 0))  # the branch saw zeros, and adds none


def test_a_layer_becomes_the_operation_that_gives_the_same():
    layer = ConvLayer(4, border="edge", name="last")
    params = layer.init(jax.random.key(0), X)["params"]
    ops = operations.of_layer(layer, {"last": params})
    np.testing.assert_allclose(
        operations.run(ops, X, QUALITY), layer.apply({"params": params}, X), atol=1e-5
    )


def test_last_outputs_are_those_of_the_whole_network():
    kernel, bias = RNG.normal(size=(1, 1, 3, 6)), RNG.normal(size=6)
    ops = [Activate("relu"), Conv(kernel.astype(np.float32), bias.astype(np.float32))]
    whole = operations.run(ops, X, QUALITY)
    some = operations.run(operations.last_outputs(ops, slice(2, 5)), X, QUALITY)
    np.testing.assert_allclose(some, whole[..., 2:5], atol=1e-6)
