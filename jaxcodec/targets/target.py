"""What a file is to weigh or keep, as a value.

Quality(50) | Bpp(0.25) | MaxBytes(20_000) | AtLeast("psnr", 35)
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypedDict

from jaxcodec import distortions
from jaxcodec.distortions import Distortion
from jaxcodec.errors import RateError


@dataclasses.dataclass(frozen=True)
class Quality:
    """A quality of the codec, 0 (smallest file) to 100, in steps of .01.

    Without a value 50; and what a codec with one quality takes, which has none to choose.

    Raises:
      RateError: the quality is out of range.
    """

    value: float | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not 0 <= self.value <= 100:
            raise RateError(
                f"a quality of {self.value} is out of range; give a number from 0 to 100"
            )


@dataclasses.dataclass(frozen=True)
class Bpp:
    """Bits per pixel that the file, header and all, is never above.

    It is at most .5 % below; of a picture of less than 100,000 pixels at most 1 % or 24 bytes.

    Raises:
      RateError: the rate makes no sense.
    """

    value: float

    def __post_init__(self) -> None:
        _check_above_0("bpp", self.value)


@dataclasses.dataclass(frozen=True)
class MaxBytes:
    """Bytes that the file is never above, and fills as closely as `Bpp`.

    Beyond what the best quality takes it is a bound and no target: then the file is that of the
    best quality, with a note; or with `nearest` it is filled as far as the codec can.

    Raises:
      RateError: the size makes no sense.
    """

    value: float

    def __post_init__(self) -> None:
        _check_above_0("max_bytes", self.value)


@dataclasses.dataclass(frozen=True)
class AtLeast:
    """A closeness that the decoded picture has at least: a value of a metric of `distortions`.

    It is at most .05 dB closer where the codec can do that, as with photographs; else the smallest
    file found is taken that is at least as close, with a note. Of metrics that are no dB, this is a
    closeness in dB: -10 log10(1 - SSIM), say. A PSNR counts the colours of pixels that are not
    wholly transparent; metrics that see more than single pixels count them all.

    Attributes:
      metric: "psnr", "ms_ssim", "ssim"; or a distortion of one's own, or its import path.
      value: in the metric's own unit. Where lower is better, the picture has at most that.

    Raises:
      DistortionError: there is no such metric.
      RateError: the value makes no sense.
    """

    metric: str | Distortion
    value: float

    def __post_init__(self) -> None:
        metric = self.distortion.metric
        low, high = metric.limits
        if not low < self.value < high:
            number = f"number of {metric.unit}" if metric.unit else "number"
            raise RateError(
                f"{metric.phrase} of {self.value} makes no sense; give a {number} above {low:g} "
                f"and below {high:g}"
            )

    @property
    def distortion(self) -> Distortion:
        """The distortion that has this metric."""
        return distortions.by_metric(self.metric)

    @property
    def db(self) -> float:
        """The value as a closeness in dB."""
        return self.distortion.metric.to_db(self.value)

    @property
    def distance(self) -> float:
        """The distance at which the metric has this value."""
        return self.distortion.metric.to_distance(self.value)

    @property
    def unit(self) -> str:
        """What follows a value in text: " dB", or nothing."""
        unit = self.distortion.metric.unit
        return f" {unit}" if unit else ""

    def __str__(self) -> str:
        return f"{self.distortion.metric.phrase} of {self.value:g}{self.unit}"


Target = Quality | Bpp | MaxBytes | AtLeast


class Keywords(TypedDict, total=False):
    """A target as keywords, of which at most one is given; None is the same as left out."""

    quality: float | None
    bpp: float | None
    max_bytes: float | None
    psnr: float | None
    ms_ssim: float | None
    ssim: float | None


_KINDS = {"quality": Quality, "bpp": Bpp, "max_bytes": MaxBytes}
_METRICS = ("psnr", "ms_ssim", "ssim")


def from_keywords(keywords: Mapping[str, Any], target: Target | None = None) -> Target:
    """The one target of `target` and `keywords` (see `Keywords`); `Quality()` where there is none.

    Raises:
      RateError: more than one is given, or one that makes no sense.
      TypeError: there is no such keyword.
    """
    names = [*(["target"] if target is not None else []), *given(keywords)]
    if len(names) > 1:
        raise RateError(f"{' and '.join(names)} were given together; give one of them")
    if target is not None or not names:
        return Quality() if target is None else target
    (name,) = names
    value = keywords[name]
    return _KINDS[name](value) if name in _KINDS else AtLeast(name, value)


def given(keywords: Mapping[str, Any]) -> list[str]:
    """The keywords that have a value, in the order of `Keywords`.

    Raises TypeError for an unknown one.
    """
    if unknown := [name for name in keywords if name not in (*_KINDS, *_METRICS)]:
        raise TypeError(f"got an unexpected keyword argument {unknown[0]!r}")
    return [name for name in (*_KINDS, *_METRICS) if keywords.get(name) is not None]


def _check_above_0(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise RateError(f"{name} of {value} makes no sense; give a number above 0")
