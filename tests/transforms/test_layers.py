"""Layers: where channels go, and what they become as operations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.transforms import operations
from jaxcodec.transforms.layers import (
    Conv,
    Modulation,
    SubpixelConv,
    UpsampleConv,
    activation,
)
from jaxcodec.transforms.shrinkage import Shrinkage


def test_a_subpixel_convolution_puts_channels_into_rows_and_columns():
    network = SubpixelConv(2, kernel=1)
    params = {"params": {"Conv_0": {"kernel": jnp.zeros((1, 1, 1, 8)), "bias": jnp.arange(8.0)}}}
    pixels = network.apply(params, jnp.zeros((1, 1, 1, 1)))
    np.testing.assert_array_equal(pixels[0], jnp.arange(8.0).reshape(2, 2, 2))


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match="swoosh"):
        activation("swoosh")


def test_an_activation_takes_the_fields_of_its_layer():
    layer = activation({"kind": "shrinkage", "surrogate": "gate", "start": 0.1})
    assert layer == Shrinkage(start=0.1, surrogate="gate")
    assert activation({"kind": "relu"}) is activation("relu")


@pytest.mark.parametrize("kind", ["relu", "shrinkage"])
def test_an_activation_refuses_fields_that_it_has_not(kind):
    with pytest.raises((ValueError, TypeError), match="sharpness"):
        activation({"kind": kind, "sharpness": 2})


X = jax.random.normal(jax.random.key(1), (1, 4, 6, 3))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("border", ["zeros", "edge"])
def test_a_convolution_rounds_sides_up(stride, border):
    layer = Conv(5, stride=stride, border=border)
    x = jnp.ones((2, 5, 7, 3))
    params = {"kernel": jnp.ones((3, 3, 3, 5)), "bias": jnp.full(5, 0.5)}
    y = layer.apply({"params": params}, x)
    assert y.shape == (2, -(-5 // stride), -(-7 // stride), 5)
    assert y[0, 1, 1, 0] == 27.5  # 27 ones and the bias
    assert y[0, 0, 0, 0] == (27.5 if border == "edge" else 12.5)
    assert layer.footprint == ((3, stride),)


def test_a_modulation_is_the_identity_at_the_start():
    layer, quality = Modulation(3), jnp.array([0.4])
    params = layer.init(jax.random.key(0), X, quality)
    np.testing.assert_array_equal(layer.apply(params, X, quality), X)


@pytest.mark.parametrize("layer", [Conv(4), UpsampleConv(4), SubpixelConv(4), Modulation(3)])
def test_a_layer_gives_what_its_operations_give(layer):
    quality = jnp.array([0.4])
    own = (X, quality) if isinstance(layer, Modulation) else (X,)
    params = layer.init(jax.random.key(0), *own)["params"]
    params = jax.tree.map(lambda leaf: leaf + 0.1, params)
    found = operations.run(layer.lower(params), X, quality)
    np.testing.assert_allclose(found, layer.apply({"params": params}, *own), atol=1e-5)
