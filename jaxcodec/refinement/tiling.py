"""Large pictures in overlapping tiles.

Each tile is small enough to be refined within a budget of memory.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import Codec, tiles
from jaxcodec.codec.tiles import Span
from jaxcodec.distortions import Distortion
from jaxcodec.refinement import problem
from jaxcodec.refinement.criterion import Criterion
from jaxcodec.refinement.methods import Settings
from jaxcodec.refinement.padded_image import PaddedImage

MEMORY_BYTES = 2 << 30
"""The default memory of a refinement besides the codec."""

_OVERLAP = 1
"""Positions of the codec's stride, 64 pixels say, by which a tile is larger on each side than what
is kept of it.
"""

_ROOM = 2.0
"""What a compiled step takes over what its gradient keeps: scratch space, the optimiser, and two
iterates.
"""


class Tile(NamedTuple):
    """A part of a picture, or all of it.

    pixels: uint8 (H, W, 3), in whole strides. height, width: what counts of them. row, column:
      where it lies, and what of it is kept, in strides. share: of it that is kept.
    """

    pixels: np.ndarray
    height: int
    width: int
    row: Span
    column: Span
    share: float


def split(codec: Codec, pixels: np.ndarray, height: int, width: int, most: int) -> list[Tile]:
    """Tiles of one size, of about `most` pixels each, that cover a padded picture.

    `height` and `width` are its sides without padding.
    """
    stride = codec.geometry.stride
    down, across = (side // stride for side in pixels.shape[:2])
    (rows, columns), places = tiles.plan(down, across, _OVERLAP, max(most // stride**2, 1))
    cut = []
    for row, column in places:
        top, left = row.start * stride, column.start * stride
        window = pixels[top : top + rows * stride, left : left + columns * stride]
        high, wide = min(height - top, rows * stride), min(width - left, columns * stride)
        kept = (row.stop - row.first) * (column.stop - column.first)
        cut.append(Tile(window, high, wide, row, column, kept / (rows * columns)))
    return cut


def join(codec: Codec, parts: Sequence[Tile], trees: Sequence[Any]) -> Any:
    """One tree of arrays (1, h, w, any) from one such for each tile: what is kept of them."""
    stride = codec.geometry.stride
    rows, columns = (
        max(span.stop for span in spans)
        for spans in zip(*[(part.row, part.column) for part in parts], strict=False)
    )

    def joined(*arrays):
        scale = arrays[0].shape[1] * stride // parts[0].pixels.shape[0]
        whole = np.empty((1, rows * scale, columns * scale, arrays[0].shape[-1]), arrays[0].dtype)
        for part, array in zip(parts, arrays, strict=True):
            tiles.put(whole, array, part.row, part.column, scale)
        return whole

    return jax.tree.map(joined, *trees)


def pixels_within(
    codec: Codec, settings: Settings, distortion: Distortion, memory_bytes: int
) -> int:
    """How many pixels may be refined at once.

    The memory of a gradient per pixel is counted without computing anything.
    """
    stride = codec.geometry.stride
    side = max(2, -(-distortion.least_side // stride)) * stride
    small, large = (_kept_bytes(codec, settings, distortion, side * n) for n in (1, 2))
    each = (large - small) / (3 * side**2)
    return int(memory_bytes / (_ROOM * each))


def _kept_bytes(codec: Codec, settings: Settings, distortion: Distortion, side: int) -> int:
    """What the gradient of a picture of `side` x `side` pixels keeps, weights included."""
    criterion = Criterion(distortion, extent=(side, side))
    # Arrays of the host: nothing of them is computed, and they take no memory of a device.
    arrays: Any = (
        np.zeros((1, side, side, 3), np.uint8),
        np.zeros(1, np.int32),
        np.int32(side),
        np.int32(side),
    )
    padded = PaddedImage(*arrays)
    variables = jax.eval_shape(lambda padded: problem.start(codec, padded), padded)

    def backward(variables):
        def loss(variables):
            return problem.relaxed_loss(
                codec,
                padded,
                variables,
                1.0,
                settings.relax(),
                jax.random.key(0),
                jnp.float32(1),
                criterion=criterion,
            )[0]

        return jax.vjp(loss, variables)[1]

    return sum(
        kept.size * kept.dtype.itemsize
        for kept in jax.tree.leaves(jax.eval_shape(backward, variables))
    )
