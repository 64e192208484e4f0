"""Files of refined latents, which any decoder reads."""

import bisect
import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jaxcodec.codec import Codec, Encoded, pictures, tiles
from jaxcodec.codec.symbols import Analysis
from jaxcodec.codec.value import at_step
from jaxcodec.coding import container
from jaxcodec.errors import RefineError
from jaxcodec.metrics.psnr import psnr_db
from jaxcodec.rate import matching
from jaxcodec.refinement import batches
from jaxcodec.refinement.batches import Progress
from jaxcodec.refinement.latents import Latents
from jaxcodec.refinement.methods import Settings
from jaxcodec.refinement.tasks import Task


def encode(codec: Codec, source: pictures.Source, latents: Latents) -> Encoded:
    """The file of a picture with these latents.

    Raises:
      RefineError: they are not of this codec, or not of a picture of this size.
    """
    if latents.codec_id != codec.id:
        raise RefineError(f"these latents are of the codec {latents.codec_id}, and not of {codec.name}, which is {codec.id}")
    if latents.shape != source.shape:
        raise RefineError(
            f"these latents are of a picture of {_size(latents.shape)}, and this one has {_size(source.shape)}; "
            "refine this one"
        )
    stepped = at_step(codec, latents.field)
    side = _analysis(stepped, latents).side
    return pictures.write(stepped, source, latents.hundredths, latents.field, latents.symbols, side)


class Goal(NamedTuple):
    """A picture's file without refinement, and what it was made to meet: a limit in bytes, a PSNR in dB, or nothing."""

    source: pictures.Source
    encoded: Encoded
    limit: int | None = None
    psnr_db: float | None = None


def improve(
    codec: Codec,
    goals: Sequence[Goal],
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
) -> list[Encoded]:
    """Better files of pictures, from latents refined at the quality and the step of each.

    Where there was nothing to meet, refined for the trade-off that the codec has there. Within a limit, they are refined to
    cost as much; what they cost beyond it is spared, symbol by symbol, and the file is as full as `matching.to_size` makes it.
    At a PSNR, they are refined to an error that is a little less; then symbols are spared. What is no closer to its picture,
    or no smaller, than the file without refinement gives way to that.
    """
    tasks = [_task(index, goal) for index, goal in enumerate(goals)]
    found = batches.refine(codec, tasks, settings, progress=progress)
    return [
        dataclasses.replace(_file(codec, goal, latents), interrupted=latents.interrupted)
        for goal, latents in zip(goals, found, strict=True)
    ]


def _task(index: int, goal: Goal) -> Task:
    header = container.read_header(goal.encoded.data)
    task = Task(index, goal.source, header.quality, header.step)
    if goal.psnr_db is not None:
        return task._replace(target_mse_255=255**2 / 10 ** (goal.psnr_db / 10))
    if goal.limit is not None:
        others = len(goal.encoded.data) - sum(header.part_bytes)
        return task._replace(target_bits=8.0 * max(goal.limit - others, 1))
    return task


def _file(codec: Codec, goal: Goal, latents: Latents) -> Encoded:
    if not math.isfinite(latents.best.loss):
        return goal.encoded
    if goal.psnr_db is not None:
        return _at_psnr(codec, goal, latents)
    if goal.limit is not None:
        return _within(codec, goal, latents)
    return encode(codec, goal.source, latents)


def _within(codec: Codec, goal: Goal, latents: Latents) -> Encoded:
    """The fullest file of refined latents within a limit, or the one without refinement where that is closer."""
    source, limit = goal.source, goal.limit
    analysis = _analysis(at_step(codec, latents.field), latents)
    files = [matching.file_at(codec, source, latents.hundredths, analysis, latents.field, tau=0.0)]
    if len(files[0].data) > limit:
        files += matching.shaved(codec, source, latents.hundredths, analysis, latents.field, limit)
    refined = matching.fullest(files, limit)
    full = refined.fits and matching.close_enough(len(refined.encoded.data), limit, source.pixel_count)
    closer = full and _db(codec, source, refined.encoded) > _db(codec, source, goal.encoded)
    return dataclasses.replace(refined.encoded, notes=goal.encoded.notes) if closer else goal.encoded


def _at_psnr(codec: Codec, goal: Goal, latents: Latents) -> Encoded:
    """The smallest file found of refined latents that is close enough, or the one without refinement where that is smaller."""
    analysis = _analysis(at_step(codec, latents.field), latents)

    def at(place):
        return matching.file_at(codec, goal.source, latents.hundredths, analysis, latents.field, matching.WORTHS[place])

    places = range(len(matching.WORTHS))
    too_far = bisect.bisect_left(places, True, key=lambda place: _db(codec, goal.source, at(place)) < goal.psnr_db)
    if too_far == 0:
        return goal.encoded
    refined = dataclasses.replace(at(too_far - 1), notes=goal.encoded.notes)
    return refined if len(refined.data) < len(goal.encoded.data) else goal.encoded


def _analysis(stepped: Codec, latents: Latents) -> Analysis:
    """Latents as what is known of a picture before it is rounded; `stepped` is at their step."""
    quality = np.array([latents.hundredths or 0], np.int32)
    side = stepped.kind.side(stepped, latents.symbols.hyper, quality, tiles.run)
    return Analysis(latents.symbols.hyper, latents.residual, side)


def _db(codec: Codec, source: pictures.Source, encoded: Encoded) -> float:
    colours = 1 if source.shape[2] == 1 else 3
    decoded = pictures.decode(codec, encoded.data)[..., :colours]
    return float(psnr_db(source.seen(decoded), source.seen(source.pixels[..., :colours])))


def _size(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{width} x {height} pixels and {channels} channels"
