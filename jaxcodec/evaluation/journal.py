"""What an evaluation has measured so far, so that one that was stopped goes on where it was."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Sequence

from jaxcodec.evaluation import machine
from jaxcodec.evaluation.coder import Coder, EvaluationError
from jaxcodec.evaluation.measure import Measurement, Photo
from jaxcodec.evaluation.metrics import DEFAULT, PictureMetric

NAME = "measured.jsonl"
"""The file in the folder of the results; it goes when they are written."""


@dataclasses.dataclass(frozen=True)
class Journal:
    """Measurements of one coder, kept in a file as they are made.

    Those count that were made of the same pixels with the same settings and metrics, at as many
    pictures at a time, on the same machine.
    """

    path: pathlib.Path
    about: str

    def read(self, photos: Sequence[Photo]) -> dict[tuple[float, str], Measurement]:
        """What is there, by operating point and name of the picture."""
        if not self.path.exists():
            return {}
        keys = {self._key(photo): photo for photo in photos}
        lines = self.path.read_text("utf-8", errors="replace").splitlines()
        found = [measurement for key, measurement in filter(None, map(_row, lines)) if key in keys]
        return {(measurement.point, measurement.image): measurement for measurement in found}

    def writer(self, photos: Sequence[Photo]) -> Callable[[Measurement], None]:
        """What adds a measurement of one of the pictures.

        It raises EvaluationError where the file cannot be written to.
        """
        keys = {photo.name: self._key(photo) for photo in photos}

        def add(measurement: Measurement) -> None:
            line = json.dumps(
                {"key": keys[measurement.image], "measurement": measurement.as_dict()}
            )
            try:
                with self.path.open("a") as file:
                    file.write(f"\n{line}")  # the new line first, which ends one that was cut off
            except OSError as problem:
                raise EvaluationError(
                    f"cannot write {self.path}: {problem.strerror or problem}"
                ) from problem

        return add

    def _key(self, photo: Photo) -> str:
        return hashlib.sha256(
            f"{self.about} {photo.name} {photo.pixels.shape} ".encode() + photo.pixels.tobytes()
        ).hexdigest()


def of(
    coder: Coder,
    workers: int,
    path: pathlib.Path,
    metrics: Sequence[PictureMetric] = DEFAULT,
) -> Journal:
    """The journal of a coder in a file."""
    here = {name: value for name, value in machine.describe().items() if name != "date"}
    measured = [metric.about() for metric in metrics]
    return Journal(
        path,
        json.dumps(
            [coder.name, coder.point_name, coder.settings, workers, here, measured], sort_keys=True
        ),
    )


def _row(line: str) -> tuple[str, Measurement] | None:
    """A line's key and measurement, or None for a line that is not whole.

    Such a line is empty, was cut off as it was written, or holds anything else.
    """
    try:
        row = json.loads(line)
        return row["key"], Measurement.from_dict(row["measurement"])
    except (ValueError, KeyError, TypeError):
        return None
