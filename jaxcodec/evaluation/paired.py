"""Comparisons in pairs, for effects near one per cent: over pictures and over seeds.

Two codecs that were trained from one start, with one seed, on the same crops, differ by far less
noise than two that were not. Their BD-rate on each picture is one number; its mean over pictures is
one number for a seed; the seeds have an interval.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from jaxcodec.evaluation.bd import Curve, CurveError, bd_rate


class Interval(NamedTuple):
    """A mean and half the width of its interval; `half` is NaN where one value has none.

    As text, with the format of its numbers: `f"{interval:.2f}"` is "+0.10 ± 0.16".
    """

    mean: float
    half: float
    count: int

    def __format__(self, form: str) -> str:
        mean = format(self.mean, "+" + (form or ".2f"))
        return mean if np.isnan(self.half) else f"{mean} ± {format(self.half, form or '.2f')}"


def t_interval(values: Sequence[float] | np.ndarray, confidence: float = 0.95) -> Interval:
    """The mean of independent values, of seeds say, with Student's interval.

    Raises:
      ValueError: there is no value.
    """
    values = np.asarray(values, np.float64)
    if not values.size:
        raise ValueError("an interval takes one value at least, and there is none")
    count = values.size
    half = np.nan
    if count > 1:
        quantile = stats.t.ppf((1 + confidence) / 2, count - 1)
        half = float(quantile * values.std(ddof=1) / np.sqrt(count))
    return Interval(float(values.mean()), half, count)


def bd_rates(
    test: Mapping[str, Sequence[tuple[float, float]]],
    anchor: Mapping[str, Sequence[tuple[float, float]]],
) -> dict[str, float]:
    """BD-rate (%) of one codec over another on each picture that both have.

    test, anchor: points (bpp, quality, higher is better, in dB) by the picture's name. A picture
      whose curves have no common range is left out.
    """
    found = {}
    for name in sorted(test.keys() & anchor.keys()):
        try:
            own, other = (_curve(name, points[name]) for points in (test, anchor))
            found[name] = bd_rate(own, other)
        except CurveError:
            continue
    return found


def _curve(name: str, points: Sequence[tuple[float, float]]) -> Curve:
    bpp, quality = zip(*points, strict=True)
    return Curve(bpp, quality, name)
