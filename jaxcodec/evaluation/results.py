"""What an evaluation found, and its forms as JSON and CSV."""

import csv
import dataclasses
import io
import json
import math
from collections.abc import Mapping, Sequence

from jaxcodec.evaluation import curves
from jaxcodec.evaluation.curves import MeanCurve
from jaxcodec.evaluation.examples import Example
from jaxcodec.evaluation.measure import Photo, Sweep
from jaxcodec.evaluation.metrics import DEFAULT, PictureMetric


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was measured, and what follows from it.

    Attributes:
      machine: see `machine.describe`.
      folder: where the pictures came from.
      workers: how many pictures the baselines coded at a time.
      photos: the pictures.
      sweeps: the measurements of the codecs, then those of the baselines.
      tests: the names of the curves that are compared with all others.
      published: curves from publications.
      examples: pictures to look at.
      left_out: why pictures of the folder are in no number, by name.
      metrics: what was measured of every decoded picture.
    """

    machine: dict
    folder: str
    workers: int
    photos: tuple[Photo, ...]
    sweeps: tuple[Sweep, ...]
    tests: tuple[str, ...]
    published: tuple[MeanCurve, ...]
    examples: tuple[Example, ...]
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    metrics: tuple[PictureMetric, ...] = DEFAULT

    def curves(self) -> list[MeanCurve]:
        """The mean curves, measured ones first."""
        return [*map(curves.of_sweep, self.sweeps), *self.published]

    def elsewhere(self) -> frozenset[str]:
        """The names of the published curves that hold for other pictures than these."""
        sizes = {photo.name: photo.pixels.shape[:2] for photo in self.photos}
        return frozenset(
            curve.name for curve in self.published if not curves.holds_for(curve, sizes)
        )

    def warnings(self) -> list[str]:
        """What a reader must know before the numbers, a sentence each."""
        found = [f"{name} is left out: {reason}" for name, reason in self.left_out.items()]
        elsewhere = self.elsewhere()
        sets = dict.fromkeys(curve.data_set for curve in self.published if curve.name in elsewhere)
        found += [
            f"the published curves of {data_set or 'an unnamed set'} were measured on other "
            "pictures than these "
            f"{len(self.photos)}, so that a BD-rate against them may mislead by tens of percent"
            for data_set in sets
        ]
        return found

    def comparisons(self) -> list[dict]:
        """Every tested curve against every other one; see `curves.compare`.

        `same_pictures` says whether both were measured on these pictures.
        """
        elsewhere = self.elsewhere()
        every = self.curves()
        return [
            row | {"same_pictures": not {row["test"], row["anchor"]} & elsewhere}
            for test in every[: len(self.sweeps)]
            if test.name in self.tests
            for anchor in every
            if anchor is not test
            for row in curves.compare(test, anchor, self.metrics)
        ]


def to_json(evaluation: Evaluation) -> bytes:
    """The content of results.json, described in docs/evaluation.md.

    A number that is not finite becomes null.
    """
    results = {
        "machine": evaluation.machine,
        "workers": evaluation.workers,
        "folder": evaluation.folder,
        "metrics": [metric.about() for metric in evaluation.metrics],
        "images": [
            {
                "name": photo.name,
                "width": photo.pixels.shape[1],
                "height": photo.pixels.shape[0],
                "notes": photo.notes,
            }
            for photo in evaluation.photos
        ],
        "coders": [
            {
                "name": sweep.coder.name,
                "point_name": sweep.coder.point_name,
                "settings": sweep.coder.settings,
                "mean": sweep.means(),
                "per_image": [row.as_dict() for row in sweep.measurements],
            }
            for sweep in evaluation.sweeps
        ],
        "left_out": [
            {"name": name, "reason": reason} for name, reason in evaluation.left_out.items()
        ],
        "warnings": evaluation.warnings(),
        "published": [_published(curve, evaluation.metrics) for curve in evaluation.published],
        "bd": evaluation.comparisons(),
    }
    return json.dumps(_without_infinities(results), indent=1, allow_nan=False).encode()


def _published(curve: MeanCurve, metrics: Sequence[PictureMetric]) -> dict:
    """A published curve, its values by the keys of the metrics; none where the source has none."""
    values = {metric.key: curve.values.get(metric.key, ()) for metric in metrics}
    about = {"name": curve.name, "source": curve.source, "data_set": curve.data_set}
    return about | {"bpp": curve.bpp} | values


def _without_infinities(value):
    if isinstance(value, dict):
        return {key: _without_infinities(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinities(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_csv(evaluation: Evaluation) -> bytes:
    """The content of results.csv: a row for every measurement.

    One more row with image "mean" for every operating point.
    """
    text = io.StringIO()
    numbers = ["bpp", *(metric.key for metric in evaluation.metrics)]
    columns = ["coder", "point", "image", "bytes", *numbers, "encode_seconds", "decode_seconds"]
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    for sweep in evaluation.sweeps:
        name = {"coder": sweep.coder.name}
        for mean in sweep.means():
            writer.writerows(name | row.as_dict() for row in sweep.at(mean["point"]))
            writer.writerow(name | {"image": "mean"} | mean)
    return text.getvalue().encode()


def to_bd_csv(evaluation: Evaluation) -> bytes:
    """The content of bd.csv: a row for every comparison of two curves by a metric over a range of
    rates.

    `bd_quality` is the gain at equal rate as the metric's curves have it, in dB for PSNR.
    """
    text = io.StringIO()
    columns = [
        *("test", "anchor", "metric", "lowest_bpp", "highest_bpp"),
        *("bd_rate", "bd_quality", "same_pictures", "problem"),
    ]
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    for row in evaluation.comparisons():
        lowest, highest = row["rate_range"] or ("", "")
        ends = {"lowest_bpp": lowest, "highest_bpp": highest}
        writer.writerow(row | ends | {"bd_quality": row[f"bd_{row['metric']}"]})
    return text.getvalue().encode()
