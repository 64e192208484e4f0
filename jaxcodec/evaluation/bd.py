"""Bjontegaard deltas: the mean distance between two rate-distortion curves.

G. Bjontegaard, "Calculation of average PSNR differences between RD curves", VCEG-M33, 2001, with
piecewise cubic Hermite interpolation (pchip) in place of one cubic, as VTM's and CompressAI's tools
have it: a pchip passes through every point, takes any number of them and does not swing between
them. Rates enter as their logarithm.

Which points count: they are sorted by rate, and a point counts only if it is better than every
cheaper point, so that quality rises with rate. A point that costs more and is no better is one that
nobody would choose.

A rate range [low, high] in bpp narrows a comparison to the rates that matter. Each curve is cut, by
interpolation, to the part inside the range: from the quality it reaches at `low` to the quality it
reaches at `high`, or its own end where it does not reach so far. BD-rate integrates over the
qualities that both cut curves have, BD-PSNR over the rates that both have. The curves themselves
are interpolated through all their points, cut or not.
"""

import dataclasses
import functools

import numpy as np
from scipy.interpolate import PchipInterpolator

from jaxcodec.errors import CodecError


class CurveError(CodecError):
    """A rate-distortion curve is malformed, or two curves have no common range."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """A rate-distortion curve.

    Attributes:
      bpp: rates in bits per pixel, positive, in any order.
      quality: what they buy, higher is better, in dB for PSNR. A point that is not finite is left
        out.
      name: what messages call it.

    Raises:
      CurveError: the lists differ in length, a rate is not positive, or fewer than two points
        count.
    """

    bpp: tuple[float, ...]
    quality: tuple[float, ...]
    name: str = "curve"

    def __post_init__(self) -> None:
        if len(self.bpp) != len(self.quality):
            raise CurveError(
                f"{self.name} has {len(self.bpp)} rates but {len(self.quality)} qualities; pair "
                "them"
            )
        if not all(rate > 0 for rate in self.bpp):
            raise CurveError(f"{self.name} has a rate that is not above 0 bpp; remove that point")
        if len(self.points[0]) < 2:
            raise CurveError(
                f"{self.name} has fewer than two points of rising quality; measure more points"
            )

    @functools.cached_property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Log rates and qualities of the points that count, both rising."""
        finite = [
            (rate, quality)
            for rate, quality in zip(self.bpp, self.quality, strict=False)
            if np.isfinite(quality)
        ]
        kept = []
        for rate, quality in sorted(finite, key=lambda point: (point[0], -point[1])):
            if not kept or quality > kept[-1][1]:
                kept.append((rate, quality))
        rates, qualities = np.array(kept, np.float64).reshape(-1, 2).T
        return np.log(rates), qualities

    @functools.cached_property
    def log_rate_of_quality(self) -> PchipInterpolator:
        """The interpolated log rate as a function of quality."""
        log_rates, qualities = self.points
        return PchipInterpolator(qualities, log_rates)

    @functools.cached_property
    def quality_of_log_rate(self) -> PchipInterpolator:
        """The interpolated quality as a function of log rate."""
        log_rates, qualities = self.points
        return PchipInterpolator(log_rates, qualities)

    def cut(self, rate_range: tuple[float, float] | None) -> tuple[float, float]:
        """The log rates between which the curve runs inside a range of rates in bpp.

        The low end is above the high end if the curve lies outside.
        """
        log_rates, _ = self.points
        low, high = log_rates[0], log_rates[-1]
        if rate_range is not None:
            low, high = max(low, np.log(rate_range[0])), min(high, np.log(rate_range[1]))
        return float(low), float(high)


def _mean_gap(test: PchipInterpolator, anchor: PchipInterpolator, low: float, high: float) -> float:
    return float((test.integrate(low, high) - anchor.integrate(low, high)) / (high - low))


def _common_log_rates(test: Curve, anchor: Curve, rate_range) -> tuple[float, float]:
    cuts = [curve.cut(rate_range) for curve in (test, anchor)]
    low, high = max(cut[0] for cut in cuts), min(cut[1] for cut in cuts)
    if low >= high:
        raise CurveError(
            f"{test.name} and {anchor.name} share no range of rates{_within(rate_range)}; add "
            "points"
        )
    return low, high


def _common_qualities(test: Curve, anchor: Curve, rate_range) -> tuple[float, float]:
    spans = []
    for curve in (test, anchor):
        low, high = curve.cut(rate_range)
        if low >= high:
            raise CurveError(f"{curve.name} has no part{_within(rate_range)}; add points there")
        spans.append((curve.quality_of_log_rate(low), curve.quality_of_log_rate(high)))
    low, high = max(span[0] for span in spans), min(span[1] for span in spans)
    if low >= high:
        raise CurveError(
            f"{test.name} and {anchor.name} share no range of quality{_within(rate_range)}; add "
            "points"
        )
    return float(low), float(high)


def _within(rate_range) -> str:
    return "" if rate_range is None else f" within {rate_range[0]:g} to {rate_range[1]:g} bpp"


def bd_rate(test: Curve, anchor: Curve, rate_range: tuple[float, float] | None = None) -> float:
    """Percent more bits of the test curve than the anchor at equal quality; negative is better.

    Args:
      test: the curve under test.
      anchor: the curve that it is compared with.
      rate_range: lowest and highest rate in bpp to look at; everything that both curves have by
        default.

    Returns:
      100 (exp(D) - 1) with D the mean difference of the log rates over the common qualities.

    Raises:
      CurveError: the curves, cut to the range, share no range of quality.
    """
    low, high = _common_qualities(test, anchor, rate_range)
    return 100 * float(
        np.expm1(_mean_gap(test.log_rate_of_quality, anchor.log_rate_of_quality, low, high))
    )


def bd_quality(test: Curve, anchor: Curve, rate_range: tuple[float, float] | None = None) -> float:
    """Gain of the test curve at equal rate, in the unit of its quality; positive is better.

    With PSNR in dB as the quality this is BD-PSNR. Arguments as in `bd_rate`.

    Raises:
      CurveError: the curves share no range of rates.
    """
    low, high = _common_log_rates(test, anchor, rate_range)
    return _mean_gap(test.quality_of_log_rate, anchor.quality_of_log_rate, low, high)
