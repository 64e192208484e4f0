"""Files of a given closeness: at least a PSNR, or a value of another metric, and hardly more.

A quality of the codec comes near. Then the step is moved until the picture that a decoder will show
is close enough; the networks of the encoder do not run again. On photographs closeness falls
smoothly with the step, and nothing more is needed. On flat and tiny pictures it jumps, and may
rise: there a grid of qualities and steps is tried too, and the smallest file is taken that is close
enough.
"""

import collections
import dataclasses
import functools
import itertools
import math

import numpy as np

from jaxcodec.codec import Codec, Encoded, pictures
from jaxcodec.codec.value import at_step
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.coding.quantiser_step import MAX_INDEX, UNIT
from jaxcodec.distortions import Distortion
from jaxcodec.errors import RateError
from jaxcodec.targets import trial
from jaxcodec.targets.matching import file_at
from jaxcodec.targets.search import crossing
from jaxcodec.targets.target import AtLeast

MOST_DB = 100.0
"""What counts as equal."""

MARGIN_DB = 0.05
"""A file is at most this much closer than the target, if the codec can do that."""

_SLOPE = -5.0 * UNIT  # dB for each step index, on photographs
_QUALITY_SLOPE = -0.0012  # dB for each hundredth of the quality, taken off
_NEAR_DB = 0.4  # a quality this near is left to the step
_TRIALS = 24
_GRIDS = (
    (1 << 16, 9),
    (1 << 21, 5),
    (math.inf, 3),
)  # up to so many pixels, so many qualities, and steps of each
_COARSER = 6  # trials of a step that is a little coarser, and still close enough
_FILES = 4  # written of those that should be the smallest, to know which one is


Place = tuple[int | None, int]
"""A quality in hundredths, or None, and an index of the step."""


def closeness_db(distortion: Distortion, source: pictures.Source, pixels: np.ndarray) -> float:
    """How close decoded pixels are to a picture by the metric of a distortion, in dB.

    A mean over pixels counts those that somebody sees; other distortions count all.

    Args:
      distortion: whose metric it is.
      source: the picture.
      pixels: uint8 (height, width, 1 or 3), its colour or grey as decoded.
    """
    height, width, channels = source.shape
    original = source.pixels[:height, :width, : 1 if channels == 1 else 3]
    if distortion.terms is not None:
        pixels, original = source.seen(pixels), source.seen(original)
    return distortion.metric.to_db(float(distortion.value(pixels, original)))


def _text(target: AtLeast, db: float, *, closer: bool = False) -> str:
    """A closeness in dB as a value of the target's metric, without its unit.

    Digits beyond the last are rounded to a little less close, or to a little `closer`.
    """
    metric = target.distortion.metric
    rounding = math.ceil if closer == metric.higher_is_better else math.floor
    return metric.text(metric.from_db(db), rounding)


def encode(codec: Codec, source: pictures.Source, target: AtLeast, nearest: bool) -> Encoded:
    """The smallest file found that is at least as close as the target.

    It is at most MARGIN_DB closer if such a file is found; else it may be closer, with a note of
    the closeness that it reached. With `nearest` the file nearest in closeness is then taken, and
    the smallest of equally near ones.

    Raises:
      RateError: the picture is too small for the metric, or the codec cannot come so close with it,
        unless `nearest`.
    """
    _check_side(source, target.distortion)
    trials = Trials(codec, source, target.distortion)
    least, most = target.db, target.db + MARGIN_DB
    hundredths = _quality(trials, least) if codec.variable else None
    step_indices = _closeness_by_step(trials, hundredths, least + MARGIN_DB / 2)
    met = [step_index for step_index, db in step_indices.items() if least <= db <= most]
    if met and _smooth(trials.closeness):
        return _best(target, trials, [(hundredths, max(met))])
    low, high = _scan(trials)
    reach = (
        f"the codec {codec.name} reaches {_text(target, low, closer=True)} to "
        f"{_text(target, high)}{target.unit} with this picture"
    )
    enough = [place for place, db in trials.closeness.items() if db >= least]
    if enough:
        _coarsen(trials, min(enough, key=trials.bits), least)
    if nearest and not any(least <= db <= most for db in trials.closeness.values()):
        off = {place: abs(db - least) for place, db in trials.closeness.items()}
        nearest_places = [place for place in off if off[place] <= min(off.values())]
        return _best(target, trials, nearest_places, reach)
    if not enough:
        raise RateError(
            f"{target} cannot be met: {reach}; ask for less, or take the nearest with "
            "nearest=True (--nearest)"
        )
    enough = [place for place, db in trials.closeness.items() if db >= least]
    return _best(target, trials, enough, reach)


def _check_side(source: pictures.Source, distortion: Distortion) -> None:
    if min(source.shape[:2]) < distortion.least_side:
        raise RateError(
            f"{distortion.metric.label} takes sides of {distortion.least_side} pixels or more; ask "
            "for a PSNR instead"
        )


def _best(target: AtLeast, trials: "Trials", places: list[Place], reach: str = "") -> Encoded:
    """The smallest file of these places, with the closeness that it reached.

    A note says so where that is not about the target.
    """
    place = (
        min(sorted(places, key=trials.bits)[:_FILES], key=trials.size)
        if len(places) > 1
        else places[0]
    )
    encoded, db = trials.file(place), trials.closeness[place]
    if not target.db <= db <= target.db + MARGIN_DB:
        kind = (
            "smallest file found that is at least as close"
            if db >= target.db
            else "nearest file found"
        )
        note = (
            f"{target} cannot be met closely, and the {kind} has {_text(target, db)}{target.unit}; "
            f"{reach}"
        )
        encoded = dataclasses.replace(encoded, notes=(*encoded.notes, note))
    return dataclasses.replace(encoded, reached=target.distortion.metric.from_db(db))


class Trials:
    """What a decoder will show of a picture, measured at places: qualities and step indices.

    closeness: in dB, of each place that was tried. bits, file: functions of a place: what its
      symbols cost, nearly, and its file.
    """

    def __init__(self, codec: Codec, source: pictures.Source, distortion: Distortion):
        self.codec, self.source, self.distortion = codec, source, distortion
        self.closeness: dict[Place, float] = {}
        # One quality is done with before the next; the analyses of a large picture are large.
        self._analysis = functools.lru_cache(maxsize=2)(
            functools.partial(pictures.analyse, codec, source)
        )
        self.bits, self.file = (
            functools.cache(self._bits),
            functools.lru_cache(maxsize=_FILES)(self._file),
        )

    def db(self, hundredths: int | None, step_index: int) -> float:
        """The closeness at a place, which is then in `closeness`."""
        place = hundredths, step_index
        if place not in self.closeness:
            stepped = at_step(self.codec, step_index)
            symbols = trial.symbols(stepped, self._analysis(hundredths))
            pixels = pictures.synthesise(stepped, self.source, hundredths, symbols)
            found = closeness_db(self.distortion, self.source, pixels)
            self.closeness[place] = min(found, MOST_DB) if found > 0 else 0.0
        return self.closeness[place]

    def size(self, place: Place) -> int:
        """The bytes of the file of a place."""
        return len(self.file(place).data)

    def _bits(self, place: Place) -> float:
        hundredths, step_index = place
        analysis = self._analysis(hundredths)
        return trial.hyper_bits(self.codec, analysis) + trial.latent_bits(
            at_step(self.codec, step_index), analysis
        )

    def _file(self, place: Place) -> Encoded:
        hundredths, step_index = place
        return file_at(self.codec, self.source, hundredths, self._analysis(hundredths), step_index)


def _quality(trials: Trials, target_db: float) -> int:
    """The quality in hundredths that comes near at the codec's own step."""
    found = crossing(
        lambda lacking: trials.db(MAX_QUALITY - lacking, 0),
        target_db,
        start=MAX_QUALITY // 2,
        slope=_QUALITY_SLOPE,
        limits=(0, MAX_QUALITY),
        tolerance=_NEAR_DB,
        steps=5,
    )
    return MAX_QUALITY - found.position


def _closeness_by_step(
    trials: Trials, hundredths: int | None, target_db: float
) -> dict[int, float]:
    """Closeness at the indices of a quality that a search tried."""
    crossing(
        functools.partial(trials.db, hundredths),
        target_db,
        start=0,
        slope=_SLOPE,
        limits=(-MAX_INDEX, MAX_INDEX),
        tolerance=0.45 * MARGIN_DB,
        steps=_TRIALS,
    )
    return {
        step_index: db
        for (quality, step_index), db in trials.closeness.items()
        if quality == hundredths
    }


def _smooth(closeness: dict[Place, float]) -> bool:
    """Whether closeness fell with the step and rose with the quality.

    Checked wherever two steps of a quality were tried.
    """
    by_step, by_quality = collections.defaultdict(list), collections.defaultdict(list)
    for hundredths, step_index in sorted(closeness, key=lambda place: (place[0] or 0, -place[1])):
        by_step[step_index].append(closeness[hundredths, step_index])
        by_quality[hundredths].append(closeness[hundredths, step_index])
    return all(
        after >= before - MARGIN_DB
        for rising in (*by_step.values(), *by_quality.values())
        for before, after in itertools.pairwise(rising)
    )


def _scan(trials: Trials) -> tuple[float, float]:
    """Tries a grid of qualities and steps, and about the closest of it; the range of closeness.

    It does not depend on the target, so any closeness of this range is found again.
    """
    pixel_count = trials.source.pixel_count
    sides = next(sides for most, sides in _GRIDS if pixel_count <= most)
    qualities: list[int | None] = (
        np.linspace(0, MAX_QUALITY, sides).round().astype(int).tolist()
        if trials.codec.variable
        else [None]
    )
    step_indices: list[int] = np.linspace(-MAX_INDEX, MAX_INDEX, sides).round().astype(int).tolist()
    found: dict[Place, float] = {}
    for hundredths, step_index in itertools.product(qualities, step_indices):
        found[hundredths, step_index] = trials.db(hundredths, step_index)
        trials.bits((hundredths, step_index))  # while its analysis is at hand
    best = max(found, key=found.__getitem__)
    reach = MAX_INDEX // (sides - 1)
    while pixel_count <= _GRIDS[0][0] and reach > 1:
        step_indices = [
            int(np.clip(best[1] + move, -MAX_INDEX, MAX_INDEX)) for move in (-reach, reach)
        ]
        found |= {
            (best[0], step_index): trials.db(best[0], step_index) for step_index in step_indices
        }
        best, reach = max(found, key=found.__getitem__), reach // 2
    return min(found.values()), max(found.values())


def _coarsen(trials: Trials, place: Place, least: float) -> None:
    """Tries between a place that is close enough and the next coarser one that is not."""
    hundredths, fine = place
    coarse = min(
        (
            step_index
            for (quality, step_index), db in trials.closeness.items()
            if quality == hundredths and step_index > fine and db < least
        ),
        default=MAX_INDEX,
    )
    for _ in range(_COARSER):
        middle = (fine + coarse) // 2
        fine, coarse = (
            (middle, coarse) if trials.db(hundredths, middle) >= least else (fine, middle)
        )
