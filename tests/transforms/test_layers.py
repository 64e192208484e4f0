"""Layers: where channels go, and what they become as operations."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.transforms.layers import SubpixelConv, activation


def test_a_subpixel_convolution_puts_channels_into_rows_and_columns():
    network = SubpixelConv(2, kernel=1)
    params = {"params": {"Conv_0": {"kernel": jnp.zeros((1, 1, 1, 8)), "bias": jnp.arange(8.0)}}}
    pixels = network.apply(params, jnp.zeros((1, 1, 1, 1)))
    np.testing.assert_array_equal(pixels[0], jnp.arange(8.0).reshape(2, 2, 2))


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match="swoosh"):
        activation("swoosh")
