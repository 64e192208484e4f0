"""What symbols of the lanes coder are coded under: a table each, or a mixture of several.

A distribution gives consecutive values, its window, and the escape behind them, intervals of the
2^16 slots. Both kinds here answer for whole arrays, and inside the loops of `lane_kernels` for one
symbol:

    window(tables)              minimum and size of the window, int32
    interval(tables, position)  uint32, count << 16 | cumulative count below, of a place in the
                                window, or of the escape, whose position is the window's size
    find(tables, slot)          the position, int32, whose interval holds a slot, and that interval
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxcodec.coding.lane_tables import PRECISION, LaneTables, lookup
from jaxcodec.ops import Array

WEIGHT_BITS = 15
"""Weights of a mixture are integers that sum to 2^15."""

_MASK = (1 << PRECISION) - 1
_WORTH = 4  # log2 of the values that a component may add to the window for each unit of its weight
_MOST = 4096  # values that a component may add


class Component(NamedTuple):
    """A component of each mixture, int32 arrays of one shape.

    Attributes:
      table: its table.
      offset: added to the values of the table, so that they still fit int32.
      weight: 0 to 2^15.
    """

    table: jax.Array
    offset: jax.Array
    weight: jax.Array


class Mixture(NamedTuple):
    """Mixtures of tables, one mixture for each symbol.

    The weights of its components sum to 2^15.
    """

    components: tuple[Component, ...]


def shifted(indices: Array | Mixture, first: int) -> Array | Mixture:
    """The same tables, where `first` other tables stand before them; int32."""
    if isinstance(indices, Mixture):
        return Mixture(
            tuple(part._replace(table=shifted(part.table, first)) for part in indices.components)
        )
    return indices.astype(jnp.int32) + first


class OneTable(NamedTuple):
    """A table for each symbol, int32."""

    index: jax.Array

    def window(self, tables: LaneTables) -> tuple[jax.Array, jax.Array]:
        """See above."""
        return lookup(tables.minimum, self.index), lookup(tables.size, self.index)

    def interval(self, tables: LaneTables, position: jax.Array) -> jax.Array:
        """See above."""
        return lookup(tables.interval, lookup(tables.start, self.index) + position)

    def find(self, tables: LaneTables, slot: jax.Array) -> tuple[jax.Array, jax.Array]:
        """See above; two lookups."""
        entry = lookup(tables.bucket, (self.index << 8) | (slot >> 8).astype(jnp.int32))
        further = lookup(tables.block, ((entry >> 16 << 8) | (slot & 0xFF)).astype(jnp.int32))
        position = (entry & _MASK).astype(jnp.int32) + further.astype(jnp.int32)
        return position, self.interval(tables, position)


class Mixed(NamedTuple):
    """A mixture of tables for each symbol.

    With C_k(v) the cumulative count below the value v in table k, M(v) = floor(sum of weight_k
    C_k(v) / 2^15), and F(p) = floor((M(minimum + p) - M(minimum)) (2^16 - 1 - size) / 2^16) + p,
    position p has the slots from F(p) up to F(p + 1), at least one of them, and the escape those
    from F(size) on.

    Attributes:
      numbers: int32 (..., 3 + 4 K): minimum, 2^16 - 1 - size, M(minimum), and for each component
        its weight, the place of position 0 among the intervals of all tables, were its table that
        long, and where its intervals begin and end.

    All numbers are in one array, and nothing in the loops depends on them alone, because XLA makes
    a single kernel of a loop on the CPU only if a turn touches little memory, values that are
    carried into an inner loop among it.
    """

    numbers: jax.Array

    def window(self, tables: LaneTables) -> tuple[jax.Array, jax.Array]:
        """See above."""
        del tables
        return self.numbers[..., 0], _MASK - self.numbers[..., 1]

    def interval(self, tables: LaneTables, position: jax.Array) -> jax.Array:
        """See above."""
        start, end = (self._cumulative(tables, at) for at in (position, position + 1))
        count = jnp.where(self._inside(position), end, 1 << PRECISION) - start
        return (count << PRECISION | start).astype(jnp.uint32)

    def find(self, tables: LaneTables, slot: jax.Array) -> tuple[jax.Array, jax.Array]:
        """See above; a binary search."""
        slot = slot.astype(jnp.int32)

        def halve(carry):
            low, reach = carry
            middle = low + reach
            below = self._inside(middle - 1) & (self._cumulative(tables, middle) <= slot)
            return jnp.where(below, middle, low), reach >> 1

        # From the largest power of two within the size on. One carried value that depends on the
        # cumulative count, for XLA computes it anew for each.
        size = self.window(tables)[1]
        reach = lax.shift_right_logical(jnp.full_like(size, -(1 << 31)), lax.clz(size))
        position, _ = lax.while_loop(
            lambda carry: jnp.any(carry[1] > 0), halve, (jnp.zeros_like(reach), reach)
        )
        return position, self.interval(tables, position)

    def _inside(self, position):
        return position + self.numbers[..., 1] < _MASK

    def _cumulative(self, tables, position):
        """F of positions, int32."""
        scale, base = self.numbers[..., 1], self.numbers[..., 2]
        product = (_mixed(tables, self.numbers[..., 3:], position) - base) * scale
        # The product has 32 bits, no sign.
        return (product.astype(jnp.uint32) >> PRECISION).astype(jnp.int32) + position


def distribution(tables: LaneTables, indices: Array | Mixture) -> OneTable | Mixed:
    """What symbols are coded under, from the table of each or from mixtures."""
    under: Any = jax.tree.map(lambda array: array.astype(jnp.int32), indices)
    return _mix(tables, under.components) if isinstance(under, Mixture) else OneTable(under)


def _mix(tables: LaneTables, components: Sequence[Component]) -> Mixed:
    """The window and the mixed counts.

    The window is that of the heaviest component, and of each other one whose weight is worth the
    values it adds.
    """
    spans = []
    for table, offset, weight in components:
        first = lookup(tables.minimum, table) + offset
        spans.append((first, first + lookup(tables.size, table), weight))
    low, high, most = spans[0]
    for first, last, weight in spans[1:]:
        heavier = weight > most
        low, high = jnp.where(heavier, first, low), jnp.where(heavier, last, high)
        most = jnp.maximum(most, weight)
    for first, last, weight in spans:
        wide_low, wide_high = jnp.minimum(low, first), jnp.maximum(high, last)
        worth = (wide_high - wide_low) - (high - low) <= jnp.minimum(weight << _WORTH, _MOST)
        low, high = jnp.where(worth, wide_low, low), jnp.where(worth, wide_high, high)
    terms = []
    for (table, _, weight), (first, last, _) in zip(components, spans, strict=True):
        start = lookup(tables.start, table)
        terms += [weight, start + low - first, start, start + last - first]
    terms = jnp.stack(terms, axis=-1)
    base = _mixed(tables, terms, jnp.zeros_like(low))
    return Mixed(
        jnp.concatenate([jnp.stack([low, _MASK - (high - low), base], axis=-1), terms], axis=-1)
    )


def _mixed(tables, terms, position):
    """M of positions, int32: weights that sum to 2^15 make sums below 2^31."""
    total = jnp.zeros_like(position)
    for k in range(0, terms.shape[-1], 4):
        weight, zero, start, end = (terms[..., k + i] for i in range(4))
        below = lookup(tables.interval, lax.clamp(start, zero + position, end)) & _MASK
        total += weight * below.astype(jnp.int32)
    return total >> WEIGHT_BITS
