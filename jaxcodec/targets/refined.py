"""Files of refined latents, which any decoder reads."""

import bisect
import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jaxcodec import distortions
from jaxcodec.codec import Codec, Encoded, pictures, symbols
from jaxcodec.codec.symbols import Analysis
from jaxcodec.codec.value import at_step
from jaxcodec.coding import container
from jaxcodec.distortions import Distortion
from jaxcodec.errors import RefineError
from jaxcodec.refinement import batches
from jaxcodec.refinement.batches import Progress
from jaxcodec.refinement.latents import Latents
from jaxcodec.refinement.methods import Settings
from jaxcodec.refinement.tasks import Task
from jaxcodec.targets import closeness, matching
from jaxcodec.targets.target import AtLeast


def encode(codec: Codec, source: pictures.Source, latents: Latents) -> Encoded:
    """The file of a picture with these latents.

    Raises:
      RefineError: they are not of this codec, not of a picture of this size, or on a plain grid.
    """
    if latents.plain:
        raise RefineError(
            "these latents lie on a plain grid, which is for comparison: no file has it; refine "
            "without `plain`"
        )
    if latents.codec_id != codec.id:
        raise RefineError(
            f"these latents are of the codec {latents.codec_id}, and not of {codec.name}, which is "
            f"{codec.id}"
        )
    if latents.shape != source.shape:
        raise RefineError(
            f"these latents are of a picture of {_size(latents.shape)}, and this one has "
            f"{_size(source.shape)}; "
            "refine this one"
        )
    stepped = at_step(codec, latents.step_index)
    side = _analysis(stepped, latents).side
    return pictures.write(stepped, source, latents.hundredths, latents.symbols, side)


KEPT = "refinement gained nothing, and the file without it was kept"
"""The note where that is so."""


class Goal(NamedTuple):
    """A picture's file without refinement, and the target that it met.

    The target is a limit in bytes, a closeness, or nothing.
    """

    source: pictures.Source
    encoded: Encoded
    limit: int | None = None
    at_least: AtLeast | None = None


def improve(
    codec: Codec,
    goals: Sequence[Goal],
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
    distortion: Distortion | None = None,
) -> list[Encoded]:
    """Better files of pictures, from latents refined at the quality and the step of each.

    Where there was nothing to meet, refined for the trade-off that the codec has there. Within a
    limit, they are refined to cost as much; what they cost beyond it is spared, symbol by symbol,
    and the file is as full as `matching.to_size` makes it. At a closeness, they are refined to an
    error that is a little less; then symbols are spared. What is no closer to its picture, or no
    smaller, than the file without refinement gives way to that, with a note.

    The error is that of `distortion`, which a closeness must be of; without it the mean squared
    error.
    """
    distortion = distortions.get("mse") if distortion is None else distortion
    tasks = [_task(index, goal) for index, goal in enumerate(goals)]
    found = batches.refine(codec, tasks, settings, distortion=distortion, progress=progress)
    return [
        _file(codec, distortion, goal, latents) for goal, latents in zip(goals, found, strict=True)
    ]


def _task(index: int, goal: Goal) -> Task:
    header = container.read_header(goal.encoded.data)
    task = Task(index, goal.source, header.quality, header.step)
    if goal.at_least is not None:
        return task._replace(target_distance=goal.at_least.distance)
    if goal.limit is not None:
        others = len(goal.encoded.data) - sum(header.part_bytes)
        return task._replace(target_bits=8.0 * max(goal.limit - others, 1))
    return task


def _file(codec: Codec, distortion: Distortion, goal: Goal, latents: Latents) -> Encoded:
    better = (
        _better(codec, distortion, goal, latents)
        if latents.found_at and math.isfinite(latents.best.loss)
        else None
    )
    if better is not None:
        notes = goal.encoded.notes
    else:
        better, notes = goal.encoded, goal.encoded.notes + (() if latents.interrupted else (KEPT,))
    return dataclasses.replace(better, notes=notes, interrupted=latents.interrupted)


def _better(codec: Codec, distortion: Distortion, goal: Goal, latents: Latents) -> Encoded | None:
    """The file of refined latents, or None where it is no better than the unrefined one."""
    if goal.at_least is not None:
        return _close(codec, goal, goal.at_least, latents)
    if goal.limit is not None:
        return _within(codec, distortion, goal, goal.limit, latents)
    return encode(codec, goal.source, latents)


def _within(
    codec: Codec, distortion: Distortion, goal: Goal, limit: int, latents: Latents
) -> Encoded | None:
    """The fullest file of refined latents within a limit, where it is closer."""
    source = goal.source
    analysis = _analysis(at_step(codec, latents.step_index), latents)
    files = [
        matching.file_at(codec, source, latents.hundredths, analysis, latents.step_index, tau=0.0)
    ]
    if len(files[0].data) > limit:
        files += matching.shaved(
            codec, source, latents.hundredths, analysis, latents.step_index, limit
        )
    refined = matching.fullest(files, limit)
    full = refined.fits and matching.close_enough(
        len(refined.encoded.data), limit, source.pixel_count
    )
    if not full:
        return None
    before, after = (
        _db(codec, source, distortion, file) for file in (goal.encoded, refined.encoded)
    )
    return refined.encoded if after > before else None


def _close(codec: Codec, goal: Goal, target: AtLeast, latents: Latents) -> Encoded | None:
    """The smallest file found of refined latents that is close enough."""
    analysis = _analysis(at_step(codec, latents.step_index), latents)

    @functools.cache
    def at(place: int) -> tuple[Encoded, float]:
        file = matching.file_at(
            codec,
            goal.source,
            latents.hundredths,
            analysis,
            latents.step_index,
            matching.WORTHS[place],
        )
        db = _db(codec, goal.source, target.distortion, file)
        return file, min(db, closeness.MOST_DB)

    too_far = bisect.bisect_left(
        range(len(matching.WORTHS)), True, key=lambda place: at(place)[1] < target.db
    )
    if too_far == 0:
        return None
    refined, db = at(too_far - 1)
    if len(refined.data) >= len(goal.encoded.data):
        return None
    return dataclasses.replace(refined, reached=target.distortion.metric.from_db(db))


def _analysis(stepped: Codec, latents: Latents) -> Analysis:
    """Latents as what is known of a picture before it is rounded; `stepped` is at their step."""
    quality = np.array([latents.hundredths or 0], np.int32)
    return symbols.of_symbols(stepped, latents.symbols.hyper, latents.residual, quality)


def _db(codec: Codec, source: pictures.Source, distortion: Distortion, encoded: Encoded) -> float:
    """How close the decoded picture of a file is, in dB."""
    colours = 1 if source.shape[2] == 1 else 3
    decoded = pictures.decode(codec, encoded.data)[..., :colours]
    return closeness.closeness_db(distortion, source, decoded)


def _size(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{width} x {height} pixels and {channels} channels"
