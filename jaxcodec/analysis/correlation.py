"""Rank correlations with intervals, where several points come from one picture."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from jaxcodec.errors import CodecError

LEVEL = 0.95
"""Of intervals."""


class Correlation(NamedTuple):
    """Spearman's rho, from -1 to 1, and its interval of 95 %."""

    rho: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.rho:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def spearman(
    x: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray | Sequence | None = None,
    *,
    bins: np.ndarray | Sequence | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Correlation:
    """Spearman's rank correlation of x and y, and a bootstrap interval.

    Calm pictures are both likely and sensitive, so that a plain rank correlation of likelihood and
    sensitivity says less than it seems. With `bins`, those of their contrast say, ranks are taken
    within each bin, and the correlation is the mean over bins, weighed by their points.

    Args:
      x, y: (n,).
      groups: (n,), which points are of one picture: these are drawn together. Each is its own
        without it.
      bins: (n,), the bin of each point, see `quantile_bins`.
      draws: of the bootstrap, with replacement.
      seed: of the draws.

    Raises:
      CodecError: the lengths differ, there are fewer than three points, or x or y is constant.
    """
    x, y = (np.asarray(each, np.float64).ravel() for each in (x, y))
    own = np.arange(len(x)) if groups is None else np.asarray(groups)
    bin_of = np.zeros(len(x), np.int64) if bins is None else np.asarray(bins)
    if not len(x) == len(y) == len(own) == len(bin_of) or len(x) < 3:
        raise CodecError(
            f"ranks of {len(x)} and {len(y)} points in {len(own)} groups and {len(bin_of)} bins "
            "have no correlation; give as many of each, and three at least"
        )
    rho = _rho(x, y, bin_of)
    if not np.isfinite(rho):
        raise CodecError("a constant has no rank correlation; give values that differ")
    _, number = np.unique(own, return_inverse=True)
    members = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = rng.integers(len(members), size=len(members))
        places = np.concatenate([members[each] for each in drawn])
        found.append(_rho(x[places], y[places], bin_of[places]))
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return Correlation(float(rho), float(low), float(high))


def quantile_bins(values: np.ndarray, count: int = 5) -> np.ndarray:
    """The bin of each value (n,): `count` of them, each with about as many values."""
    values = np.asarray(values, np.float64)
    edges = np.quantile(values, np.linspace(0, 1, count + 1)[1:-1])
    return np.searchsorted(edges, values, side="right")


def _rho(x: np.ndarray, y: np.ndarray, bins: np.ndarray) -> float:
    """The mean over bins, weighed by their points; nan where no bin has any correlation."""
    total, weight = 0.0, 0
    for each in np.unique(bins):
        inside = bins == each
        if np.ptp(x[inside]) > 0 and np.ptp(y[inside]) > 0 and inside.sum() > 2:
            ranks = stats.rankdata([x[inside], y[inside]], axis=1)
            total += inside.sum() * float(np.corrcoef(ranks)[0, 1])
            weight += int(inside.sum())
    return total / weight if weight else np.nan
