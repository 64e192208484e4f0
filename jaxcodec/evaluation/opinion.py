"""What people say of distorted pictures, beside what distances say.

Two sets are read, neither of which is shipped: MUCPED23's Elo scores of JPEG encodings of the CID22
validation pictures, whose encodings are made again, and whatever lies in the layout of TID 2013.
"""

import csv
import functools
import io
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from jaxcodec import image
from jaxcodec.analysis.correlation import Correlation, spearman
from jaxcodec.evaluation.coder import EvaluationError

_SUBSAMPLING = {"yuv444": 0, "yuv422": 1, "yuv420": 2}
_TURBO, _MOZJPEG = "libjpeg-turbo", "mozjpeg"


class Pair(NamedTuple):
    """A picture and a distorted form of it: functions that give pixels, uint8 (h, w, 3).

    bpp: bits per pixel of the distorted file, a function too; None where it is no file of a codec.
    """

    name: str
    original: Callable[[], np.ndarray]
    distorted: Callable[[], np.ndarray]
    bpp: Callable[[], float] | None = None


class Rated(NamedTuple):
    """What people scored together, higher is better; low and high: of an interval, if known."""

    name: str
    score: float
    low: float | None
    high: float | None
    pairs: tuple[Pair, ...]


def mucped23(folder: str | pathlib.Path, originals: str | pathlib.Path) -> list[Rated]:
    """The rows of MUCPED23 that can be made again: fifteen of its 31, each of all originals.

    Those of libjpeg-turbo are made by Pillow (quality and subsampling as named, `optimize`), to the
    bits per pixel that the table states; those of mozjpeg lie as files in `folder`/mozjpeg, as far
    as they are there. The others are jpegli's.

    Args:
      folder: with elo.csv (method, elo, p99Low, p99Hi, bpp).
      originals: the 49 validation pictures of CID22.

    Raises:
      EvaluationError: elo.csv or a picture is missing, or not what it should be.
    """
    folder = pathlib.Path(folder)
    paths = image.list_images(pathlib.Path(originals)) if pathlib.Path(originals).is_dir() else []
    if not paths:
        raise EvaluationError(f"there are no pictures in {originals}; give those of CID22")
    found = []
    for row in _rows(folder / "elo.csv"):
        name = row["method"]
        coder, quality, subsampling = name.rsplit("-", 2)
        if coder == _TURBO:
            settings = {"quality": int(quality[1:]), "subsampling": _SUBSAMPLING[subsampling]}
            of = functools.partial(_turbo, settings=settings)
        elif coder == _MOZJPEG and (folder / "mozjpeg" / name).is_dir():
            of = functools.partial(_file, folder=folder / "mozjpeg" / name)
        else:
            continue
        score, low, high = (float(row[column]) for column in ("elo", "p99Low", "p99Hi"))
        found.append(Rated(name, score, low, high, tuple(_pair(path, of) for path in paths)))
    return found


def _rows(path: pathlib.Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as problem:
        raise EvaluationError(f"cannot read {path}: {problem.strerror}") from problem
    needed = {"method", "elo", "p99Low", "p99Hi"}
    if not rows or not needed <= rows[0].keys():
        raise EvaluationError(f"{path} has no columns {', '.join(sorted(needed))}; give MUCPED23's")
    return rows


def _pair(path: pathlib.Path, data_of: Callable[[pathlib.Path], bytes]) -> Pair:
    def bpp() -> float:
        data = data_of(path)
        width, height = Image.open(io.BytesIO(data)).size
        return 8 * len(data) / (width * height)

    return Pair(
        path.stem,
        functools.partial(_pixels, path),
        lambda: np.asarray(Image.open(io.BytesIO(data_of(path))).convert("RGB")),
        bpp,
    )


def _pixels(path: pathlib.Path) -> np.ndarray:
    pixels = image.read(path).pixels
    return np.broadcast_to(pixels[..., :3], (*pixels.shape[:2], 3))


def _turbo(path: pathlib.Path, settings: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(_pixels(path)).save(file, "JPEG", optimize=True, **settings)
    return file.getvalue()


def _file(path: pathlib.Path, folder: pathlib.Path) -> bytes:
    own = folder / f"{path.stem}.jpg"
    try:
        return own.read_bytes()
    except OSError as problem:
        raise EvaluationError(f"cannot read {own}: {problem.strerror}") from problem


def tid2013(folder: str | pathlib.Path) -> list[Rated]:
    """The distorted pictures of a folder in the layout of TID 2013, each by itself.

    The folder has mos_with_names.txt (a score and iNN_TT_L.bmp on each line), reference_images
    (INN.bmp) and distorted_images; capitals do not count.

    Raises:
      EvaluationError: something of it is missing, or a line is not of this form.
    """
    folder = pathlib.Path(folder)
    table = folder / "mos_with_names.txt"
    try:
        lines = [line.split() for line in table.read_text().splitlines() if line.strip()]
        files = {
            part: {path.name.lower(): path for path in (folder / part).iterdir()}
            for part in ("reference_images", "distorted_images")
        }
    except OSError as problem:
        raise EvaluationError(
            f"{folder} is not laid out as TID 2013 ({problem.filename}: {problem.strerror})"
        ) from problem
    found = []
    for line in lines:
        try:
            score, name = float(line[0]), line[1].lower()
            paths = (
                files["reference_images"][f"{name.split('_')[0]}.bmp"],
                files["distorted_images"][name],
            )
        except (ValueError, IndexError, KeyError) as problem:
            raise EvaluationError(
                f"{table}: the line {' '.join(line)!r} is not a score and a picture that is there"
            ) from problem
        original, distorted = (functools.partial(_pixels, path) for path in paths)
        found.append(Rated(name, score, None, None, (Pair(name, original, distorted),)))
    return found


def measured(
    rated: Sequence[Rated], compare: Callable[[np.ndarray, np.ndarray], float]
) -> np.ndarray:
    """What `compare` says of an original and a distorted picture, a mean over the pairs of each."""
    return np.array(
        [
            np.mean([compare(pair.original(), pair.distorted()) for pair in each.pairs])
            for each in rated
        ]
    )


class Agreement(NamedTuple):
    """How far values follow scores.

    correlation: Spearman's, positive where they agree. wrong: pairs whose intervals do not overlap
      and which the values order otherwise. told: how many such pairs there are.
    """

    correlation: Correlation
    wrong: int
    told: int


def agreement(
    rated: Sequence[Rated], values: np.ndarray, *, higher_is_better: bool, draws: int = 1000
) -> Agreement:
    """How far `values`, one of each that was rated, follow what people said."""
    scores = np.array([each.score for each in rated])
    values = np.asarray(values, np.float64) * (1 if higher_is_better else -1)
    wrong = told = 0
    for place, one in enumerate(rated):
        for other_place, other in enumerate(rated[:place]):
            if None in (one.low, one.high, other.low, other.high):
                continue
            assert one.low is not None and other.low is not None
            assert one.high is not None and other.high is not None
            if one.low <= other.high and other.low <= one.high:
                continue
            told += 1
            better = one.score > other.score
            wrong += (values[place] > values[other_place]) != better
    return Agreement(spearman(values, scores, draws=draws), wrong, told)
