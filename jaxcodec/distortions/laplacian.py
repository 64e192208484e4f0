"""What both versions of the normalised Laplacian pyramid distance are made of."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.distortions.distortion import as_float
from jaxcodec.distortions.ssim import planes

_LINEAR = 1e-10
"""Mean squares of a band below this have a power that is linear in them, so that equal images are
at a distance of 0 without a gradient; all others keep their value. plenoptic adds as much under the
root instead, so that its equal images are 1e-5 apart."""


def power(mean_square: jax.Array, exponent: float) -> jax.Array:
    """mean_square ** exponent, for exponents below 1."""
    small = mean_square < _LINEAR
    return jnp.where(
        small,
        mean_square * _LINEAR ** (exponent - 1),
        jnp.where(small, _LINEAR, mean_square) ** exponent,
    )


def mean_squares(
    bands: Callable[[jax.Array], Sequence[jax.Array]], a: jax.Array, b: jax.Array
) -> jax.Array:
    """Of the differences in each band: images (..., h, w, c) to (bands, ..., c).

    bands: those of planes (..., h, w) in [0, 1].
    """
    images = [planes(as_float(image)) for image in (a, b)]
    # Values come from one array of both, so that the same program rounds equal images alike.
    # Gradients come from each by itself: a loss needs those of one, and they take the most time.
    together = bands(jax.lax.stop_gradient(jnp.stack(images)))
    alone = zip(*map(bands, images), strict=True)
    squares = []
    for both, (x, y) in zip(together, alone, strict=True):
        difference = both[0] - both[1] + _gradient_of(x) - _gradient_of(y)
        squares.append(jnp.mean(jnp.square(difference), axis=(-2, -1)))
    return jnp.stack(squares)


def _gradient_of(x: jax.Array) -> jax.Array:
    """Zero, with the gradient of x."""
    return x - jax.lax.stop_gradient(x)


def centred(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Planes (..., h, w) less their means, and the means.

    Bands are the same for both but for rounding, which grows with the values.
    """
    mean = jnp.mean(image, axis=(-2, -1), keepdims=True)
    return image - mean, mean


def correlate(image: jax.Array, taps: np.ndarray, stride: int = 1) -> jax.Array:
    """Planes (..., h, w) with a filter (k, k), where it lies inside, every `stride` samples.

    A sum of shifted planes, which XLA makes one loop of: on a CPU it has no fast convolution of a
    single channel.
    """
    height, width = (side - len(taps) + 1 for side in image.shape[-2:])
    shifted = [
        float(weight) * image[..., row : row + height : stride, column : column + width : stride]
        for (row, column), weight in np.ndenumerate(taps)
        if weight
    ]
    return functools.reduce(jnp.add, shifted)


def smoothed(image: jax.Array, taps: np.ndarray, stride: int = 1) -> jax.Array:
    """`correlate` with the outer product of taps (k,) with themselves."""
    rows = correlate_rows(image, taps, stride)
    return correlate_rows(rows.swapaxes(-1, -2), taps, stride).swapaxes(-1, -2)


def correlate_rows(image: jax.Array, taps: np.ndarray, stride: int) -> jax.Array:
    """Along the last axis."""
    width = image.shape[-1] - len(taps) + 1
    shifted = [
        float(weight) * image[..., column : column + width : stride]
        for column, weight in enumerate(taps)
    ]
    return functools.reduce(jnp.add, shifted)


def reflected(image: jax.Array, by: int) -> jax.Array:
    """Planes with their borders mirrored, the outermost samples once."""
    return jnp.pad(image, [(0, 0)] * (image.ndim - 2) + [(by, by)] * 2, mode="reflect")


def sparse(image: jax.Array, before: int, sides: Sequence[int]) -> jax.Array:
    """Planes with zeros between their samples, `before` zeros first, and zeros up to `sides`."""
    padding: list[Any] = [(0, 0, 0)] * (image.ndim - 2)
    for side, own in zip(sides, image.shape[-2:], strict=True):
        padding.append((before, side - before - (2 * own - 1), 1))
    return jax.lax.pad(image, jnp.zeros((), image.dtype), padding)


def surroundings(band: jax.Array, taps: np.ndarray) -> jax.Array:
    """The filtered sizes of a band's values, zeros outside."""
    edge = len(taps) // 2
    sizes = jnp.pad(jnp.abs(band), [(0, 0)] * (band.ndim - 2) + [(edge, edge)] * 2)
    return correlate(sizes, taps)
