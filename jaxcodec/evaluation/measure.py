"""Measures a coder on pictures: bytes of real files, closeness and seconds."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import os
import time
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import tqdm

from jaxcodec import image
from jaxcodec.errors import CodecError, ImageError
from jaxcodec.evaluation import metrics
from jaxcodec.evaluation.coder import Coder, EvaluationError
from jaxcodec.evaluation.metrics import PictureMetric


@dataclasses.dataclass(frozen=True)
class Photo:
    """A picture to measure on.

    Attributes:
      name: of its file, without the folder.
      pixels: uint8 (height, width, 1 or 3).
      notes: what was converted or left out while reading.
    """

    name: str
    pixels: np.ndarray
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One picture through one coder at one operating point.

    Attributes:
      image: the picture's name.
      point: the operating point.
      bytes: size of the whole file.
      bpp: 8 * bytes over the pixels of the picture.
      metrics: of the decoded picture, the value of each metric by its key: "psnr_db", infinite
        where it equals the original, "ms_ssim"; None where it is too small.
      encode_seconds, decode_seconds: wall-clock time of the library call, from pixels to bytes and
        back.
    """

    image: str
    point: float
    bytes: int
    bpp: float
    metrics: Mapping[str, float | None]
    encode_seconds: float
    decode_seconds: float

    @property
    def psnr_db(self) -> float:
        """The PSNR, which pictures of all sizes have."""
        value = self.metrics["psnr_db"]
        assert value is not None
        return value

    def as_dict(self) -> dict[str, Any]:
        """All values by name, the metrics among them, as results hold them."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        flat: dict[str, Any] = {}
        for name, value in values.items():
            flat |= value if name == "metrics" else {name: value}
        return flat

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Measurement":
        """The measurement of `as_dict`; raises KeyError or TypeError for other values."""
        names = {field.name for field in dataclasses.fields(cls)}
        others = {name: value for name, value in values.items() if name in names}
        return cls(
            metrics={name: value for name, value in values.items() if name not in names}, **others
        )


@dataclasses.dataclass(frozen=True)
class Sweep:
    """All measurements of one coder, point by point and picture by picture.

    Attributes:
      coder: whose.
      measurements: of the pictures that went through at every point.
      failed: why the others did not, by name.
    """

    coder: Coder
    measurements: tuple[Measurement, ...]
    failed: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def at(self, point: float) -> list[Measurement]:
        """The measurements at an operating point, one a picture."""
        return [measurement for measurement in self.measurements if measurement.point == point]

    def without(self, names: Collection[str]) -> "Sweep":
        """The sweep less the pictures of these names."""
        return dataclasses.replace(
            self, measurements=tuple(row for row in self.measurements if row.image not in names)
        )

    def means(self) -> list[dict]:
        """For every operating point its `point` and the means over the pictures: of `bpp`, of each
        metric by its key, of `encode_seconds` and `decode_seconds`.

        Each number is the arithmetic mean of its per-picture values, bpp and PSNR in dB included,
        as the literature has it. A number that some picture lacks is None.
        """
        measured = self.measurements[0].metrics if self.measurements else ()
        numbers = ("bpp", *measured, "encode_seconds", "decode_seconds")
        return [
            {"point": point}
            | {
                number: _mean([row.as_dict()[number] for row in self.at(point)])
                for number in numbers
            }
            for point in self.coder.points
        ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def load_photos(folder: str | os.PathLike[str]) -> tuple[list[Photo], dict[str, str]]:
    """The pictures of a folder, sorted by name, and why others cannot be read, by name.

    Alpha is left out, with a note, since not every coder keeps it.

    Raises:
      DataError: the folder is missing or holds no images.
      ImageError: no image can be read; the first one's error.
    """
    photos, unreadable = [], {}
    for path in image.list_images(folder):
        try:
            picture = image.read(path)
        except ImageError as problem:
            unreadable[path.name] = problem
            continue
        pixels, notes = picture.pixels, picture.notes
        if pixels.shape[2] == 4:
            pixels, notes = (
                np.ascontiguousarray(pixels[:, :, :3]),
                (*notes, "its alpha channel is left out"),
            )
        photos.append(Photo(path.name, pixels, notes))
    if not photos:
        raise next(iter(unreadable.values()))
    return photos, {name: str(problem) for name, problem in unreadable.items()}


def sweep(
    coder: Coder,
    photos: Sequence[Photo],
    *,
    measured: Sequence[PictureMetric] = metrics.DEFAULT,
    workers: int = 1,
    done: Mapping[tuple[float, str], Measurement] = types.MappingProxyType({}),
    keep: Callable[[Measurement], None] = lambda measurement: None,
) -> Sweep:
    """Measures a coder on every picture at every point, with a progress bar on stderr.

    At every point the first picture of each size goes through the coder once more beforehand,
    untimed, so that compilation and the first touch of memory are in no time.

    Args:
      coder: what to measure.
      photos: on what.
      measured: the metrics, PSNR among them.
      workers: pictures that are coded at a time; above 1 they share the cores, and each takes
        longer than alone.
      done: measurements that were made before, by operating point and name of the picture.
      keep: is called with each that is made.

    A picture that the coder cannot take at some point is left out of the rest; `Sweep.failed` says
    why.

    Raises:
      CodecError: no picture went through; the first one's error.
    """
    made, failed = dict(done), {}
    total = len(coder.points) * len(photos)
    progress = tqdm.tqdm(total=total, initial=len(made), desc=coder.name, unit="image")
    with progress, concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for point in coder.points:
            left = [
                photo
                for photo in photos
                if (point, photo.name) not in made and photo.name not in failed
            ]
            for photo in {photo.pixels.shape: photo for photo in reversed(left)}.values():
                with contextlib.suppress(
                    CodecError, MemoryError
                ):  # reported below, where it is measured
                    coder.decode(coder.encode(photo.pixels, point), point)
            outcomes = pool.map(
                functools.partial(_attempt, coder, point=point, measured=measured), left
            )
            for photo, outcome in zip(left, outcomes, strict=True):
                progress.update()
                if isinstance(outcome, Measurement):
                    keep(outcome)
                    made[point, photo.name] = outcome
                else:
                    failed[photo.name] = outcome
    if len(failed) == len(photos):
        raise next(iter(failed.values()))
    rows = [
        made[point, photo.name]
        for point in coder.points
        for photo in photos
        if photo.name not in failed
    ]
    return Sweep(coder, tuple(rows), {name: str(problem) for name, problem in failed.items()})


def _attempt(
    coder: Coder, photo: Photo, point: float, measured: Sequence[PictureMetric]
) -> Measurement | CodecError:
    try:
        return measure(coder, photo, point, measured)
    except CodecError as problem:
        return problem
    except MemoryError:
        return EvaluationError(
            f"{coder.name} needs more memory for {photo.name} than there is; scale it down"
        )


def measure(
    coder: Coder,
    photo: Photo,
    point: float,
    measured: Sequence[PictureMetric] = metrics.DEFAULT,
) -> Measurement:
    """One picture through one coder at one operating point.

    Raises:
      EvaluationError: the coder gave a picture of another size.
    """
    start = time.perf_counter()
    data = coder.encode(photo.pixels, point)
    encoded = time.perf_counter()
    decoded = coder.decode(data, point)
    done = time.perf_counter()
    return Measurement(
        image=photo.name,
        point=point,
        bytes=len(data),
        bpp=bits_per_pixel(data, photo),
        metrics=similarity(photo, decoded, coder.name, measured),
        encode_seconds=encoded - start,
        decode_seconds=done - encoded,
    )


def bits_per_pixel(data: bytes, photo: Photo) -> float:
    """8 times the bytes of a file over the pixels of its picture."""
    height, width = photo.pixels.shape[:2]
    return 8 * len(data) / (height * width)


def similarity(
    photo: Photo,
    decoded: np.ndarray,
    coder_name: str,
    measured: Sequence[PictureMetric] = metrics.DEFAULT,
) -> dict[str, float | None]:
    """The value of each metric of a decoded picture, by its key.

    None for a metric that the picture is too small for.

    A grey picture that a coder decodes as RGB is compared as RGB.

    Raises:
      EvaluationError: the sizes differ.
    """
    if decoded.shape[:2] != photo.pixels.shape[:2]:
        raise EvaluationError(
            f"{coder_name} decoded {photo.name}, {_size(photo.pixels)} pixels, to "
            f"{_size(decoded)}; "
            "leave that coder or that picture out"
        )
    channels = max(photo.pixels.shape[2], decoded.shape[2])
    pair = [
        np.broadcast_to(pixels, (*pixels.shape[:2], channels)) for pixels in (photo.pixels, decoded)
    ]
    return metrics.values(measured, *pair)


def _size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
