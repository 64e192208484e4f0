"""Files of a given closeness: at least a PSNR or an MS-SSIM, and hardly more.

A quality of the codec comes near; then the networks of the encoder have run, and the step is moved until what a decoder will
show is as close as was asked for.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxcodec.codec import Codec, Encoded, pictures
from jaxcodec.codec.symbols import Analysis
from jaxcodec.codec.value import at_step
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.coding.step import MAX_FIELD, UNIT
from jaxcodec.errors import RateError
from jaxcodec.metrics.ms_ssim import MIN_SIDE, ms_ssim, similarity_db
from jaxcodec.metrics.psnr import psnr_db
from jaxcodec.rate import trial
from jaxcodec.rate.matching import file_at
from jaxcodec.rate.search import crossing

MARGIN_DB = 0.05
"""A file is at most this much closer than was asked for."""

_MOST_DB = 100.0  # what counts as equal
_SLOPE = -5.0 * UNIT  # dB for each unit of the field, on photographs
_QUALITY_SLOPE = -0.0012  # dB for each hundredth of the quality, taken off
_NEAR_DB = 0.4  # a quality this near is left to the step
_TRIALS = 24


class Closeness(NamedTuple):
    """How close pixels are to a picture, in dB.

    measure: uint8 (height, width, 1 or 3) -> dB, rising with closeness. told: what a user asked for, as text.
    """

    measure: Callable[[np.ndarray], float]
    target_db: float
    told: str


def by_psnr(source: pictures.Source, target: float) -> Closeness:
    """A PSNR in dB, over the pixels that somebody sees; raises RateError for one that makes no sense."""
    if not (math.isfinite(target) and 0 < target < _MOST_DB):
        raise RateError(f"a PSNR of {target} makes no sense; give a number of dB above 0 and below {_MOST_DB:g}")
    original = source.seen(_original(source))
    return Closeness(lambda pixels: float(psnr_db(source.seen(pixels), original)), target, f"a PSNR of {target:g} dB")


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
    )


def encode(codec: Codec, source: pictures.Source, closeness: Closeness, nearest: bool) -> Encoded:
    """The smallest file found that is at least as close as asked for, and at most MARGIN_DB closer.

    Raises:
      RateError: the codec cannot come so close, or be so far off, with this picture, unless `nearest`.
    """
    hundredths = _quality(codec, source, closeness) if codec.variable else None
    analysis = pictures.analyse(codec, source, hundredths)
    seen = _fields(codec, source, hundredths, analysis, closeness)
    enough = {field: db for field, db in seen.items() if db >= closeness.target_db}
    if enough and min(enough.values()) <= closeness.target_db + MARGIN_DB:
        field = max(field for field, db in enough.items() if db <= closeness.target_db + MARGIN_DB)
        return file_at(codec, source, hundredths, analysis, field)
    return _out_of_reach(codec, source, closeness, nearest)


def _original(source: pictures.Source) -> np.ndarray:
    """The colour of the picture, or its grey."""
    height, width, channels = source.shape
    return source.pixels[:height, :width, : 1 if channels == 1 else 3]


def _closeness_at(codec, source, hundredths, analysis: Analysis, field: int, closeness: Closeness) -> float:
    stepped = at_step(codec, field)
    pixels = pictures.synthesise(stepped, source, hundredths, trial.symbols(stepped, analysis))
    return min(closeness.measure(pixels), _MOST_DB)


def _quality(codec: Codec, source: pictures.Source, closeness: Closeness) -> int:
    """The quality in hundredths that comes near at the codec's own step."""

    def at(lacking: int) -> float:
        hundredths = MAX_QUALITY - lacking
        return _closeness_at(codec, source, hundredths, pictures.analyse(codec, source, hundredths), 0, closeness)

    found = crossing(
        at,
        closeness.target_db,
        start=MAX_QUALITY // 2,
        slope=_QUALITY_SLOPE,
        limits=(0, MAX_QUALITY),
        tolerance=_NEAR_DB,
        steps=5,
    )
    return MAX_QUALITY - found.field


def _fields(codec, source, hundredths, analysis, closeness: Closeness) -> dict[int, float]:
    """Closeness at the fields that a search looked at; the last of them is the answer where there is one."""
    seen: dict[int, float] = {}

    def at(field: int) -> float:
        seen[field] = _closeness_at(codec, source, hundredths, analysis, field, closeness)
        return seen[field]

    crossing(
        at,
        closeness.target_db + MARGIN_DB / 2,
        start=0,
        slope=_SLOPE,
        limits=(-MAX_FIELD, MAX_FIELD),
        tolerance=0.45 * MARGIN_DB,
        steps=_TRIALS,
    )
    return seen


def _out_of_reach(codec: Codec, source: pictures.Source, closeness: Closeness, nearest: bool) -> Encoded:
    """What to do where no file of the codec is as close as asked for, and not closer."""
    ends = []
    for quality, field in ((0, MAX_FIELD), (MAX_QUALITY, -MAX_FIELD)):
        hundredths = quality if codec.variable else None
        analysis = pictures.analyse(codec, source, hundredths)
        db = _closeness_at(codec, source, hundredths, analysis, field, closeness)
        ends.append((db, file_at(codec, source, hundredths, analysis, field)))
    (low, smallest), (high, largest) = ends
    reach = f"the codec {codec.name} reaches {low:.2f} to {high:.2f} dB with this picture"
    if not nearest:
        wanted = f"{closeness.told} ({closeness.target_db:.2f} dB)"
        raise RateError(f"{wanted} cannot be met: {reach}; ask for another, or for the nearest")
    best = smallest if closeness.target_db < low else largest
    return dataclasses.replace(best, notes=(*best.notes, f"{closeness.told} is out of reach: {reach}"))
