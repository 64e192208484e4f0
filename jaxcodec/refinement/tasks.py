"""Pictures to refine, cut into parts that fit into memory, with the aim of each part."""

import collections
import itertools
import math
from typing import NamedTuple

import jax
import numpy as np

from jaxcodec.codec import Codec, pictures, stacked
from jaxcodec.coding.quantiser_step import MAX_INDEX
from jaxcodec.distortions import Distortion
from jaxcodec.refinement import iterate, tiling
from jaxcodec.refinement.criterion import Criterion
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.tiling import Tile

_SPREAD = 300
"""Fields of the step to either side, 16 %, between which a codec's own trade-off is measured."""

_MARGIN = 1.006
"""On the target of a tile: what tiles cost together is not known as well as what a picture does."""


class Task(NamedTuple):
    """A picture to refine, with its quality, the index of its step, and its target.

    `index` is its place among others; `source` is the prepared picture.

    trade_off: lambda, or None for the codec's own with the picture. factor: on top of it.
      target_bits: what its symbols are to cost. target_distance: or what their error is to be.
    """

    index: int
    source: pictures.Source
    hundredths: int | None
    step_index: int = 0
    trade_off: float | None = None
    factor: float = 1.0
    target_bits: float = math.nan
    target_distance: float = math.nan


class Part(NamedTuple):
    """A tile of a picture; `number` is 0 for the first, or only one."""

    task: Task
    number: int
    tile: Tile

    @property
    def grey(self) -> bool:
        """Whether the picture is."""
        return self.task.source.shape[2] == 1


class Aim(NamedTuple):
    """The aim of a part: lambda, and its target bits and error, NaN for no target."""

    trade_off: float
    target_bits: float
    target_distance: float


def cut(codec: Codec, task: Task, most: int) -> list[Part]:
    """The parts of a picture, of about `most` pixels each."""
    height, width, _ = task.source.shape
    tiles = tiling.split(codec, task.source.pixels, height, width, most)
    return [Part(task, number, tile) for number, tile in enumerate(tiles)]


def batches(parts: list[Part], size: int, most: int, distortion: Distortion) -> list[list[Part]]:
    """Parts of one size, grey or not, up to `size` together and `most` pixels.

    Tiles of one picture stay in their order.

    Where the distortion is no mean over pixels, they are of one size without padding, too.
    """

    def kind(part):
        return part.tile.pixels.shape[:2], part.grey, _extent(part, distortion) or ()

    formed = []
    for (sides, *_), group in itertools.groupby(sorted(parts, key=kind), kind):
        alike, together = list(group), max(min(size, most // math.prod(sides)), 1)
        formed += [alike[first : first + together] for first in range(0, len(alike), together)]
    return formed


def criterion(batch: list[Part], distortion: Distortion) -> Criterion:
    """What counts as the error of the images of a batch."""
    return Criterion(distortion, batch[0].grey, _extent(batch[0], distortion))


def _extent(part: Part, distortion: Distortion) -> tuple[int, int] | None:
    """The rows and columns that count, where a distortion needs to know them beforehand."""
    return None if distortion.terms is not None else (part.tile.height, part.tile.width)


def images(batch: list[Part]) -> PaddedImage:
    """The images of a batch, on the device."""

    def each(values, dtype=np.int32):
        return np.array(list(values), dtype)

    arrays = jax.device_put(
        (
            np.stack([part.tile.pixels[None] for part in batch]),
            each([part.task.hundredths or 0] for part in batch),
            each(part.tile.height for part in batch),
            each(part.tile.width for part in batch),
        )
    )
    return PaddedImage(*arrays)


def aims(
    codec: Codec, formed: list[list[Part]], distortion: Distortion
) -> dict[tuple[int, int], Aim]:
    """The aim of each part, by the index of its task and its number.

    All tiles of a picture have its trade-off. A tile's share of the targets is its share without
    refinement.
    """
    measured = collections.defaultdict(list)
    for batch in formed:
        each = (
            [None] * len(batch)
            if all(map(_is_known, batch))
            else _measure(codec, batch, distortion)
        )
        for part, points in zip(batch, each, strict=True):
            measured[part.task.index].append((part, points))
    return {
        (part.task.index, part.number): aim
        for points in measured.values()
        for (part, _), aim in zip(points, _aims(*zip(*points, strict=True)), strict=True)
    }


def _is_known(part: Part) -> bool:
    """Whether the aim is known without a look at the picture."""
    return part.task.trade_off is not None and part.tile.share == 1


def _aims(parts: tuple[Part, ...], points: tuple[np.ndarray, ...]) -> list[Aim]:
    """The aims of all parts of a task, given bits and error at three steps (3, 2) of each.

    A codec trained for a lambda has, in the mean over images, the step at which lambda * D + bpp is
    least. So its trade-off with a picture is the fall of its rate over the rise of its error with
    the step.
    """
    task = parts[0].task
    if task.trade_off is not None and all(map(_is_known, parts)):
        return [Aim(task.trade_off * task.factor, task.target_bits, task.target_distance)]
    share = np.array([part.tile.share for part in parts])
    pixels = np.array([part.tile.height * part.tile.width for part in parts])
    bits, errors = np.moveaxis(np.stack(points), -1, 0)  # parts x steps
    whole_bits, whole_errors = share @ bits, (share * pixels) @ errors / (share @ pixels)
    trade_off = task.trade_off
    if trade_off is None:
        fewer_bits, more_error = whole_bits[0] - whole_bits[2], whole_errors[2] - whole_errors[0]
        trade_off = max(fewer_bits / (share @ pixels), 1e-9) / max(more_error, 1e-9)
    trade_off = float(trade_off * task.factor)
    if len(parts) == 1:
        return [Aim(trade_off, task.target_bits, task.target_distance)]
    target_bits = _MARGIN * task.target_bits * bits[:, 1] / whole_bits[1]
    target_errors = task.target_distance / _MARGIN * errors[:, 1] / whole_errors[1]
    return [
        Aim(trade_off, *targets)
        for targets in zip(target_bits.tolist(), target_errors.tolist(), strict=True)
    ]


def _measure(codec: Codec, batch: list[Part], distortion: Distortion) -> np.ndarray:
    """Bits and distances (n, 3, 2) of the codec's own latents at three steps.

    The steps are finer, its own, and coarser.
    """
    padded = images(batch)
    variables = iterate.start(codec, padded)
    points = []
    for spread in (-_SPREAD, 0, _SPREAD):
        step_indices = [
            int(np.clip(part.task.step_index + spread, -MAX_INDEX, MAX_INDEX)) for part in batch
        ]
        at = stacked.at_steps(codec, step_indices)
        measured = iterate.measure(codec, criterion(batch, distortion), padded, at, variables)
        points.append(np.stack([measured.bits, measured.distance], axis=-1))
    return np.stack(points, axis=1).astype(np.float64)
