"""Multi-scale structural similarity (MS-SSIM), in JAX, differentiable.

Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image quality
assessment", Asilomar 2003. Conventions of the compression literature: contrast and structure at
five scales, luminance at the coarsest only, each channel on its own and then averaged, a negative
mean counted as zero.
"""

from typing import Any

import chex
import jax
import jax.numpy as jnp

from jaxcodec.distortions.distortion import Distortion, as_float, similarity
from jaxcodec.distortions.ssim import WINDOW, planes, similarity_maps

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first (table 1 of the paper)."""

MIN_SIDE = (WINDOW - 1) * 2 ** (len(WEIGHTS) - 1) + 1
"""Smallest side in pixels, 161: the coarsest scale must still hold one window."""


def _product_over_scales(params: Any, a: jax.Array, b: jax.Array) -> jax.Array:
    """The product of the powers of the mean similarity at each scale (equation 7), a mean over
    channels.
    """
    del params
    a, b = planes(as_float(a)), planes(as_float(b))
    result = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast_structure = similarity_maps(a, b)
        if scale == len(WEIGHTS) - 1:
            contrast_structure = luminance * contrast_structure
        else:
            a, b = _halve(a), _halve(b)
        result *= _power_of_positive(jnp.mean(contrast_structure, axis=(-2, -1)), weight)
    return jnp.mean(result, axis=-1)


DISTORTION = Distortion(
    name="ms_ssim",
    unit="1 - MS-SSIM",
    compare=_product_over_scales,
    metric=similarity("ms_ssim", "MS-SSIM"),
    is_similarity=True,
    least_side=MIN_SIDE,
    remedy="use SSIM for small images",
)


def ms_ssim(a: chex.Array, b: chex.Array) -> jax.Array:
    """Multi-scale structural similarity, 0 to 1, 1 for equal images.

    An odd side is extended by its edge before halving, so that every pixel counts (as TensorFlow
    does; a side that 16 divides needs none of it).

    Args:
      a, b: (..., height, width, channels) of one shape, each uint8 or float in [0, 1].

    Returns:
      float32 (...), one value an image.

    Raises:
      DistortionError: the shapes differ, or a side is below 161 pixels.
    """
    return DISTORTION.value(a, b)


def _halve(image: jax.Array) -> jax.Array:
    """Means of 2x2 pixels, (..., height, width) to (..., ceil(height / 2), ceil(width / 2))."""
    height, width = image.shape[-2:]
    fill = [(0, 0)] * (image.ndim - 2) + [(0, height % 2), (0, width % 2)]
    image = jnp.pad(image, fill, mode="edge")
    return image.reshape(*image.shape[:-2], -(-height // 2), 2, -(-width // 2), 2).mean(
        axis=(-3, -1)
    )


def _power_of_positive(value: jax.Array, exponent: float) -> jax.Array:
    """max(value, 0) ** exponent, with gradient 0, not NaN, where the value is not positive."""
    positive = value > 0
    return jnp.where(positive, jnp.where(positive, value, 1.0) ** exponent, 0.0)
