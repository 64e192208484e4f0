"""Files of a given size.

First the quality by a glance, then the networks once, then the step that fills the file.

Sizes are known before anything is coded, since the tables give the length of every code. The bytes
of headers and coder are estimated, and corrected after the first file. The logarithm of the size
falls about linearly with that of the step.
"""

import math
from typing import NamedTuple

from jaxcodec.codec import Codec, Encoded, pictures
from jaxcodec.codec.symbols import Analysis
from jaxcodec.codec.value import at_step
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.coding.quantiser_step import MAX_INDEX, UNIT
from jaxcodec.targets import guess, trial
from jaxcodec.targets.search import bounded, crossing

_NEAR = (-800, 500)
"""A step farther from the codec's own costs about a percent of the rate, or more: then another
quality is looked for.
"""

_SLOPE = -0.85 * UNIT
"""How fast the logarithm of the size falls with the index, on photographs."""

_CLOSE = 0.003
"""A file that is less than its limit by no more than this share is full."""

SMALL = 100_000
"""Pictures of fewer pixels have so few symbols that their files cannot be filled as well."""

_CLOSE_BYTES = 12
"""The file of a small picture that is less by no more bytes than this is full, too."""

_UNSURE_BYTES = 6
"""What tables and headers foretell of a file's size is seldom farther off, on training pictures."""

_FILES = 10
"""The most files that are written for one."""

WORTHS = tuple(0.03 * 2 ** (place / 32 - 8) for place in range(512))
"""What a bit may be worth where single symbols are spared, rising, in squared steps."""

_ANALYSES = 6
"""The most qualities that are tried; almost always one or two."""

_FARTHEST = 0.9 * MAX_INDEX
"""Beyond this index the step is taken for one that no file can have."""

_LIMITS = (-MAX_INDEX, MAX_INDEX)


class Fit(NamedTuple):
    """The fullest file within a limit; or the smallest, where none is within it."""

    encoded: Encoded
    fits: bool


def to_size(codec: Codec, source: pictures.Source, limit: int) -> Fit:
    """The file of a picture that fills `limit` bytes best."""
    hundredths = None
    if codec.variable:
        bpp = 8 * max(limit - _fixed_bytes(source), 1) / source.pixel_count
        height, width, _ = source.shape  # what pads it is calm, and would make the picture look so
        hundredths = round(100 * guess.quality(codec, source.pixels[:height, :width], bpp))
    for attempt in range(_ANALYSES):
        analysis = pictures.analyse(codec, source, hundredths)
        start = _start(codec, source, analysis, limit)
        better = _better_quality(codec, hundredths, start.step_index, attempt)
        if better == hundredths:
            break
        hundredths = better
    return _fill(codec, source, hundredths, analysis, limit, start)


def at_extreme(codec: Codec, source: pictures.Source, step_index: int) -> Encoded:
    """The smallest file that a codec can make of a picture, or the largest.

    Their indices are MAX_INDEX and -MAX_INDEX.
    """
    hundredths = (0 if step_index > 0 else MAX_QUALITY) if codec.variable else None
    return file_at(
        codec, source, hundredths, pictures.analyse(codec, source, hundredths), step_index
    )


def file_at(
    codec: Codec,
    source: pictures.Source,
    hundredths: int | None,
    analysis: Analysis,
    step_index: int,
    tau: float | None = None,
) -> Encoded:
    """The file of an analysed picture at the step of an index.

    Symbols are rounded as `trial.symbols` does.
    """
    stepped = at_step(codec, step_index)
    symbols = trial.symbols(stepped, analysis, tau)
    return pictures.write(stepped, source, hundredths, symbols, analysis.side)


def is_full(size: int, limit: int, pixel_count: int) -> bool:
    """Whether a file within its limit, both in bytes, is as large as one can expect."""
    return limit - size <= max(_CLOSE * limit, _CLOSE_BYTES if pixel_count < SMALL else 0)


def close_enough(size: int, limit: int, pixel_count: int) -> bool:
    """Whether a file is as near below its limit as `targets.target.Bpp` promises."""
    if pixel_count >= SMALL:
        return limit - size <= 0.005 * limit
    return limit - size <= max(0.01 * limit, 24)


def _fixed_bytes(source: pictures.Source) -> int:
    """What a file holds besides symbols, nearly."""
    return 40 + sum(len(section) + 3 for section in source.sections.values())


class _Start(NamedTuple):
    """The start at a quality: the index, the slope about it, and the other bytes of the file.

    The other bytes are all besides the latent.
    """

    step_index: int
    slope: float
    extra: float


def _start(codec: Codec, source: pictures.Source, analysis: Analysis, limit: int) -> _Start:
    """The index whose file should have `limit` bytes, from a sample of the latent."""
    extra = _fixed_bytes(source) + trial.hyper_bits(codec, analysis) / 8
    share = trial.sample(codec, analysis)
    scale = analysis.residual.size / share.residual.size
    found = crossing(
        lambda step_index: math.log(
            scale * trial.latent_bits(at_step(codec, step_index), share) + 1
        ),
        _log_bits(limit - extra),
        start=0,
        slope=_SLOPE,
        limits=_LIMITS,
        tolerance=-10 * _SLOPE,
        steps=6,
    )
    return _Start(found.position, found.slope, extra)


def _better_quality(
    codec: Codec, hundredths: int | None, step_index: int, attempt: int
) -> int | None:
    """The quality to go on with: the present one, or another.

    Another one where the step is too far from the codec's own.

    After the first attempt a far step is kept, but for the farthest: then the quality goes halfway,
    and in the last attempt all the way, to where it ends.
    """
    if hundredths is None or _NEAR[0] <= step_index <= _NEAR[1]:
        return hundredths
    if attempt == 0:
        low, high = guess.log_steps(codec)
        moved = hundredths - MAX_QUALITY * step_index * UNIT / (low - high)
        return round(min(max(moved, 0), MAX_QUALITY))
    if abs(step_index) < _FARTHEST or attempt == _ANALYSES - 1:
        return hundredths
    end = 0 if step_index > 0 else MAX_QUALITY
    return end if attempt == _ANALYSES - 2 else (hundredths + end) // 2


def _fill(
    codec: Codec,
    source: pictures.Source,
    hundredths: int | None,
    analysis: Analysis,
    limit: int,
    start: _Start,
) -> Fit:
    """The fullest file at a quality.

    The step is corrected by the tables' sizes, and then by the sizes of files.
    """
    aim, slope, extra = limit - max(_CLOSE / 4 * limit, _UNSURE_BYTES), start.slope, start.extra
    found = crossing(
        lambda step_index: math.log(trial.latent_bits(at_step(codec, step_index), analysis) + 1),
        _log_bits(aim - extra),
        start=start.step_index,
        slope=slope,
        limits=_LIMITS,
        tolerance=-10 * slope,
        steps=4,
    )
    step_index = _clip(found.position + round((_log_bits(aim - extra) - found.value) / slope))
    files, last, above = [], None, None
    low, high = _LIMITS  # of the indices that may hold a fuller file within the limit
    while low <= high and len(files) < _FILES:
        files.append(file_at(codec, source, hundredths, analysis, step_index))
        size = len(files[-1].data)
        if size > limit:
            low, above = step_index + 1, step_index
        elif is_full(size, limit, source.pixel_count):
            break
        else:
            high = step_index - 1
        now = _log_bits(size - extra)
        if last is not None:
            slope = bounded((now - last[1]) / (step_index - last[0]), slope)
        last = step_index, now
        step_index = min(max(step_index + round((_log_bits(aim - extra) - now) / slope), low), high)
    best = fullest(files, limit)
    if above is None or not best.fits or is_full(len(best.encoded.data), limit, source.pixel_count):
        return best
    # With a context the size jumps where many symbols come to look different to it: single ones are
    # spared instead.
    return fullest(
        [best.encoded, *shaved(codec, source, hundredths, analysis, above, limit)], limit
    )


def shaved(
    codec: Codec,
    source: pictures.Source,
    hundredths: int | None,
    analysis: Analysis,
    step_index: int,
    limit: int,
) -> list[Encoded]:
    """Files at a step whose own file is above the limit.

    The worth of a bit is bisected until one is full.
    """
    files = []
    low, high = 0, len(WORTHS)
    while low < high:
        middle = (low + high) // 2
        files.append(file_at(codec, source, hundredths, analysis, step_index, WORTHS[middle]))
        size = len(files[-1].data)
        if size <= limit and is_full(size, limit, source.pixel_count):
            break
        low, high = (middle + 1, high) if size > limit else (low, middle)
    return files


def fullest(files: list[Encoded], limit: int) -> Fit:
    """The largest file within the limit, or else the smallest."""
    fitting = [file for file in files if len(file.data) <= limit]
    if fitting:
        return Fit(max(fitting, key=lambda file: len(file.data)), True)
    return Fit(min(files, key=lambda file: len(file.data)), False)


def _log_bits(size: float) -> float:
    """The logarithm of the bits in `size` bytes, of one bit at least."""
    return math.log(max(8 * size, 1))


def _clip(step_index: int) -> int:
    return min(max(step_index, _LIMITS[0]), _LIMITS[1])
