"""Refining pictures: those of one padded size together, in batches that fit into memory, large ones
in tiles.
"""

import collections
import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import Codec, pictures, stacked, symbols, tiles
from jaxcodec.codec.value import at_step
from jaxcodec.coding import container
from jaxcodec.distortions.mse import mse_255
from jaxcodec.errors import RefineError
from jaxcodec.refinement import loop, tasks, tiling
from jaxcodec.refinement.latents import Latents, Score, score
from jaxcodec.refinement.methods import Settings
from jaxcodec.refinement.tasks import Asked, Part, Task

_BATCH_SIZE = 4
_CPU_BATCH_PIXELS = 500_000
"""Four Kodak pictures take a fifth longer together than after one another on a CPU."""


class Progress(NamedTuple):
    """How far a refinement is, at a look at the truth.

    batch: of `batches`, the one at hand. step: of `steps` in it. best: the best scores so far of
      its images, or of a tile; where there is a target and nothing came near, those of this look.
      seen: those of this look. relaxed_loss: what the relaxation makes of them, a mean since the
      last look.
    """

    batch: int
    batches: int
    step: int
    steps: int
    best: list[Score]
    seen: list[Score]
    relaxed_loss: list[float]


def refine(
    codec: Codec,
    wanted: Sequence[Task],
    settings: Settings,
    *,
    batch_size: int | None = None,
    memory_bytes: int = tiling.MEMORY_BYTES,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> list[Latents]:
    """The best latents of each task; where it has a target and nothing came near, `best.loss` is
    infinite, but for tiles.

    An interrupt (Ctrl-C) ends the batch at hand with its best so far, and leaves those after it
    unrefined; the latents tell.

    Args:
      codec, wanted, settings: what is refined, and how.
      batch_size: the most images that go together; without it 4, and large ones alone on a CPU.
      memory_bytes: about what they, or a tile of a large one, may take besides the codec.
      seed: of the random numbers; those of a task follow from its index.
      progress: called at every look.

    Raises:
      RefineError: a plain grid, and a picture that is too large for `memory_bytes`.
    """
    most = tiling.pixels_within(codec, settings, memory_bytes)
    together = (
        min(most, _CPU_BATCH_PIXELS)
        if batch_size is None and jax.default_backend() == "cpu"
        else most
    )
    parts = [part for task in wanted for part in tasks.cut(codec, task, most)]
    if settings.plain and len(parts) > len(wanted):
        raise RefineError(
            "a plain grid is not refined in tiles; raise memory_bytes, or take a smaller picture"
        )
    batches = tasks.batches(parts, batch_size or _BATCH_SIZE, together)
    asked = tasks.ask(codec, batches)
    found = collections.defaultdict(list)
    stopped = False
    for place, batch in enumerate(batches):
        own = (
            settings
            if all(part.tile.share == 1 for part in batch)
            else settings._replace(step_rate=0.0)
        )
        looks = loop.refine(codec, _arrays(codec, batch, asked, seed), own, grey=batch[0].grey)
        first = last = next(looks)
        try:
            for last in () if stopped else looks:
                if progress is not None:
                    progress(_progress(batch, last, place, len(batches), settings.steps))
        except KeyboardInterrupt:
            stopped = True
        for part, latents in zip(batch, _latents(codec, batch, asked, first, last), strict=True):
            latents = dataclasses.replace(latents, interrupted=stopped, plain=settings.plain)
            found[part.task.index].append((part, latents))
    return [_whole(codec, task, *zip(*found[task.index], strict=True)) for task in wanted]


def _arrays(
    codec: Codec, batch: list[Part], asked: dict[tuple[int, int], Asked], seed: int
) -> loop.Batch:
    each = [asked[part.task.index, part.number] for part in batch]
    keys = [jax.random.fold_in(jax.random.key(seed), part.task.index) for part in batch]
    keys = [
        jax.random.fold_in(key, part.number) if part.number else key
        for key, part in zip(keys, batch, strict=True)
    ]
    trade_off, *targets = (
        jax.device_put(np.array(values, np.float32)) for values in zip(*each, strict=True)
    )
    at = stacked.at_steps(codec, [part.task.field for part in batch])
    return loop.Batch(tasks.shown(batch), trade_off, at, jnp.stack(keys), *targets)


def _progress(batch: list[Part], look: loop.Look, place: int, batches: int, steps: int) -> Progress:
    seen = _scores(batch, look, look.loss)
    best = _scores(batch, look.best.measured, look.best.loss)
    best = [own if np.isfinite(own.loss) else now for own, now in zip(best, seen, strict=True)]
    return Progress(
        place, batches, look.step, steps, best, seen, np.asarray(look.relaxed_loss).tolist()
    )


def _scores(batch: list[Part], measured, losses) -> list[Score]:
    arrays = (
        np.asarray(values, np.float64).tolist()
        for values in (measured.bits, measured.mse_255, losses)
    )
    pixels = (part.tile.height * part.tile.width for part in batch)
    return [score(*each) for each in zip(*arrays, pixels, strict=True)]


def _latents(
    codec: Codec, batch: list[Part], asked: dict, first: loop.Look, last: loop.Look
) -> list[Latents]:
    """What became of each part."""
    starts, bests = (_scores(batch, look.best.measured, look.best.loss) for look in (first, last))
    arrays = jax.device_get((last.best.measured.symbols, last.best.measured.residual))
    latents = []
    for place, part in enumerate(batch):
        own_symbols, residual = jax.tree.map(lambda array, place=place: array[place], arrays)
        latents.append(
            Latents(
                codec_id=codec.id,
                shape=part.task.source.shape,
                hundredths=part.task.hundredths,
                field=int(last.best.field[place]),
                symbols=own_symbols,
                residual=residual,
                trade_off=asked[part.task.index, part.number].trade_off,
                start=starts[place],
                best=bests[place],
                found_at=int(last.best.found_at[place]),
            )
        )
    return latents


def _whole(codec: Codec, task: Task, parts: tuple[Part, ...], each: tuple[Latents, ...]) -> Latents:
    """The latents of a picture from those of its parts; tiles are joined, and measured again
    together.
    """
    if len(parts) == 1:
        return each[0]
    own_symbols, residual = tiling.join(
        codec, [part.tile for part in parts], [(own.symbols, own.residual) for own in each]
    )
    stepped = at_step(codec, task.field)
    analysis = pictures.analyse(codec, task.source, task.hundredths)
    own_start = symbols.rounded(stepped, analysis)
    interrupted = any(own.interrupted for own in each)
    start, best = (
        _true_score(stepped, task, candidate, each[0].trade_off)
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
    if best.loss <= start.loss or not np.isnan([task.target_bits, task.target_mse_255]).all():
        return joined
    return dataclasses.replace(
        joined, symbols=own_start, residual=np.asarray(analysis.residual), best=start, found_at=0
    )


def _true_score(stepped: Codec, task: Task, own_symbols, trade_off: float) -> Score:
    """That of symbols of a picture of any size, from its file."""
    height, width, channels = task.source.shape
    quality = np.array([task.hundredths or 0], np.int32)
    side = stepped.kind.side(stepped, own_symbols.hyper, quality, tiles.run)
    file = pictures.write(stepped, task.source, task.hundredths, task.field, own_symbols, side)
    bits = 8 * sum(container.read_header(file.data).part_bytes)
    shown = pictures.synthesise(stepped, task.source, task.hundredths, own_symbols)
    error = float(mse_255(task.source.pixels[:height, :width, : shown.shape[-1]], shown))
    return score(bits, error, trade_off * error + bits / task.source.pixel_count, height * width)
