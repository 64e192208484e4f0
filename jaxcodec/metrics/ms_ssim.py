"""Multi-scale structural similarity (MS-SSIM), in JAX, differentiable.

Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image quality
assessment", Asilomar 2003. Conventions of the compression literature: contrast and structure at
five scales, luminance at the coarsest only, each channel on its own and then averaged, a negative
mean counted as zero.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.metrics.pairs import MetricError, as_pair
from jaxcodec.metrics.ssim import WINDOW, planes, similarity_maps

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first (table 1 of the paper)."""

MIN_SIDE = (WINDOW - 1) * 2 ** (len(WEIGHTS) - 1) + 1
"""Smallest side in pixels, 161: the coarsest scale must still hold one window."""


@jax.jit
def ms_ssim(a, b) -> jax.Array:
    """Multi-scale structural similarity, 0 to 1, 1 for equal images.

    An odd side is extended by its edge before halving, so that every pixel counts (as TensorFlow
    does; a side that 16 divides needs none of it).

    Args:
      a, b: (..., height, width, channels) of one shape, each uint8 or float in [0, 1].

    Returns:
      float32 (...), one value an image.

    Raises:
      MetricError: the shapes differ, or a side is below 161 pixels.
    """
    a, b = as_pair(a, b)
    if min(a.shape[-3:-1]) < MIN_SIDE:
        raise MetricError(
            f"MS-SSIM needs {MIN_SIDE} pixels a side, not {a.shape[-2]} x {a.shape[-3]}; use SSIM "
            "for small images"
        )
    a, b = planes(a), planes(b)
    result = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, similarity = similarity_maps(a, b)
        if scale == len(WEIGHTS) - 1:
            similarity = luminance * similarity
        else:
            a, b = _halve(a), _halve(b)
        result *= _power_of_positive(jnp.mean(similarity, axis=(-2, -1)), weight)
    return jnp.mean(result, axis=-1)


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


def similarity_db(similarity):
    """-10 log10(1 - similarity): SSIM or MS-SSIM in dB, which spreads the values near 1; infinite
    at 1.
    """
    with np.errstate(divide="ignore"):
        return -10 * np.log10(1 - np.asarray(similarity, np.float64))
