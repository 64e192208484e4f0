"""The order in which an autoregressive latent is coded: by wavefronts.

All places of a wavefront are known at once.

A place depends on two columns to its left and right in the two rows above, and on two columns to
its left. Place (r, c) stands in wavefront t = c + 3 r: all that it depends on stands in earlier
ones, down to t - 8. In coordinates (t, r) the neighbours of a whole wavefront are rows at fixed
distances, so that a decoder takes them by slices. Within a wavefront the order is by row, then by
channel.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcodec.entropy.context import REACH, TAPS

_TAPS = [(row - REACH, column - REACH) for row, column in TAPS["autoregressive"]]


class Order(NamedTuple):
    """The wavefronts of a latent of h x w places; T of them, of at most R places each.

    shift: t = c + shift * r; 3, or the width where that is less, since nothing depends on what is
      outside.
    first: int32 (T,), the first row of each. count: int32 (T,), how many places it has, one a row.
    place: int32 (T, R), r * w + c of each, any valid place beyond the count.
    where: int32 (h * w,), the index into (T * R) of each place.
    """

    shift: int
    first: np.ndarray
    count: np.ndarray
    place: np.ndarray
    where: np.ndarray


@functools.lru_cache(maxsize=64)
def order(height: int, width: int) -> Order:
    """The wavefronts of a latent of that size."""
    shift = min(REACH + 1, width)
    t = np.arange(width + shift * (height - 1), dtype=np.int32)
    first = np.maximum(-((width - 1 - t) // shift), 0).astype(np.int32)
    count = np.minimum(t // shift, height - 1) - first + 1
    rows = first[:, None] + np.arange(count.max(), dtype=np.int32)
    rows = np.minimum(rows, np.minimum(t // shift, height - 1)[:, None])
    place = rows * width + t[:, None] - shift * rows
    r, c = np.divmod(np.arange(height * width, dtype=np.int32), width)
    where = (c + shift * r) * count.max() + r - first[c + shift * r]
    return Order(shift, first, count.astype(np.int32), place.astype(np.int32), where)


def to_blocks(values: jax.Array) -> jax.Array:
    """(h, w, C) as one block for each wavefront, (T, R * C).

    Of wavefront t, `count[t]` * C values count.
    """
    height, width, channels = values.shape
    fronts = order(height, width)
    return values.reshape(-1, channels)[fronts.place].reshape(len(fronts.first), -1)


def from_blocks(blocks: jax.Array, height: int, width: int) -> jax.Array:
    """The inverse of `to_blocks`: (T, R * C) to (h, w, C)."""
    fronts = order(height, width)
    rows = blocks.reshape(len(fronts.first) * fronts.place.shape[1], -1)
    return rows[fronts.where].reshape(height, width, -1)


def lookback(shift: int) -> int:
    """How many wavefronts back the farthest neighbour stands."""
    return REACH * shift + REACH


def empty_history(height: int, width: int, channels: int) -> jax.Array:
    """An empty history of codes in the coordinates (t, r), all 0.

    int8 (T + lookback + 2, h + 2 + R, C).

    Wavefront t stands at t + lookback, row r at r + 2: padded so that every slice is inside.
    """
    fronts = order(height, width)
    shape = (
        len(fronts.first) + lookback(fronts.shift) + REACH,
        height + REACH + fronts.place.shape[1],
        channels,
    )
    return jnp.zeros(shape, jnp.int8)


def window_at(
    history: jax.Array, t: jax.Array, first: jax.Array, rows: int, shift: int
) -> jax.Array:
    """The neighbours of `rows` places of wavefront t from row `first` on: (rows, 12 * C).

    In the order of `entropy.context.TAPS`.
    """
    back, channels = lookback(shift), history.shape[2]
    near = lax.dynamic_slice(
        history, (t, first, jnp.int32(0)), (back + REACH, rows + REACH, channels)
    )
    # The neighbour (dr, dc) stands in wavefront t + dc + shift * dr, row first + i + dr. Where the
    # width is less than the reach that may lie ahead of t: it is outside of the picture then, and
    # still 0.
    taps = [
        lax.slice_in_dim(near[back + dc + shift * dr], REACH + dr, REACH + dr + rows)
        for dr, dc in _TAPS
    ]
    return jnp.concatenate(taps, axis=-1)


def remember(
    history: jax.Array, t: jax.Array, first: jax.Array, codes: jax.Array, shift: int
) -> jax.Array:
    """The history with the codes (rows, C) of wavefront t, from row `first` on.

    Beyond its count they must be 0.
    """
    place = (t + lookback(shift), first + REACH, jnp.int32(0))
    return lax.dynamic_update_slice(history, codes[None], place)
