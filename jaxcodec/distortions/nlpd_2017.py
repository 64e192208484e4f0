"""The normalised Laplacian pyramid distance of 2017 (Laparra, Berardino, Balle, Simoncelli).

"Perceptually optimized image rendering", J. Opt. Soc. Am. A 34, 2017: luminance and gamma, five
bands and the low-pass, each divided by what is around; constants as in the authors' TensorFlow
code. Each channel is compared by itself, and then averaged.
"""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.distortions import laplacian
from jaxcodec.distortions.distortion import Distortion, plain
from jaxcodec.ops import lower_bound

LEVELS = 5
"""Bands beside the low-pass."""

_SMOOTH = np.array([0.05, 0.25, 0.4, 0.25, 0.05])
_WEIGHTS = (
    np.array([[4, 4, 5, 4, 4], [4, 3, 4, 3, 4], [5, 4, 5, 4, 5], [4, 3, 4, 3, 4], [4, 4, 5, 4, 4]])
    / 100
)
_SATURATION, _LOW_SATURATION = 0.17, 4.86
_EXPONENT = 0.6


def bands(image: jax.Array) -> list[jax.Array]:
    """Normalised bands, finest first, and the low-pass, of planes (..., h, w) in [0, 1].

    Borders are reflected by 4 on the way down. The way up is the adjoint with 4 times the kernel,
    cut back. The next level is the low image without its outermost ring. Values below 0 count as 0.
    """
    image, mean = laplacian.centred((175 * lower_bound(image, 0.0) ** 2.4 + 5) ** (1 / 2.6))
    found = []
    for _ in range(LEVELS):
        low = laplacian.smoothed(laplacian.reflected(image, 4), _SMOOTH, stride=2)
        sides = [side + 12 for side in image.shape[-2:]]
        up = 4 * laplacian.smoothed(laplacian.sparse(low, 4, sides), _SMOOTH)
        band = image - up[..., 4:-4, 4:-4]
        found.append(band / (_SATURATION + laplacian.surroundings(band, _WEIGHTS)))
        image = low[..., 1:-1, 1:-1]
    image += mean
    return [*found, image / (_LOW_SATURATION + jnp.abs(image))]


def _distance(params: Any, a: jax.Array, b: jax.Array) -> jax.Array:
    """(mean over bands of RMSE^.6)^(1 / .6), a mean over channels."""
    del params
    squares = laplacian.mean_squares(bands, a, b)
    pooled = jnp.mean(laplacian.power(squares, _EXPONENT / 2), axis=0) ** (1 / _EXPONENT)
    return jnp.mean(pooled, axis=-1)


DISTORTION = Distortion(
    name="nlpd_2017",
    unit="NLPD (2017)",
    compare=_distance,
    metric=plain("nlpd_2017", "NLPD (2017)", digits=5),
    least_side=65,
    remedy="use SSIM for small images",
)


def nlpd_2017(a: chex.Array, b: chex.Array) -> jax.Array:
    """Normalised Laplacian pyramid distance of 2017, 0 for equal images.

    Args:
      a, b: (..., height, width, channels) of one shape, each uint8 or float in [0, 1].

    Returns:
      float32 (...), one value an image, a mean over channels.

    Raises:
      DistortionError: the shapes differ, or a side is below 65 pixels.
    """
    return DISTORTION(a, b)
