"""Winograd's convolutions: equal to XLA's own in values and gradients, up to the rounding of their
transforms.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxcodec.runtime import winograd

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 14), st.integers(1, 14))
CHANNELS = st.sampled_from([(1, 1), (3, 2), (2, 40), (40, 3)])


def reference(x, kernel, stride, pad):
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), [(pad, pad)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def assert_close(got, wanted, tolerance=3e-5):
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * float(jnp.abs(wanted).max()))


def assert_same_maps(x, kernel, stride, pad):
    wanted, pull_back = jax.vjp(lambda x, kernel: reference(x, kernel, stride, pad), x, kernel)
    gradient = draw(1, *wanted.shape)
    x_gradient, kernel_gradient = pull_back(gradient)

    @jax.jit
    def maps(x, kernel, gradient):
        return (
            winograd.convolve(x, kernel, stride, pad),
            winograd.transpose(gradient, kernel, stride, pad, x.shape[1:3]),
            winograd.kernel_gradient(x, gradient, stride, pad),
        )

    for got, expected in zip(
        maps(x, kernel, gradient), (wanted, x_gradient, kernel_gradient), strict=True
    ):
        assert_close(got, expected)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.sampled_from([1, 2, 3]), st.booleans(), SIZES, CHANNELS)
def test_maps_equal_xla(stride, padded, size, channels):
    batch, height, width = size
    pad = stride if padded else 0
    least = 1 if padded else 2 * stride + 1
    x = draw(0, batch, max(height, least), max(width, least), channels[0])
    assert_same_maps(x, draw(2, 2 * stride + 1, 2 * stride + 1, *channels), stride, pad)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("height", [17, 40, 53])
def test_bands_join_without_a_seam(stride, height, monkeypatch):
    """Two rows of tiles a band, with a last band that fits, overlaps the one before or reaches
    below the image.
    """
    monkeypatch.setattr(winograd, "_BAND", 2 * 2 * 3 * stride**2 * 4)
    for pad in (0, stride):
        assert_same_maps(
            draw(0, 2, height, 10 * stride, 3),
            draw(2, 2 * stride + 1, 2 * stride + 1, 3, 4),
            stride,
            pad,
        )


def test_vmap_changes_nothing(monkeypatch):
    monkeypatch.setattr(winograd, "_BAND", 16)
    x, kernel = draw(0, 3, 1, 13, 9, 2), draw(1, 3, 3, 2, 4)
    together = jax.vmap(lambda x: winograd.convolve(x, kernel, 1, 1))(x)
    assert_close(together, jnp.stack([reference(one, kernel, 1, 1) for one in x]))


def test_tiles_are_counted_from_the_output():
    assert winograd.tiles(2, (4, 8)) == 4
    assert winograd.tiles(1, (5, 1)) == 2
