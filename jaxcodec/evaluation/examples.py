"""Pictures as several coders leave them at about one rate, for a person to compare."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import tqdm

from jaxcodec.evaluation import metrics
from jaxcodec.evaluation.measure import Measurement, Photo, Sweep, bits_per_pixel, similarity
from jaxcodec.evaluation.metrics import PictureMetric

RATES = (0.25, 0.6)
"""The rates in bpp near which pictures are shown."""


@dataclasses.dataclass(frozen=True)
class Version:
    """A picture as one coder leaves it.

    It has a name, operating point, rate, metrics by their keys, and pixels.
    """

    coder: str
    point: float
    bpp: float
    metrics: Mapping[str, float | None]
    pixels: np.ndarray


@dataclasses.dataclass(frozen=True)
class Example:
    """A picture and what the coders make of it; the rate in bpp is that of the first version."""

    photo: Photo
    versions: tuple[Version, ...]

    @property
    def bpp(self) -> float:
        """The rate that the versions were matched to."""
        return self.versions[0].bpp


def choose(
    photos: Sequence[Photo],
    sweeps: Sequence[Sweep],
    count: int,
    measured: Sequence[PictureMetric] = metrics.DEFAULT,
) -> list[Example]:
    """Examples from `count` pictures, evenly spread over the list, near each of `RATES`.

    The first coder is shown at the operating point of its sweep that comes nearest to the rate on
    that picture, and the others at the cheapest file that is not smaller than that, or at their
    largest where all are smaller.
    """
    first, *others = sweeps
    examples = []
    for index in tqdm.tqdm(_spread(len(photos), count), desc="examples", unit="image"):
        photo = photos[index]
        rows = _rows(first, photo)
        nearest = {min(rows, key=lambda row: abs(math.log(row.bpp / rate))).point for rate in RATES}
        for point in sorted(nearest, key=first.coder.points.index):
            lead = _version(first, photo, point, measured)
            rest = [
                _version(sweep, photo, _matching_point(sweep, photo, lead.bpp), measured)
                for sweep in others
            ]
            examples.append(Example(photo, (lead, *rest)))
    return examples


def _spread(total: int, count: int) -> list[int]:
    return sorted(set(np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist()))


def _rows(sweep: Sweep, photo: Photo) -> list[Measurement]:
    """The sweep's measurements of a picture, smallest file first."""
    return sorted(
        (row for row in sweep.measurements if row.image == photo.name), key=lambda row: row.bpp
    )


def _matching_point(sweep: Sweep, photo: Photo, bpp: float) -> float:
    """The point of the cheapest file not below `bpp`.

    Bisected in whole numbers between the sweep's points.
    """
    rows = _rows(sweep, photo)
    above = next((index for index, row in enumerate(rows) if row.bpp >= bpp), None)
    if above is None:
        return rows[-1].point
    if above == 0:
        return rows[0].point
    small, large = rows[above - 1].point, rows[above].point
    while min(small, large) < (middle := (small + large) // 2) < max(small, large):
        if bits_per_pixel(sweep.coder.encode(photo.pixels, middle), photo) >= bpp:
            large = middle
        else:
            small = middle
    return large


def _version(
    sweep: Sweep, photo: Photo, point: float, measured: Sequence[PictureMetric]
) -> Version:
    coder = sweep.coder
    data = coder.encode(photo.pixels, point)
    pixels = coder.decode(data, point)
    likeness = similarity(photo, pixels, coder.name, measured)
    return Version(coder.name, point, bits_per_pixel(data, photo), likeness, pixels)
