"""Files of a given closeness: at least a PSNR or an MS-SSIM, and hardly more.

A quality of the codec comes near; then the networks of the encoder have run, and the step is moved
until what a decoder will show is as close as was asked for. On photographs closeness falls smoothly
with the step, and that is all. On flat and tiny pictures it jumps, and may rise: there a grid of
qualities and steps is looked at too, and the smallest file is taken that is close enough.
"""

import collections
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxcodec.codec import Codec, Encoded, pictures
from jaxcodec.codec.value import at_step
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.coding.step import MAX_FIELD, UNIT
from jaxcodec.distortions.distortion import similarity_db
from jaxcodec.distortions.ms_ssim import MIN_SIDE, ms_ssim
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.errors import RateError
from jaxcodec.targets import trial
from jaxcodec.targets.matching import file_at
from jaxcodec.targets.search import crossing

MOST_DB = 100.0
"""What counts as equal."""

MARGIN_DB = 0.05
"""A file is at most this much closer than was asked for, where the codec can do that."""

_SLOPE = -5.0 * UNIT  # dB for each unit of the field, on photographs
_QUALITY_SLOPE = -0.0012  # dB for each hundredth of the quality, taken off
_NEAR_DB = 0.4  # a quality this near is left to the step
_TRIALS = 24
_GRIDS = (
    (1 << 16, 9),
    (1 << 21, 5),
    (math.inf, 3),
)  # up to so many pixels, so many qualities, and steps of each
_COARSER = 6  # looks for a step that is a little coarser, and still close enough
_FILES = 4  # of those that should be the smallest; which one is, is seen when they are written


Place = tuple[int | None, int]
"""A quality in hundredths, or None, and a field of the step."""


class Closeness(NamedTuple):
    """How close pixels are to a picture, in dB.

    measure: uint8 (height, width, 1 or 3) -> dB, rising with closeness. target_db: what was asked
      for, and told: as text.
    unit: dB -> the unit that it was asked for in. digits: how many of it are told. suffix: what
      then follows.
    """

    measure: Callable[[np.ndarray], float]
    target_db: float
    told: str
    unit: Callable[[float], float]
    digits: int
    suffix: str

    def say(self, db: float, rounded: Callable[[float], int] = math.floor) -> str:
        """A closeness as a number of its unit, `rounded` down, or up."""
        scale = 10**self.digits
        return f"{rounded(scale * self.unit(db)) / scale:.{self.digits}f}"


def by_psnr(source: pictures.Source, target: float) -> Closeness:
    """A PSNR in dB, over the pixels that somebody sees; raises RateError for one that makes no
    sense.
    """
    if not (math.isfinite(target) and 0 < target < MOST_DB):
        raise RateError(
            f"a PSNR of {target} makes no sense; give a number of dB above 0 and below {MOST_DB:g}"
        )
    original = source.seen(_original(source))
    return Closeness(
        lambda pixels: float(psnr_db(source.seen(pixels), original)),
        target,
        f"a PSNR of {target:g} dB",
        lambda db: db,
        2,
        " dB",
    )


def by_ms_ssim(source: pictures.Source, target: float) -> Closeness:
    """An MS-SSIM; raises RateError for one that makes no sense, or a picture too small for it."""
    if not 0 < target < 1:
        raise RateError(f"an MS-SSIM of {target} makes no sense; give a number above 0 and below 1")
    if min(source.shape[:2]) < MIN_SIDE:
        raise RateError(f"MS-SSIM takes sides of {MIN_SIDE} pixels or more; ask for a PSNR instead")
    original = _original(source)
    return Closeness(
        lambda pixels: float(similarity_db(ms_ssim(pixels, original))),
        float(similarity_db(target)),
        f"an MS-SSIM of {target:g}",
        lambda db: 1 - 10 ** (-db / 10),
        5,
        "",
    )


def encode(codec: Codec, source: pictures.Source, closeness: Closeness, nearest: bool) -> Encoded:
    """The smallest file found that is at least as close as asked for.

    It is at most MARGIN_DB closer where such a file is found; else as close as it may be, with a
    note that tells what it reached. If `nearest`, what is then taken is the file nearest in
    closeness, and of equally near ones the smallest.

    Raises:
      RateError: the codec cannot come so close with this picture, unless `nearest`.
    """
    looks = _Looks(codec, source, closeness.measure)
    least, most = closeness.target_db, closeness.target_db + MARGIN_DB
    hundredths = _quality(looks, least) if codec.variable else None
    fields = _fields(looks, hundredths, least + MARGIN_DB / 2)
    met = [field for field, db in fields.items() if least <= db <= most]
    if met and _smooth(looks.seen):
        return _told(closeness, looks, [(hundredths, max(met))])
    low, high = _scan(looks)
    reach = (
        f"the codec {codec.name} reaches {closeness.say(low, math.ceil)} to "
        f"{closeness.say(high)}{closeness.suffix} with this picture"
    )
    off = {place: abs(db - least) for place, db in looks.seen.items()}
    enough = [place for place, db in looks.seen.items() if db >= least]
    if nearest and not any(least <= db <= most for db in looks.seen.values()):
        return _told(
            closeness, looks, [place for place in off if off[place] <= min(off.values())], reach
        )
    if not enough:
        raise RateError(
            f"{closeness.told} cannot be met: {reach}; ask for less, or take the nearest with "
            "nearest=True (--nearest)"
        )
    _coarsen(looks, min(enough, key=looks.bits), least)
    return _told(
        closeness, looks, [place for place, db in looks.seen.items() if db >= least], reach
    )


def _told(closeness: Closeness, looks: "_Looks", places: list[Place], reach: str = "") -> Encoded:
    """The smallest file of these places, with what it reached; and a note where that is not about
    what was asked for.
    """
    place = (
        min(sorted(places, key=looks.bits)[:_FILES], key=looks.size)
        if len(places) > 1
        else places[0]
    )
    encoded, db = looks.file(place), looks.seen[place]
    if not closeness.target_db <= db <= closeness.target_db + MARGIN_DB:
        kind = (
            "smallest file found that is at least as close"
            if db >= closeness.target_db
            else "nearest file found"
        )
        note = (
            f"{closeness.told} cannot be met closely, and the {kind} has "
            f"{closeness.say(db)}{closeness.suffix}; {reach}"
        )
        encoded = dataclasses.replace(encoded, notes=(*encoded.notes, note))
    return dataclasses.replace(encoded, reached=closeness.unit(db))


class _Looks:
    """What a decoder will show of a picture, measured at places: qualities in hundredths and fields
    of the step.

    seen: the closeness in dB of each that was looked at.
    """

    def __init__(
        self, codec: Codec, source: pictures.Source, measure: Callable[[np.ndarray], float]
    ):
        self.codec, self.source, self.measure = codec, source, measure
        self.seen: dict[Place, float] = {}
        # One quality is done with before the next; the analyses of a large picture are large.
        self._analysis = functools.lru_cache(maxsize=2)(
            functools.partial(pictures.analyse, codec, source)
        )
        self.bits, self.file = (
            functools.cache(self._bits),
            functools.lru_cache(maxsize=_FILES)(self._file),
        )

    def db(self, hundredths: int | None, field: int) -> float:
        """The closeness at a place."""
        place = hundredths, field
        if place not in self.seen:
            stepped = at_step(self.codec, field)
            symbols = trial.symbols(stepped, self._analysis(hundredths))
            db = self.measure(pictures.synthesise(stepped, self.source, hundredths, symbols))
            self.seen[place] = min(db, MOST_DB) if db > 0 else 0.0
        return self.seen[place]

    def size(self, place: Place) -> int:
        """The bytes of the file of a place."""
        return len(self.file(place).data)

    def _bits(self, place: Place) -> float:
        """What the symbols of a place cost, nearly."""
        hundredths, field = place
        analysis = self._analysis(hundredths)
        return trial.hyper_bits(self.codec, analysis) + trial.latent_bits(
            at_step(self.codec, field), analysis
        )

    def _file(self, place: Place) -> Encoded:
        hundredths, field = place
        return file_at(self.codec, self.source, hundredths, self._analysis(hundredths), field)


def _original(source: pictures.Source) -> np.ndarray:
    """The colour of the picture, or its grey."""
    height, width, channels = source.shape
    return source.pixels[:height, :width, : 1 if channels == 1 else 3]


def _quality(looks: _Looks, target_db: float) -> int:
    """The quality in hundredths that comes near at the codec's own step."""
    found = crossing(
        lambda lacking: looks.db(MAX_QUALITY - lacking, 0),
        target_db,
        start=MAX_QUALITY // 2,
        slope=_QUALITY_SLOPE,
        limits=(0, MAX_QUALITY),
        tolerance=_NEAR_DB,
        steps=5,
    )
    return MAX_QUALITY - found.field


def _fields(looks: _Looks, hundredths: int | None, target_db: float) -> dict[int, float]:
    """Closeness at the fields of a quality that a search looked at."""
    crossing(
        functools.partial(looks.db, hundredths),
        target_db,
        start=0,
        slope=_SLOPE,
        limits=(-MAX_FIELD, MAX_FIELD),
        tolerance=0.45 * MARGIN_DB,
        steps=_TRIALS,
    )
    return {field: db for (quality, field), db in looks.seen.items() if quality == hundredths}


def _smooth(seen: dict[Place, float]) -> bool:
    """Whether closeness fell with the step wherever two steps of a quality were looked at, and rose
    with the quality.
    """
    by_field, by_quality = collections.defaultdict(list), collections.defaultdict(list)
    for hundredths, field in sorted(seen, key=lambda place: (place[0] or 0, -place[1])):
        by_field[field].append(seen[hundredths, field])
        by_quality[hundredths].append(seen[hundredths, field])
    return all(
        after >= before - MARGIN_DB
        for rising in (*by_field.values(), *by_quality.values())
        for before, after in itertools.pairwise(rising)
    )


def _scan(looks: _Looks) -> tuple[float, float]:
    """Looks at a grid of qualities and steps, and about the closest of it; the range of closeness
    that was seen there.

    It does not depend on what was asked for, so that any closeness of this range is found again.
    """
    pixel_count = looks.source.pixel_count
    sides = next(sides for most, sides in _GRIDS if pixel_count <= most)
    qualities = (
        np.linspace(0, MAX_QUALITY, sides).round().astype(int).tolist()
        if looks.codec.variable
        else [None]
    )
    fields = np.linspace(-MAX_FIELD, MAX_FIELD, sides).round().astype(int).tolist()
    found = {}
    for place in itertools.product(qualities, fields):
        found[place] = looks.db(*place)
        looks.bits(place)  # while its analysis is at hand
    best = max(found, key=found.get)
    reach = MAX_FIELD // (sides - 1)
    while pixel_count <= _GRIDS[0][0] and reach > 1:
        fields = [int(np.clip(best[1] + move, -MAX_FIELD, MAX_FIELD)) for move in (-reach, reach)]
        found |= {(best[0], field): looks.db(best[0], field) for field in fields}
        best, reach = max(found, key=found.get), reach // 2
    return min(found.values()), max(found.values())


def _coarsen(looks: _Looks, place: Place, least: float) -> None:
    """Looks between a place that is close enough and the next coarser one that is not."""
    hundredths, fine = place
    coarse = min(
        (
            field
            for (quality, field), db in looks.seen.items()
            if quality == hundredths and field > fine and db < least
        ),
        default=MAX_FIELD,
    )
    for _ in range(_COARSER):
        middle = (fine + coarse) // 2
        fine, coarse = (middle, coarse) if looks.db(hundredths, middle) >= least else (fine, middle)
