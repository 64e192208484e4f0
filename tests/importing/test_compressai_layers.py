"""CompressAI's layers with the arrays of ours, against convolutions written out in NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.importing import compressai_layers as layers
from jaxcodec.transforms.layers import Conv, SubpixelConv, UpsampleConv

RNG = np.random.default_rng(0)


def drawn(*shape) -> np.ndarray:
    return RNG.normal(0, 1, shape).astype(np.float32)


def conv2d(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """PyTorch's Conv2d with `same` zero padding: x (I, H, W), weight (O, I, k, k)."""
    pad = weight.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((len(weight), *x.shape[1:]))
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            window = padded[:, row : row + 2 * pad + 1, column : column + 2 * pad + 1]
            out[:, row, column] = (weight * window).sum((1, 2, 3)) + bias
    return out


def conv_transpose2d(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """PyTorch's ConvTranspose2d(5, stride=2, padding=2, output_padding=1): weight (I, O, 5, 5)."""
    _, height, width = x.shape
    full = np.zeros((weight.shape[1], 2 * height + 4, 2 * width + 4))
    for row in range(height):
        for column in range(width):
            spread = np.einsum("i,iokl->okl", x[:, row, column], weight)
            full[:, 2 * row : 2 * row + 5, 2 * column : 2 * column + 5] += spread
    return full[:, 2 : 2 + 2 * height, 2 : 2 + 2 * width] + bias[:, None, None]


def pixel_shuffle(x: np.ndarray) -> np.ndarray:
    """PyTorch's PixelShuffle(2): (4 C, H, W) to (C, 2 H, 2 W)."""
    channels, height, width = x.shape
    split = x.reshape(channels // 4, 2, 2, height, width)
    return split.transpose(0, 3, 1, 4, 2).reshape(channels // 4, 2 * height, 2 * width)


def ours(layer, params, x: np.ndarray) -> np.ndarray:
    found = layer.apply({"params": params}, jnp.asarray(x.transpose(1, 2, 0)[None]))
    return np.asarray(found[0]).transpose(2, 0, 1)


def test_a_convolution():
    x, arrays = drawn(3, 4, 5), {"weight": drawn(6, 3, 3, 3), "bias": drawn(6)}
    found = ours(Conv(6), layers.convolution(arrays), x)
    np.testing.assert_allclose(found, conv2d(x, *arrays.values()), atol=1e-4)


def test_a_transposed_convolution():
    x, arrays = drawn(3, 3, 4), {"weight": drawn(3, 6, 5, 5), "bias": drawn(6)}
    found = ours(UpsampleConv(6), layers.transposed_convolution(arrays), x)
    np.testing.assert_allclose(found, conv_transpose2d(x, *arrays.values()), atol=1e-4)


def test_a_convolution_before_pixel_shuffle():
    x, arrays = drawn(3, 3, 4), {"weight": drawn(8, 3, 3, 3), "bias": drawn(8)}
    found = ours(SubpixelConv(2), {"Conv_0": layers.subpixel_convolution(arrays)}, x)
    np.testing.assert_allclose(found, pixel_shuffle(conv2d(x, *arrays.values())), atol=1e-4)


def test_scales_and_means_change_places():
    arrays = {"weight": drawn(4, 2, 1, 1), "bias": np.arange(4.0)}
    found = layers.scales_before_means(arrays)
    assert found["bias"].tolist() == [2, 3, 0, 1]
    np.testing.assert_array_equal(found["kernel"][0, 0].T, arrays["weight"][[2, 3, 0, 1], :, 0, 0])


def test_of_a_masked_convolution_twelve_taps_stay():
    arrays = {"weight": np.ones((2, 3, 5, 5)), "bias": np.zeros(2)}
    kernel = layers.masked_convolution(arrays)["kernel"]
    expected = np.zeros((5, 5))
    expected[:2], expected[2, :2] = 1, 1
    np.testing.assert_array_equal(kernel, np.broadcast_to(expected[..., None, None], (5, 5, 3, 2)))


@pytest.mark.parametrize(
    ("made", "count"),
    [
        (layers.balle_transforms(), 14),
        (layers.balle_hyper_networks("conv"), 6),
        (layers.cheng_transforms(False), 40),
        (layers.cheng_hyper_networks(), 10),
        (layers.context_networks(), 4),
    ],
)
def test_no_layer_comes_twice_and_each_has_a_form(made, count):
    assert len(made) == count
    for names in ([layer.source for layer in made], [layer.path for layer in made]):
        assert len(set(names)) == len(names)
    assert {layer.form for layer in made} <= set(layers.FORMS)


def test_names_of_layers_within_blocks():
    pairs = {layer.source: layer.path for layer in layers.cheng_transforms(attention=True)}
    assert pairs["g_a.0.conv1"] == "analysis/layers_0/Conv_0"
    assert pairs["g_a.3.conv_b.3"] == "analysis/layers_3/mask_3"
    assert pairs["g_s.9.0"] == "synthesis/layers_9/Conv_0"
