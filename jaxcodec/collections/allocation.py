"""Shares a budget of bytes among images: equal slopes of distortion over rate.

Shoham and Gersho 1988.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.interpolate

from jaxcodec.errors import RateError

_SAMPLES = 257
"""Points at which a curve is read between those that were measured."""


class Curve(NamedTuple):
    """The measurements of an image: sizes in bytes, rising, and the error at each.

    The error is summed over its pixels.
    """

    sizes: Sequence[float]
    errors: Sequence[float]


def allocate(curves: Sequence[Curve], budget: float) -> np.ndarray:
    """Bytes for each image, float64 (N,), that make the sum of errors least.

    They sum to at most `budget`.

    Between measured points a curve is taken as a monotone cubic in the logarithms of both (an error
    of zero as a millionth). Its lower convex hull is what counts: of all steps along all hulls
    those that save most error a byte are taken first, until the budget is spent. The last is taken
    in part, so that the solution is that of the continuous problem. An image gets no more than its
    largest measured size.

    Raises:
      RateError: the smallest sizes together exceed the budget.
    """
    hulls = [_hull(*_sampled(curve)) for curve in curves]
    least = np.array([sizes[0] for sizes, _ in hulls])
    left = budget - least.sum()
    if left < 0:
        raise RateError(
            f"the images take {int(np.ceil(least.sum())):,} bytes at least, more than the "
            f"{int(budget):,} allowed; "
            "allow more, or leave some out"
        )
    image = np.repeat(np.arange(len(hulls)), [len(sizes) - 1 for sizes, _ in hulls])
    steps = np.concatenate([np.diff(sizes) for sizes, _ in hulls])
    slopes = np.concatenate([np.diff(errors) for _, errors in hulls]) / np.maximum(steps, 1e-12)
    # The steepest first. Along a hull slopes only rise, so that an image's steps keep their order.
    order = np.argsort(slopes, kind="stable")
    taken = np.clip(left - (np.cumsum(steps[order]) - steps[order]), 0, steps[order])
    return least + np.bincount(image[order], taken, minlength=len(hulls))


def _sampled(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    sizes, first = np.unique(np.asarray(curve.sizes, np.float64), return_index=True)
    errors = np.maximum(np.minimum.accumulate(np.asarray(curve.errors, np.float64)[first]), 1e-6)
    if len(sizes) == 1:
        return sizes, errors
    logarithm = scipy.interpolate.PchipInterpolator(np.log(sizes), np.log(errors))
    between = np.unique(np.concatenate([np.geomspace(sizes[0], sizes[-1], _SAMPLES)[1:-1], sizes]))
    return between, np.exp(logarithm(np.log(between)))


def _hull(sizes: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points of the lower convex hull, from the smallest size to that of the least error."""
    kept: list[int] = []
    for point in range(len(sizes)):
        while len(kept) > 1 and _above(sizes, errors, kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    end = int(np.argmin(errors[kept])) + 1
    return sizes[kept[:end]], errors[kept[:end]]


def _above(sizes, errors, left: int, middle: int, right: int) -> bool:
    """Whether the middle point lies on or above the line between the others."""
    rise = (errors[middle] - errors[left]) * (sizes[right] - sizes[left])
    return rise >= (errors[right] - errors[left]) * (sizes[middle] - sizes[left])
