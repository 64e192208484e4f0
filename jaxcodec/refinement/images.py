"""Refining images: those of one size together, in batches."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import Codec, pictures, stacked
from jaxcodec.codec.kinds import Symbols
from jaxcodec.coding.step import MAX_FIELD
from jaxcodec.errors import RefineError
from jaxcodec.image import Picture
from jaxcodec.refinement import loop, methods
from jaxcodec.refinement.problem import Extent, Shown

DEFAULT_METHOD = "ssl_stretched"

_SPREAD = 300
"""Fields of the step to either side, 16 %, between which a codec's own trade-off is measured."""


class Score(NamedTuple):
    """What symbols cost and how close they come.

    bits: of the symbols, headers apart. bpp: the same over the pixels. psnr_db: of the 8-bit pixels. loss: lambda * 255^2 *
    MSE + bpp.
    """

    bits: float
    bpp: float
    psnr_db: float
    loss: float


@dataclasses.dataclass(frozen=True)
class Latents:
    """Refined latents of a picture, ready to be coded by `jaxcodec.encode(codec, picture, latents=...)`.

    Attributes:
      codec_id: of the codec that they are for.
      shape: of the picture, (height, width, channels).
      hundredths: the quality in hundredths, or None for a codec with one quality.
      field: of the quantiser step (`coding.step`).
      symbols: int32 NumPy arrays.
      residual: float32, what the latent's symbols were rounded from, in units of the codec's own step.
      trade_off: lambda.
      start, best: scores of the codec's own latents and of these.
      found_at: the step at which these were found; 0 if none was better than the start.
    """

    codec_id: str
    shape: tuple[int, int, int]
    hundredths: int | None
    field: int
    symbols: Symbols
    residual: np.ndarray
    trade_off: float
    start: Score
    best: Score
    found_at: int


class Progress(NamedTuple):
    """How far a refinement is: images of batches before this one, images of this one, its step, and their best scores."""

    done: int
    images: int
    step: int
    steps: int
    best: list[Score]


def refine(
    codec: Codec,
    images: Sequence[Picture | np.ndarray],
    *,
    quality: float | Sequence[float] | None = None,
    steps: int | None = None,
    method: str = DEFAULT_METHOD,
    trade_off: float | Sequence[float] | None = None,
    trade_off_factor: float = 1.0,
    batch_size: int = 4,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    **settings,
) -> list[Latents]:
    """The latents of images, optimised for each with the networks held fixed (Yang et al. 2020).

    No image ends worse than it began, in true loss. An interrupt (Ctrl-C) ends the refinement with the best so far.

    Args:
      codec: what they are for.
      images: pictures, or uint8 pixels (height, width, 1, 3 or 4), of any sizes; alpha has no part in it.
      quality: 0 to 100, one for all or for each; without it 50. A codec with one quality takes none.
      steps: how many; without it what the method has, 2,000.
      method: one of `methods.METHODS`.
      trade_off: lambda of lambda * 255^2 * MSE + bpp, one for all or for each; without it the one that the codec itself has
        with the picture: the slope of its own rate over its own distortion.
      trade_off_factor: on top of either (semi-multi-rate: Yang et al. 2020).
      batch_size: images of one size that go together.
      seed: of the random numbers; those of an image do not depend on the others.
      progress: called at every look.
      settings: changes to the method, see `methods.Settings`.

    Raises:
      RefineError: no such method, or a setting makes no sense.
      RateError: a quality makes no sense.
    """
    chosen = methods.make(method, steps=steps, **settings)
    given = np.broadcast_to(np.float32(np.nan if trade_off is None else trade_off), len(images))
    if not trade_off_factor > 0 or np.any(given <= 0):
        raise RefineError("a trade-off of 0 or less makes no sense; give a number above 0")
    qualities = [quality] * len(images) if quality is None or np.isscalar(quality) else list(quality)
    tasks = [
        _Task(index, pictures.prepare(codec, pictures.as_picture(picture), None), pictures.to_hundredths(codec, own))
        for index, (picture, own) in enumerate(zip(images, qualities, strict=True))
    ]
    done: dict[int, Latents] = {}
    stopped = False
    for tasks_now in _batches(tasks, batch_size):
        wanted = given[[task.index for task in tasks_now]], np.float32(trade_off_factor)
        batch, extent = _batch(codec, tasks_now, *wanted, seed)
        if stopped:
            first = last = next(loop.refine(codec, batch, extent, chosen))
        else:
            first, last, stopped = _run(codec, batch, extent, chosen, len(done), progress)
        done |= _latents(codec, tasks_now, batch, extent, first, last)
    return [done[index] for index in range(len(images))]


def refine_source(
    codec: Codec,
    source: pictures.Source,
    hundredths: int | None,
    field: int,
    settings: methods.Settings,
    *,
    target_bits: float | None = None,
    target_mse_255: float | None = None,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Latents | None:
    """Refines the latents of one picture at a quality and a step; towards bits, headers apart, or an error if given.

    Returns those of the least true loss; with a target among all that came near (`loop.NEAR`, `loop.NEAR_ERROR`), or None if
    none did. An interrupt ends the refinement with the best so far.
    """
    tasks = [_Task(0, source, hundredths, field)]
    batch, extent = _batch(codec, tasks, np.float32([np.nan]), np.float32(1), seed)
    if target_bits is not None:
        batch = batch._replace(target_bits=jnp.float32([target_bits]))
    if target_mse_255 is not None:
        batch = batch._replace(target_mse_255=jnp.float32([target_mse_255]))
    first, last, _ = _run(codec, batch, extent, settings, 0, progress)
    return _latents(codec, tasks, batch, extent, first, last)[0] if np.isfinite(last.best.loss[0]) else None


class _Task(NamedTuple):
    """A picture to refine: its place among the images, made ready, its quality, and the field of its step."""

    index: int
    source: pictures.Source
    hundredths: int | None
    field: int = 0


def _run(codec, batch, extent, settings, done, progress) -> tuple[loop.Look, loop.Look, bool]:
    """The first and the last look at a batch, and whether an interrupt ended it."""
    looks = loop.refine(codec, batch, extent, settings)
    first = look = next(looks)
    try:
        for look in looks:
            if progress is not None:
                scores = _scores(look.best.measured, look.best.loss, extent)
                progress(Progress(done, len(batch.trade_off), look.step, settings.steps, scores))
    except KeyboardInterrupt:
        return first, look, True
    return first, look, False


def _batches(tasks: list[_Task], size: int) -> Iterator[list[_Task]]:
    """Tasks of one size of picture, grey or not, up to `size` together."""

    def kind(task):
        return task.source.shape[:2], task.source.shape[2] == 1

    for _, alike in itertools.groupby(sorted(tasks, key=kind), kind):
        alike = list(alike)
        yield from (alike[first : first + size] for first in range(0, len(alike), size))


def _batch(codec: Codec, tasks: list[_Task], trade_off, factor, seed: int) -> tuple[loop.Batch, Extent]:
    height, width, channels = tasks[0].source.shape
    extent = Extent(height, width, channels == 1)
    shown = jax.device_put(
        Shown(
            np.stack([task.source.pixels[None] for task in tasks]),
            np.array([[task.hundredths or 0] for task in tasks], np.int32),
        )
    )
    fields = [task.field for task in tasks]
    if np.isnan(trade_off).any():
        trade_off = np.where(np.isnan(trade_off), own_trade_offs(codec, shown, extent, fields), trade_off)
    keys = [jax.random.fold_in(jax.random.key(seed), task.index) for task in tasks]
    at = stacked.at_steps(codec, fields)
    return loop.Batch(shown, jnp.asarray(trade_off * factor, jnp.float32), at, jnp.stack(keys)), extent


def own_trade_offs(codec: Codec, shown: Shown, extent: Extent, fields: Sequence[int]) -> np.ndarray:
    """Lambda (n,) at which a codec stands with each image: what its rate loses over what its error gains with the step.

    A codec trained for a lambda has, on the mean over images, the step at which lambda * 255^2 * MSE + bpp is least.
    """
    ends = []
    for spread in (-_SPREAD, _SPREAD):
        at = stacked.at_steps(codec, [int(np.clip(field + spread, -MAX_FIELD, MAX_FIELD)) for field in fields])
        measured = loop.measured(codec, shown, at, extent)
        ends.append(np.array([measured.bits / extent.pixel_count, measured.mse_255]))
    (more_bpp, less_error), (less_bpp, more_error) = ends
    return np.maximum(more_bpp - less_bpp, 1e-9) / np.maximum(more_error - less_error, 1e-9)


def _latents(codec, tasks, batch, extent, first: loop.Look, last: loop.Look) -> dict[int, Latents]:
    """What became of a batch, by the index of the image."""
    starts = _scores(first.best.measured, first.best.loss, extent)
    bests = _scores(last.best.measured, last.best.loss, extent)
    symbols, residual = jax.device_get((last.best.measured.symbols, last.best.measured.residual))
    return {
        task.index: Latents(
            codec_id=codec.id,
            shape=task.source.shape,
            hundredths=task.hundredths,
            field=task.field,
            symbols=jax.tree.map(lambda array, place=place: array[place], symbols),
            residual=residual[place],
            trade_off=float(batch.trade_off[place]),
            start=starts[place],
            best=bests[place],
            found_at=int(last.best.found_at[place]),
        )
        for place, task in enumerate(tasks)
    }


def _scores(measured, loss, extent: Extent) -> list[Score]:
    bits, error, loss = (np.asarray(values, np.float64) for values in (measured.bits, measured.mse_255, loss))
    with np.errstate(divide="ignore"):
        psnr = 10 * np.log10(255**2 / error)
    return [Score(*map(float, score)) for score in zip(bits, bits / extent.pixel_count, psnr, loss)]
