"""Mean squared error on the 0-255 scale, and peak signal-to-noise ratio."""

from typing import Any

import chex
import jax
import jax.numpy as jnp

from jaxcodec.distortions.distortion import Distortion, PixelTerms, as_float, decibels

PEAK = 255**2
"""The largest error, in squared grey levels."""


def _mean_square(params: Any, a: jax.Array, b: jax.Array) -> jax.Array:
    """Mean of the squared differences over pixels and channels, in squared grey levels."""
    del params
    axes = (-3, -2, -1)
    if a.dtype == b.dtype == jnp.uint8:
        # Of integers, so that equal images differ by exactly nothing, however a division by 255 is
        # compiled.
        return jnp.mean(jnp.square(a.astype(jnp.float32) - b.astype(jnp.float32)), axis=axes)
    return PEAK * jnp.mean(jnp.square(as_float(a) - as_float(b)), axis=axes)


DISTORTION = Distortion(
    name="mse",
    unit="squared grey levels",
    compare=_mean_square,
    metric=decibels("psnr", "PSNR", PEAK),
    terms=PixelTerms(jnp.square, degree=2, curvature=2.0),
)


def mse_255(a: chex.Array, b: chex.Array) -> jax.Array:
    """Mean squared error in squared grey levels, 0 to 255^2.

    Args:
      a, b: (..., height, width, channels) of one shape, each uint8 or float in [0, 1].

    Returns:
      float32 (...), one value an image, over all its pixels and channels.

    Raises:
      DistortionError: the shapes differ.
    """
    return DISTORTION(a, b)


def psnr_db(a: chex.Array, b: chex.Array) -> jax.Array:
    """Peak signal-to-noise ratio in dB, 10 log10(255^2 / mse_255); infinite for equal images.

    Arguments, shape of the result and errors as in `mse_255`. The error is pooled over the channels
    before the logarithm, as the literature does for RGB.
    """
    return DISTORTION.value(a, b)
