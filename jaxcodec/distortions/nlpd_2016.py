"""The normalised Laplacian pyramid distance of 2016 (Laparra, Balle, Berardino, Simoncelli).

"Perceptual image quality assessment using a normalized Laplacian pyramid", Human Vision and
Electronic Imaging 2016: six bands of images in [0, 1], each with filters that were learned, as
plenoptic has them: its first filter has a tap more than the paper's. Made for grey images; here
each channel is compared by itself, and then averaged.
"""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.distortions import laplacian
from jaxcodec.distortions.distortion import Distortion, plain

_BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
_SIGMAS = (0.0248, 0.0185, 0.0179, 0.0191, 0.0220, 0.2782)
_TAPS = (
    {"left": 0.1493, "right": 0.1460, "up": 0.1011, "down": 0.1015, "second_right": 0.0072},
    {"left": 0.1986, "right": 0.1846, "up": 0.0757, "down": 0.0837},
    {"left": 0.2138, "right": 0.2243, "up": 0.0477, "down": 0.0467},
    {"left": 0.2503, "right": 0.2616},
    {"left": 0.2598, "right": 0.2552},
    {"left": 0.2215, "right": 0.0717},
)
_PLACES = {
    "left": (2, 1), "right": (2, 3), "up": (1, 2), "down": (3, 2), "second_right": (2, 4),
}  # fmt: skip


def _filter(taps: dict[str, float]) -> np.ndarray:
    """(5, 5), of the neighbours of a sample."""
    weights = np.zeros((5, 5))
    for name, value in taps.items():
        weights[_PLACES[name]] = value
    return weights


_FILTERS = tuple(_filter(taps) for taps in _TAPS)


def bands(image: jax.Array) -> list[jax.Array]:
    """Normalised bands, finest first, of planes (..., h, w) in [0, 1]; the last is the low-pass.

    Borders are reflected by 2 on the way down, and by 1 on the way up before zeros come between the
    samples.
    """
    found = []
    image, mean = laplacian.centred(image)
    for sigma, weights in zip(_SIGMAS, _FILTERS, strict=True):
        band, low = image + mean, image
        if len(found) < len(_SIGMAS) - 1:
            low = laplacian.smoothed(laplacian.reflected(image, 2), _BINOMIAL, stride=2)
            wide = laplacian.reflected(low, 1)
            # Zeros around as far as the filter reaches; the mirrored samples are cut off again.
            whole = laplacian.sparse(wide, 2, [2 * side + 4 for side in wide.shape[-2:]])
            up = 4 * laplacian.smoothed(whole, _BINOMIAL)
            height, width = image.shape[-2:]
            band = image - up[..., 2 : 2 + height, 2 : 2 + width]
        found.append(band / (sigma + laplacian.surroundings(band, weights)))
        image = low
    return found


def _distance(params: Any, a: jax.Array, b: jax.Array) -> jax.Array:
    """The mean of the six root mean squares, a mean over channels."""
    del params
    return jnp.mean(laplacian.power(laplacian.mean_squares(bands, a, b), 0.5), axis=(0, -1))


DISTORTION = Distortion(
    name="nlpd_2016",
    unit="NLPD (2016)",
    compare=_distance,
    metric=plain("nlpd_2016", "NLPD (2016)", peak=10.0),
    least_side=48,
    remedy="use SSIM for small images",
)


def nlpd_2016(a: chex.Array, b: chex.Array) -> jax.Array:
    """Normalised Laplacian pyramid distance of 2016, 0 for equal images.

    Args:
      a, b: (..., height, width, channels) of one shape, each uint8 or float in [0, 1].

    Returns:
      float32 (...), one value an image, a mean over channels.

    Raises:
      DistortionError: the shapes differ, or a side is below 48 pixels.
    """
    return DISTORTION(a, b)
