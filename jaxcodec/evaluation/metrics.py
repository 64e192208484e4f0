"""The metrics of an evaluation: how close decoded pictures are to their originals.

One table, `METRICS`, has the name, label, unit, direction and function of each. Tables, plots, the
Bjontegaard deltas and `eval.py --metrics` follow it. The metrics of all distortions of the package
are among them (`jaxcodec.distortions`); those that are metrics alone are listed here.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jaxcodec import distortions
from jaxcodec.distortions import Distortion, DistortionError
from jaxcodec.evaluation import butteraugli, cvvdp, ssimulacra2
from jaxcodec.evaluation.coder import EvaluationError


def _available() -> None:
    """What is part of the package is missing nowhere."""


@dataclasses.dataclass(frozen=True)
class PictureMetric:
    """How close a decoded picture is to its original, and how that is shown.

    Attributes:
      name: what users give, "psnr".
      label: what it is called in text, "PSNR".
      unit: of its values, "dB"; "" for none.
      digits: of a value that are shown, behind the point.
      higher_is_better: whether closer pictures have larger values.
      least_side: of a picture, in pixels; smaller ones have no value.
      curve_key: what its curves are called in results and names of files: "ms_ssim_db" for MS-SSIM
        in dB.
      axis: what the axis of its plot says.
      to_curve: a value as curves have it, where higher is better whatever the metric's direction.
      source: what computes it.
      distortion: whose metric it is; the values of all of these come from one program.
      compare: for the others: original and decoded picture, uint8 (height, width, 3), to the value.
      missing: why it cannot be measured here, one sentence, or None.
    """

    name: str
    label: str
    unit: str
    digits: int
    higher_is_better: bool
    least_side: int
    curve_key: str
    axis: str
    to_curve: Callable[[float], float]
    source: str
    distortion: Distortion | None = None
    compare: Callable[[np.ndarray, np.ndarray], float] | None = None
    missing: Callable[[], str | None] = _available

    @property
    def key(self) -> str:
        """The name with the unit, as fields and columns have it: "psnr_db"."""
        return f"{self.name}_{self.unit.lower()}" if self.unit else self.name

    def about(self) -> dict[str, Any]:
        """What a reader of results needs to know of it, as JSON values."""
        names = ("name", "key", "label", "unit", "higher_is_better", "curve_key", "source")
        return {name: getattr(self, name) for name in names}


def _of_distortion(distortion: Distortion) -> PictureMetric:
    """The metric of a distortion; its curves are in dB, which rise with closeness."""
    metric = distortion.metric
    return PictureMetric(
        name=metric.name,
        label=metric.label,
        unit=metric.unit,
        digits=metric.digits,
        higher_is_better=metric.higher_is_better,
        least_side=distortion.least_side,
        curve_key=f"{metric.name}_db",
        axis=f"{metric.label} (dB)",
        to_curve=metric.to_db,
        source=f"jaxcodec.distortions, {distortion.name}",
        distortion=distortion,
        missing=functools.partial(_parameters_missing, distortion),
    )


def _parameters_missing(distortion: Distortion) -> str | None:
    """Why a distortion cannot have its parameters, or None."""
    try:
        distortion.ready()
    except DistortionError as problem:
        return str(problem)
    return None


_FIRST = ("mse", "ms_ssim", "ssim")
_OF_DISTORTIONS = {each.name: _of_distortion(each) for each in distortions.listed()}

SSIMULACRA2 = PictureMetric(
    name="ssimulacra2",
    label="SSIMULACRA 2",
    unit="",
    digits=2,
    higher_is_better=True,
    least_side=ssimulacra2.LEAST_SIDE,
    curve_key="ssimulacra2",
    axis="SSIMULACRA 2",
    to_curve=float,
    source="jaxcodec.evaluation.ssimulacra2, version 2.1",
    compare=lambda original, decoded: float(ssimulacra2.score(original, decoded)),
)
BUTTERAUGLI = PictureMetric(
    name="butteraugli",
    label="Butteraugli (3-norm)",
    unit="",
    digits=3,
    higher_is_better=False,
    least_side=butteraugli.LEAST_SIDE,
    curve_key="butteraugli",
    axis="−Butteraugli (3-norm)",
    to_curve=lambda value: -value,
    source="butteraugli_main of libjxl",
    compare=butteraugli.distance,
    missing=butteraugli.missing,
)
CVVDP = PictureMetric(
    name="cvvdp",
    label="ColorVideoVDP",
    unit="JOD",
    digits=3,
    higher_is_better=True,
    least_side=cvvdp.LEAST_SIDE,
    curve_key="cvvdp_jod",
    axis="ColorVideoVDP (JOD)",
    to_curve=float,
    source=f"cvvdp, display {cvvdp.DISPLAY}",
    compare=cvvdp.quality,
    missing=cvvdp.missing,
)
METRICS: tuple[PictureMetric, ...] = (
    *(_OF_DISTORTIONS[name] for name in _FIRST),
    SSIMULACRA2,
    *(metric for name, metric in _OF_DISTORTIONS.items() if name not in _FIRST),
    BUTTERAUGLI,
    CVVDP,
)
"""All, in the order of the tables."""

PSNR = METRICS[0]
"""It is always measured: pictures of all sizes have it."""

DEFAULT = METRICS[:4]
"""Measured where none are named: PSNR, MS-SSIM, SSIM and SSIMULACRA 2."""


def choose(names: Sequence[str] | None) -> tuple[PictureMetric, ...]:
    """The metrics of these names and PSNR, in the order of `METRICS`; `DEFAULT` for None.

    Raises:
      EvaluationError: there is no metric of a name, or what computes it is not installed.
    """
    if names is None:
        return DEFAULT
    known = {metric.name: metric for metric in METRICS}
    for name in names:
        if name not in known:
            raise EvaluationError(f"there is no metric {name!r}; choose from {', '.join(known)}")
        if (problem := known[name].missing()) is not None:
            raise EvaluationError(problem)
    return tuple(metric for metric in METRICS if metric is PSNR or metric.name in names)


def values(
    metrics: Sequence[PictureMetric], original: np.ndarray, decoded: np.ndarray
) -> dict[str, float | None]:
    """The value of each metric by its key; None for one that the pictures are too small for.

    Args:
      metrics: what to measure.
      original, decoded: uint8 (height, width, 1 or 3), of one shape.
    """
    side = min(original.shape[:2])
    fitting = [metric for metric in metrics if side >= metric.least_side]
    measured = {metric.key: metric.distortion for metric in fitting if metric.distortion}
    found: Mapping[str, Any] = dict(
        zip(
            measured,
            _together(tuple(each.ready() for each in measured.values()), original, decoded),
            strict=True,
        )
    )
    rgb = [np.broadcast_to(pixels, (*pixels.shape[:2], 3)) for pixels in (original, decoded)]
    found |= {metric.key: metric.compare(*rgb) for metric in fitting if metric.compare is not None}
    return {
        metric.key: float(found[metric.key]) if metric.key in found else None for metric in metrics
    }


@jax.jit
def _together(measured: tuple[Distortion, ...], a: jax.Array, b: jax.Array) -> list[jax.Array]:
    """All in one program, so that what SSIM and MS-SSIM have in common is computed once."""
    return [distortion.value(a, b) for distortion in measured]
