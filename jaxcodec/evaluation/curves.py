"""Rate-distortion curves of sweeps and of publications, and the Bjontegaard deltas between them."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from jaxcodec.evaluation.bd import Curve, CurveError, bd_quality, bd_rate
from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.measure import Sweep
from jaxcodec.evaluation.metrics import DEFAULT, METRICS, PSNR, PictureMetric
from jaxcodec.files import read_bytes

RATE_RANGES = (None, (0.15, 1.0))
"""The ranges in bpp over which curves are compared; None for all that they have in common."""


@dataclasses.dataclass(frozen=True)
class MeanCurve:
    """Mean operating points over a set of pictures.

    Attributes:
      name: whose.
      source: where they come from.
      bpp: mean rates.
      values: mean values of metrics at them, by the metric's key; a metric without is not there.
      data_set: the pictures that a published curve was measured on, as its file calls them; ""
        where it does not tell.
    """

    name: str
    source: str
    bpp: tuple[float, ...]
    values: Mapping[str, tuple[float, ...]]
    data_set: str = ""

    def quality(self, metric: PictureMetric) -> tuple[float, ...]:
        """What curves show of a metric at every point, where higher is better: MS-SSIM in dB.

        Empty where there is none.
        """
        return tuple(map(metric.to_curve, self.values.get(metric.key, ())))

    def points(self, metric: PictureMetric) -> list[tuple[float, float]]:
        """(bpp, quality) where the quality is finite, lowest rate first."""
        return sorted(
            point
            for point in zip(self.bpp, self.quality(metric), strict=False)
            if math.isfinite(point[1])
        )


def of_sweep(sweep: Sweep) -> MeanCurve:
    """The mean curve of a sweep: mean rate and mean quality at every operating point.

    The means are over the pictures.
    """
    means = sweep.means()
    measured = sweep.measurements[0].metrics if sweep.measurements else ()
    columns = {key: tuple(mean[key] for mean in means) for key in ("bpp", *measured)}
    complete: dict[str, Any] = {
        key: column for key, column in columns.items() if None not in column
    }
    return MeanCurve(sweep.coder.name, "measured here", complete.pop("bpp"), complete)


def read_published(path: str | os.PathLike[str]) -> list[MeanCurve]:
    """Published curves from a JSON file.

    The file holds {"dataset": TEXT, "codecs": {NAME: {"source": TEXT, "bpp": [...], "psnr_db":
    [...], "ms_ssim": [...]}}}, `ms_ssim` and other metrics by their keys where the source gives
    them; whatever else it holds is passed over.

    Raises:
      EvaluationError: the file cannot be read, or is not of that form.
    """
    content = read_bytes(path, EvaluationError)
    try:
        parsed = json.loads(content)
        data_set = str(parsed.get("dataset", ""))
        return [_published(name, codec, data_set) for name, codec in parsed["codecs"].items()]
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise EvaluationError(
            f"{path} does not hold published curves in JSON ({problem}); see docs/evaluation.md"
        ) from problem


def _published(name: str, codec: dict, data_set: str) -> MeanCurve:
    keys = [PSNR.key, *(key for metric in METRICS if (key := metric.key) in codec)]
    values = {key: tuple(map(float, codec[key])) for key in keys}
    bpp = tuple(map(float, codec["bpp"]))
    return MeanCurve(name, str(codec["source"]), bpp, values, data_set)


def is_kodak(sizes: Mapping[str, tuple[int, int]]) -> bool:
    """Whether pictures, (height, width) by file name, are the 24 of the Kodak set.

    By their usual names and sizes.
    """
    names = {f"kodim{number:02}" for number in range(1, 25)}
    stems = {pathlib.PurePath(name).stem for name in sizes}
    return (
        stems == names
        and len(sizes) == 24
        and all(sorted(size) == [512, 768] for size in sizes.values())
    )


def holds_for(curve: MeanCurve, sizes: Mapping[str, tuple[int, int]]) -> bool:
    """Whether a published curve was measured on just these pictures.

    Judged by its file and their names.
    """
    return "kodak" in curve.data_set.lower() and is_kodak(sizes)


def compare(
    test: MeanCurve, anchor: MeanCurve, metrics: Sequence[PictureMetric] = DEFAULT
) -> list[dict]:
    """Bjontegaard deltas of a curve against an anchor.

    One for each metric that both have and each of `RATE_RANGES`.

    Returns:
      Dicts with `test`, `anchor`, `metric` (its `curve_key`), `rate_range` (None or [low, high] in
      bpp), `bd_rate` (percent, negative is better), `bd_psnr_db` (or `bd_ms_ssim_db` and so on;
      positive is better, whatever the metric's direction) and `problem`: None, or why there is no
      number.
    """
    rows = []
    for metric in metrics:
        if all(curve.quality(metric) for curve in (test, anchor)):
            for rate_range in RATE_RANGES:
                row = {
                    "test": test.name,
                    "anchor": anchor.name,
                    "metric": metric.curve_key,
                    "rate_range": rate_range,
                }
                rows.append(row | _deltas(test, anchor, metric, rate_range))
    return rows


def _deltas(
    test: MeanCurve,
    anchor: MeanCurve,
    metric: PictureMetric,
    rate_range: tuple[float, float] | None,
) -> dict:
    delta = f"bd_{metric.curve_key}"
    try:
        ours, theirs = (
            Curve(curve.bpp, curve.quality(metric), curve.name) for curve in (test, anchor)
        )
        return {
            "bd_rate": bd_rate(ours, theirs, rate_range),
            delta: bd_quality(ours, theirs, rate_range),
            "problem": None,
        }
    except CurveError as problem:
        return {"bd_rate": None, delta: None, "problem": str(problem)}


def bd_rate_per_image(test: Sweep, anchor: Sweep) -> dict[str, float | None]:
    """BD-rate in percent by each picture's own PSNR curves.

    Over all that they have in common; None where they have nothing.
    """
    names = [row.image for row in test.at(test.coder.points[0])]
    return {
        name: _deltas(_of_image(test, name), _of_image(anchor, name), PSNR, None)["bd_rate"]
        for name in names
    }


def _of_image(sweep: Sweep, name: str) -> MeanCurve:
    rows = [row for row in sweep.measurements if row.image == name]
    return MeanCurve(
        sweep.coder.name,
        name,
        tuple(row.bpp for row in rows),
        {PSNR.key: tuple(row.psnr_db for row in rows)},
    )
