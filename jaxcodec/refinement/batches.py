"""Refines pictures: those of one padded size together, large ones in tiles.

Batches fit into memory.
"""

import collections
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec import distortions
from jaxcodec.codec import Codec, pictures, stacked, symbols, tiles
from jaxcodec.codec.value import at_step
from jaxcodec.coding import container
from jaxcodec.distortions import Distortion
from jaxcodec.entropy.order import Symbols
from jaxcodec.errors import RefineError
from jaxcodec.refinement import iterate, tasks, tiling
from jaxcodec.refinement.carry import Batch, Evaluation
from jaxcodec.refinement.latents import Latents, Score, score
from jaxcodec.refinement.methods import Settings
from jaxcodec.refinement.problem import Measurement
from jaxcodec.refinement.tasks import Aim, Part, Task

_BATCH_SIZE = 4
_CPU_BATCH_PIXELS = 500_000
"""Four Kodak pictures take a fifth longer together than after one another on a CPU."""


class Progress(NamedTuple):
    """How far a refinement is, at an evaluation of the true loss.

    batch: of `batches`, the one at hand. step: of `steps` in it. best: the best scores so far of
      its images, or of a tile; where there is a target and nothing came near, the current ones.
      current: those of this evaluation. relaxed_loss: what the relaxation makes of them, a mean
      since the last evaluation.
    """

    batch: int
    batches: int
    step: int
    steps: int
    best: list[Score]
    current: list[Score]
    relaxed_loss: list[float]


def refine(
    codec: Codec,
    wanted: Sequence[Task],
    settings: Settings,
    *,
    distortion: Distortion | None = None,
    batch_size: int | None = None,
    memory_bytes: int = tiling.MEMORY_BYTES,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> list[Latents]:
    """The best latents of each task.

    Where a task has a target and nothing came near, `best.loss` is infinite, but for tiles.

    An interrupt (Ctrl-C) ends the current batch with its best so far, and leaves those after it
    unrefined; `Latents.interrupted` says so.

    Args:
      codec, wanted, settings: what is refined, and how.
      distortion: that is weighed against bits; without it the mean squared error.
      batch_size: the most images that go together; without it 4, and large ones alone on a CPU.
      memory_bytes: about what they, or a tile of a large one, may take besides the codec.
      seed: of the random numbers; those of a task follow from its index.
      progress: called at every evaluation.

    Raises:
      RefineError: a plain grid, and a picture that is too large for `memory_bytes`; a descent, and
        a distortion that is no mean over pixels; a picture that is too small for the distortion.
    """
    distortion = distortions.get("mse") if distortion is None else distortion
    parts, batches = _parts(codec, wanted, settings, distortion, batch_size, memory_bytes)
    _check(settings, distortion, parts, tiled=len(parts) > len(wanted))
    aims = tasks.aims(codec, batches, distortion)
    found = collections.defaultdict(list)
    stopped = False
    for place, batch in enumerate(batches):
        own = (
            settings
            if all(part.tile.share == 1 for part in batch)
            else settings._replace(step_rate=0.0)
        )
        evaluations = iterate.refine(
            codec, _arrays(codec, batch, aims, seed), own, tasks.criterion(batch, distortion)
        )
        first = last = next(evaluations)
        try:
            for last in () if stopped else evaluations:
                if progress is not None:
                    progress(_progress(batch, last, place, len(batches), settings.steps))
        except KeyboardInterrupt:
            stopped = True
        for part, latents in zip(batch, _latents(codec, batch, aims, first, last), strict=True):
            latents = dataclasses.replace(latents, interrupted=stopped, plain=settings.plain)
            found[part.task.index].append((part, latents))
    return [
        _whole(codec, task, distortion, *zip(*found[task.index], strict=True)) for task in wanted
    ]


def _parts(
    codec: Codec,
    wanted: Sequence[Task],
    settings: Settings,
    distortion: Distortion,
    batch_size: int | None,
    memory_bytes: int,
) -> tuple[list[Part], list[list[Part]]]:
    """The parts of all tasks, and the batches of these."""
    most = tiling.pixels_within(codec, settings, distortion, memory_bytes)
    together = (
        min(most, _CPU_BATCH_PIXELS)
        if batch_size is None and jax.default_backend() == "cpu"
        else most
    )
    parts = [part for task in wanted for part in tasks.cut(codec, task, most)]
    return parts, tasks.batches(parts, batch_size or _BATCH_SIZE, together, distortion)


def _check(settings: Settings, distortion: Distortion, parts: list[Part], tiled: bool) -> None:
    """Raises RefineError where settings, distortion and pictures do not go together."""
    if settings.plain and tiled:
        raise RefineError(
            "a plain grid is not refined in tiles; raise memory_bytes, or take a smaller picture"
        )
    if distortion.terms is None and settings.annealed < settings.steps:
        raise RefineError(
            f"a descent goes by single pixels, and {distortion.metric.label} is no mean over them; "
            "use a method without one, ssl_decay say"
        )
    least = min((min(part.tile.height, part.tile.width) for part in parts), default=math.inf)
    if least < distortion.least_side:
        raise RefineError(
            f"{distortion.metric.label} takes sides of {distortion.least_side} pixels or more, and "
            f"a picture or a tile of one has {least}; leave it out, or take another distortion"
        )


def _arrays(
    codec: Codec, batch: list[Part], aims: Mapping[tuple[int, int], Aim], seed: int
) -> Batch:
    each = [aims[part.task.index, part.number] for part in batch]
    keys = [jax.random.fold_in(jax.random.key(seed), part.task.index) for part in batch]
    keys = [
        jax.random.fold_in(key, part.number) if part.number else key
        for key, part in zip(keys, batch, strict=True)
    ]
    trade_off, *targets = (
        jax.device_put(np.array(values, np.float32)) for values in zip(*each, strict=True)
    )
    at = stacked.at_steps(codec, [part.task.step_index for part in batch])
    return Batch(tasks.images(batch), trade_off, at, jnp.stack(keys), *targets)


def _progress(
    batch: list[Part], evaluation: Evaluation, place: int, batches: int, steps: int
) -> Progress:
    current = _scores(batch, evaluation, evaluation.loss)
    best = _scores(batch, evaluation.best.measured, evaluation.best.loss)
    best = [own if np.isfinite(own.loss) else now for own, now in zip(best, current, strict=True)]
    relaxed_loss = np.asarray(evaluation.relaxed_loss).tolist()
    return Progress(place, batches, evaluation.step, steps, best, current, relaxed_loss)


def _scores(
    batch: list[Part], measured: Evaluation | Measurement, losses: jax.Array
) -> list[Score]:
    arrays = (
        np.asarray(values, np.float64).tolist()
        for values in (measured.bits, measured.mse_255, losses, measured.distance)
    )
    pixels = (part.tile.height * part.tile.width for part in batch)
    return [score(*each) for each in zip(*arrays, pixels, strict=True)]


def _latents(
    codec: Codec,
    batch: list[Part],
    aims: Mapping[tuple[int, int], Aim],
    first: Evaluation,
    last: Evaluation,
) -> list[Latents]:
    """What became of each part."""
    starts, bests = (_scores(batch, each.best.measured, each.best.loss) for each in (first, last))
    arrays = jax.device_get((last.best.measured.symbols, last.best.measured.residual))
    latents = []
    for place, part in enumerate(batch):
        own_symbols, residual = jax.tree.map(lambda array, place=place: array[place], arrays)
        latents.append(
            Latents(
                codec_id=codec.id,
                shape=part.task.source.shape,
                hundredths=part.task.hundredths,
                step_index=int(last.best.step_index[place]),
                symbols=own_symbols,
                residual=residual,
                trade_off=aims[part.task.index, part.number].trade_off,
                start=starts[place],
                best=bests[place],
                found_at=int(last.best.found_at[place]),
            )
        )
    return latents


def _whole(
    codec: Codec,
    task: Task,
    distortion: Distortion,
    parts: tuple[Part, ...],
    each: tuple[Latents, ...],
) -> Latents:
    """The latents of a picture from those of its parts.

    Tiles are joined, and measured again together.
    """
    if len(parts) == 1:
        return each[0]
    own_symbols, residual = tiling.join(
        codec, [part.tile for part in parts], [(own.symbols, own.residual) for own in each]
    )
    stepped = at_step(codec, task.step_index)
    analysis = pictures.analyse(codec, task.source, task.hundredths)
    own_start = symbols.rounded(stepped, analysis)
    interrupted = any(own.interrupted for own in each)
    start, best = (
        _true_score(stepped, task, distortion, candidate, each[0].trade_off)
        for candidate in (own_start, own_symbols)
    )
    joined = dataclasses.replace(
        each[0],
        symbols=own_symbols,
        residual=residual,
        start=start,
        best=best,
        interrupted=interrupted,
        found_at=max(own.found_at for own in each),
    )
    if best.loss <= start.loss or not np.isnan([task.target_bits, task.target_distance]).all():
        return joined
    return dataclasses.replace(
        joined, symbols=own_start, residual=np.asarray(analysis.residual), best=start, found_at=0
    )


def _true_score(
    stepped: Codec, task: Task, distortion: Distortion, own_symbols: Symbols, trade_off: float
) -> Score:
    """That of symbols of a picture of any size, from its file."""
    height, width, _ = task.source.shape
    quality = np.array([task.hundredths or 0], np.int32)
    side = stepped.side(own_symbols.hyper, quality, tiles.run)
    file = pictures.write(stepped, task.source, task.hundredths, own_symbols, side)
    bits = 8 * sum(container.read_header(file.data).part_bytes)
    decoded = pictures.synthesise(stepped, task.source, task.hundredths, own_symbols)
    original = task.source.pixels[:height, :width, : decoded.shape[-1]]
    error, distance = (
        float(each(original, decoded)) for each in (distortions.get("mse"), distortion)
    )
    loss = trade_off * distance + bits / task.source.pixel_count
    return score(bits, error, loss, distance, height * width)
