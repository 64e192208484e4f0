"""What an evaluation found, and its forms as JSON and CSV."""

import csv
import dataclasses
import io
import json
import math

from jaxcodec.evaluation import curves
from jaxcodec.evaluation.curves import MeanCurve
from jaxcodec.evaluation.examples import Example
from jaxcodec.evaluation.measure import NUMBERS, Photo, Sweep


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
    """

    machine: dict
    folder: str
    workers: int
    photos: tuple[Photo, ...]
    sweeps: tuple[Sweep, ...]
    tests: tuple[str, ...]
    published: tuple[MeanCurve, ...]
    examples: tuple[Example, ...]

    def curves(self) -> list[MeanCurve]:
        """The mean curves, measured ones first."""
        return [*map(curves.of_sweep, self.sweeps), *self.published]

    def comparisons(self) -> list[dict]:
        """Every tested curve against every other one; see `curves.compare`."""
        every = self.curves()
        return [
            row
            for test in every[: len(self.sweeps)]
            if test.name in self.tests
            for anchor in every
            if anchor is not test
            for row in curves.compare(test, anchor)
        ]


def to_json(evaluation: Evaluation) -> bytes:
    """The content of results.json; docs/evaluation.md describes it. A number that is not finite becomes null."""
    results = {
        "machine": evaluation.machine,
        "workers": evaluation.workers,
        "folder": evaluation.folder,
        "images": [
            {"name": photo.name, "width": photo.pixels.shape[1], "height": photo.pixels.shape[0], "notes": photo.notes}
            for photo in evaluation.photos
        ],
        "coders": [
            {
                "name": sweep.coder.name,
                "point_name": sweep.coder.point_name,
                "settings": sweep.coder.settings,
                "mean": sweep.means(),
                "per_image": [dataclasses.asdict(row) for row in sweep.measurements],
            }
            for sweep in evaluation.sweeps
        ],
        "published": [dataclasses.asdict(curve) for curve in evaluation.published],
        "bd": evaluation.comparisons(),
    }
    return json.dumps(_without_infinities(results), indent=1, allow_nan=False).encode()


def _without_infinities(value):
    if isinstance(value, dict):
        return {key: _without_infinities(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinities(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_csv(evaluation: Evaluation) -> bytes:
    """The content of results.csv: a row for every measurement, and one with image "mean" for every operating point."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["coder", "point", "image", "bytes", *NUMBERS])
    writer.writeheader()
    for sweep in evaluation.sweeps:
        name = {"coder": sweep.coder.name}
        for mean in sweep.means():
            writer.writerows(name | dataclasses.asdict(row) for row in sweep.at(mean["point"]))
            writer.writerow(name | {"image": "mean"} | mean)
    return text.getvalue().encode()
