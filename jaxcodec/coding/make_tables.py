"""Makes integer tables of probabilities, in float64, when a codec is exported.

Loading a codec makes none.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxcodec.coding.tables import PRECISION, Tables


def _ndtr(values: np.ndarray) -> np.ndarray:
    """The cumulative distribution function of the standard normal."""
    from scipy.special import ndtr  # takes long to import, and a loaded codec makes no tables

    return ndtr(values)


def gaussian_tables(scales: Sequence[float] | np.ndarray, precision: int = PRECISION) -> Tables:
    """Tables of round(v) for centred Gaussians v, one for each standard deviation."""
    masses, minimum = [], []
    for scale in np.asarray(scales, np.float64):
        reach = int(np.ceil(6 * scale)) + 1
        distance = np.abs(np.arange(-reach, reach + 1))
        masses.append(_ndtr((0.5 - distance) / scale) - _ndtr((-0.5 - distance) / scale))
        minimum.append(-reach)
    return mass_tables(masses, minimum, precision)


def laplace_table(scale: float, precision: int = PRECISION) -> Tables:
    """The table of round(v) for a centred Laplace v with a density of exp(-|v| / scale)."""
    reach = int(np.ceil(scale * np.log(2.0) * (precision + 2))) + 1
    distance = np.abs(np.arange(-reach, reach + 1))
    # Both ends on one tail, where the difference does not cancel.
    tail = np.exp(-(distance - 0.5) / scale) * -np.expm1(-1 / scale) / 2
    mass = np.where(distance == 0, -np.expm1(-0.5 / scale), tail)
    return mass_tables([mass], [-reach], precision)


FITTED_REACH = 2047
"""Symbols of this size and more are counted together."""

_FEW = 1000
"""Where fewer symbols were counted than this, a table stays that of a Gaussian."""

_WEIGHT = 32
"""The fitted distribution counts for so many symbols of each size that it makes likely."""


def fitted_tables(
    counts: np.ndarray, scales: Sequence[float] | np.ndarray, precision: int = PRECISION
) -> Tables:
    """Tables of what was counted, one for each standard deviation that was foretold.

    Real latents have a higher peak and heavier tails than the Gaussian of their scale. A table is
    the histogram, evened out by the generalised Gaussian that fits it best; symmetric, since signs
    say nothing about a symbol.

    counts: (scales, FITTED_REACH + 1), how often a symbol of each size occurred under each scale.
    """
    masses, minimum = [], []
    for found, scale in zip(np.asarray(counts, np.float64), scales, strict=True):
        sizes = np.arange(len(found))
        reach = max(int(np.ceil(6 * scale)) + 1, int(np.flatnonzero(found)[-1:].sum()))
        smooth = _generalised(sizes, *_fit(found, scale))
        weight = _WEIGHT * np.count_nonzero(smooth > 1e-4)
        mass = (found + weight * smooth) / (found.sum() + weight)
        mass = np.where(sizes == 0, mass, mass / 2)[: reach + 1]
        masses.append(np.concatenate([mass[:0:-1], mass]))
        minimum.append(1 - len(mass))
    return mass_tables(masses, minimum, precision)


def _generalised(sizes: np.ndarray, scale: float, exponent: float) -> np.ndarray:
    """The mass of |round(v)| of a generalised Gaussian v with a density of exp(-|v / scale|^e)."""
    from scipy.special import gammainc  # see above

    ends = gammainc(1 / exponent, (np.append(sizes, sizes[-1] + 1) - 0.5).clip(0) ** exponent
                    / scale**exponent)  # fmt: skip
    return np.diff(ends)


def _fit(found: np.ndarray, scale: float) -> tuple[float, float]:
    """Scale and exponent of the most likely generalised Gaussian; where little was found, of the
    Gaussian.
    """
    from scipy.optimize import minimize

    gaussian = np.array([scale * np.sqrt(2), 2.0])
    if found.sum() < _FEW or found[0] == found.sum():
        return gaussian[0], gaussian[1]
    last = np.flatnonzero(found)[-1]
    sizes, found = np.arange(last + 1), found[: last + 1]

    def bits(logarithms: np.ndarray) -> float:
        own = _generalised(sizes, *np.exp(logarithms))
        return -float(found @ np.log(np.maximum(own, 1e-12)))

    bounds = np.log([gaussian / (4, 5), gaussian * (4, 2)]).T
    best = minimize(bits, np.log(gaussian), method="Nelder-Mead", bounds=bounds)
    scale, exponent = np.exp(best.x)
    return float(scale), float(exponent)


PHASE_BITS = 4
"""Means are in sixteenths of a quantiser step."""


class PhaseTables(NamedTuple):
    """Tables of Gaussians whose means lie between integers.

    tables: 2^bits[s] for scale s, the first of them at first[s]; the one of phase p has its mean at
      p / 2^bits[s].
    first, bits: int32 (scales,).
    """

    tables: Tables
    first: np.ndarray
    bits: np.ndarray


def phase_tables(scales: Sequence[float] | np.ndarray, precision: int = PRECISION) -> PhaseTables:
    """Tables of round(v) for Gaussians v of the given standard deviations and means in [0, 1).

    A scale has as many phases as put means at most a 32nd of it off, and at most 16.
    """
    scales = np.asarray(scales, np.float64)
    bits = np.clip(np.ceil(PHASE_BITS - np.log2(scales)), 0, PHASE_BITS).astype(np.int32)
    masses, minimum = [], []
    for scale, count in zip(scales, 1 << bits, strict=True):
        reach = int(np.ceil(6 * scale)) + 1
        for mean in np.arange(count) / count:
            distance = np.abs(np.arange(-reach, reach + 2) - mean)
            masses.append(_ndtr((0.5 - distance) / scale) - _ndtr((-0.5 - distance) / scale))
            minimum.append(-reach)
    first = np.cumsum(np.append(0, 1 << bits[:-1])).astype(np.int32)
    return PhaseTables(mass_tables(masses, minimum, precision), first, bits)


def mass_tables(
    masses: Sequence[np.ndarray], minimum: Sequence[int], precision: int = PRECISION
) -> Tables:
    """Tables from probability masses: `masses[t][i]` is that of the integer `minimum[t] + i`.

    Both tails are cut where the mass falls under half a count; the escape takes what is cut off and
    what is missing to one.
    """
    cdfs, lowest = [], []
    for mass, first in zip(masses, minimum, strict=True):
        mass = np.asarray(mass, np.float64)
        likely = np.flatnonzero(mass >= 0.5 / (1 << precision))
        start, stop = (
            (likely[0], likely[-1] + 1) if likely.size else (np.argmax(mass), np.argmax(mass) + 1)
        )
        kept = mass[start:stop]
        counts = quantise(np.append(kept, max(1 - kept.sum(), 0.0)), precision)
        cdfs.append(np.concatenate([[0], np.cumsum(counts)]))
        lowest.append(first + start)
    starts = np.concatenate([[0], np.cumsum([len(cdf) for cdf in cdfs])])
    return Tables(
        np.concatenate(cdfs).astype(np.int32),
        starts.astype(np.int32),
        np.asarray(lowest, np.int32),
        precision,
    )


def quantise(mass: np.ndarray, precision: int = PRECISION) -> np.ndarray:
    """Counts, int64, that cost the fewest bits under `mass` (n,).

    Each count is at least 1, and their sum is 2^precision.

    Over real numbers the minimum of -sum(mass * log(count)) is count = max(1, mass * scale), with
    the scale that makes the sum right; then the largest fractions are rounded up.
    """
    total = 1 << precision
    if len(mass) > total:
        raise ValueError(f"{len(mass)} values do not fit tables of {precision} bits")
    low, high = 0.0, float(total) / mass.sum()
    for _ in range(64):
        middle = (low + high) / 2
        low, high = (low, middle) if np.maximum(mass * middle, 1).sum() > total else (middle, high)
    ideal = np.maximum(mass * low, 1)
    counts = np.floor(ideal).astype(np.int64)
    short = total - counts.sum()
    counts[np.argsort(counts - ideal, kind="stable")[:short]] += 1
    return counts
