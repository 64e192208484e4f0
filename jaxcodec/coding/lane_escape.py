"""Symbols outside their window, in the lanes coder.

Their distances from it are 16-bit words, beside the lanes' words.

The window is the values of a table, or those that a mixture has (see `lane_distributions`). A
distance d from its nearest end, 1 to 2^15 - 1, takes one word, 2 (d - 1) + 1 above the window and 2
(d - 1) below it. The word 0xFFFF says that the symbol itself stands in two words of another area.
Everything is modulo 2^32, so that any int32 symbol has a code under any window.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec.coding import lane_kernels
from jaxcodec.coding.lane_kernels import FLAG

WIDE = 0xFFFF
_NARROW_LIMIT = 1 << 15


class Codes(NamedTuple):
    """uint32 arrays, one place a symbol: words with FLAG where there is one, else zero.

    narrow: a word of each escape. low, high: the halves of the symbols that are too far.
    """

    narrow: jax.Array
    low: jax.Array
    high: jax.Array


def codes(minimum: jax.Array, size: jax.Array, values: jax.Array, escaped: jax.Array) -> Codes:
    """The words for `values` int32 (n,) where `escaped`, with the windows' minima and sizes."""
    value = values.astype(jnp.uint32)
    below = values < minimum
    last = (minimum + size - 1).astype(jnp.uint32)
    distance = jnp.where(below, minimum.astype(jnp.uint32) - value, value - last)
    far = distance >= _NARROW_LIMIT
    narrow = jnp.where(far, WIDE, 2 * (distance - 1) + ~below)
    wide = escaped & far
    return Codes(
        narrow=jnp.where(escaped, narrow | FLAG, 0),
        low=jnp.where(wide, value & 0xFFFF | FLAG, 0),
        high=jnp.where(wide, value >> 16 | FLAG, 0),
    )


def decode(
    words: jax.Array,
    narrow: jax.Array,
    wide: jax.Array,
    minimum: jax.Array,
    size: jax.Array,
    escaped: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Where `escaped`, the symbols int32 (n,), and the two pointers after them.

    Args:
      words: uint16, the whole stream.
      narrow: the place of the next escape's word; they are read towards lower places.
      wide: the place of the next symbol that is too far; they are read towards higher places.
      minimum, size: int32 (n,), of the window of each symbol.
      escaped: bool (n,).
    """
    count, before = lane_kernels.rank(escaped)
    word = words.at[narrow - before].get(mode="clip").astype(jnp.uint32)
    far = escaped & (word == WIDE)
    far_count, far_before = lane_kernels.rank(far)
    place = wide + 2 * far_before
    low = words.at[place].get(mode="clip").astype(jnp.uint32)
    high = words.at[place + 1].get(mode="clip").astype(jnp.uint32)
    distance = (word >> 1).astype(jnp.int32) + 1
    near = jnp.where(word & 1, minimum + size - 1 + distance, minimum - distance)
    values = jnp.where(far, (high << 16 | low).astype(jnp.int32), near)
    return values, jnp.maximum(narrow - count, -1), jnp.minimum(wide + 2 * far_count, words.size)
