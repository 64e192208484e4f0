"""The loops of the lanes coder, each in the two forms that suit a CPU and an accelerator.

XLA compiles a loop into a single kernel for the CPU if each turn touches less than a kilobyte. One
that takes a symbol a turn then costs some 10 ns a symbol, whatever the number of lanes: that is the
serial form. Accelerators take a step of all lanes a turn: the parallel form. Both compute the same
integers.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import sequential_vmap

from jaxcodec.coding.lane_distributions import Mixed, OneTable
from jaxcodec.coding.lane_tables import LaneTables

LOW = 1 << 16
"""The least state of a lane, and that of an idle one; states lie in [2^16, 2^32)."""

FLAG = 1 << 16
"""Marks, in arrays of uint32, the places that hold a word."""

_HALF = 16
_MASK = 0xFFFF


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One function in two forms; a call picks the form when it is compiled for a device.

    Under vmap the serial form takes one example after the other, as its array updates would turn
    into slow scatters.
    """

    serial: Callable
    parallel: Callable

    def __call__(self, *arguments: Any) -> Any:
        """The result, the same from either form."""
        return lax.platform_dependent(
            *arguments, cpu=sequential_vmap(self.serial), default=self.parallel
        )


def pop(
    tables: LaneTables, states: jax.Array, under: OneTable | Mixed
) -> tuple[jax.Array, jax.Array]:
    """The position, int32, of the symbol that each state holds, and the states without them."""
    slot = states & _MASK
    position, interval = under.find(tables, slot)
    return position, (interval >> _HALF) * (states >> _HALF) + slot - (interval & _MASK)


def push(states: jax.Array, interval: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The states with symbols of these intervals added, and the words that had to make room.

    The words are low halves with FLAG.
    """
    count = interval >> _HALF
    full = states >= count << _HALF
    word = jnp.where(full, states & _MASK | FLAG, 0)
    states = jnp.where(full, states >> _HALF, states)
    quotient = states // count
    return (quotient << _HALF) + (states - quotient * count) + (interval & _MASK), word


def _get(array, index):
    return lax.dynamic_index_in_dim(array, index, keepdims=False)


def _set(array, index, value):
    return lax.dynamic_update_index_in_dim(array, value, index, 0)


def _swap(states, lane, state, following):
    """The state of the lane `following`, and `states` with `state` in `lane`.

    Reading only after writing lets XLA update the array in place; it copies one that is read
    before.
    """
    states = _set(states, lane, state)
    return _get(states, following), states


def _serial_decode(tables, words, pointer, states, lanes, under, count):
    def step(i, carry):
        pointer, state, states, found = carry
        position, state = pop(tables, state, jax.tree.map(lambda array: _get(array, i), under))
        short = state < LOW
        state = jnp.where(short, state << _HALF | _get(words, pointer).astype(jnp.uint32), state)
        pointer = jnp.minimum(pointer + short.astype(jnp.int32), words.size)
        state, states = _swap(states, i & (lanes - 1), state, (i + 1) & (lanes - 1))
        return pointer, state, states, _set(found, i, position.astype(jnp.uint16))

    carry = pointer, states[0], states, jnp.zeros(jax.tree.leaves(under)[0].shape[0], jnp.uint16)
    pointer, _, states, found = lax.fori_loop(jnp.int32(0), count, step, carry)
    return pointer, states, found


def _parallel_decode(tables, words, pointer, states, lanes, under, count):
    width, size = states.size, jax.tree.leaves(under)[0].shape[0]
    lane = jnp.arange(width, dtype=jnp.int32)
    padded = jax.tree.map(
        lambda array: jnp.pad(array, [(0, width), *[(0, 0)] * (array.ndim - 1)]), under
    )

    def step(carry):
        first, pointer, states, found = carry
        active = (lane < lanes) & (lane < count - first)
        step_under = jax.tree.map(
            lambda array: lax.dynamic_slice_in_dim(array, first, width), padded
        )
        position, left = pop(tables, states, step_under)
        short = active & (left < LOW)
        rank = jnp.cumsum(short, dtype=jnp.int32)
        word = words.at[pointer + rank - 1].get(mode="clip").astype(jnp.uint32)
        states = jnp.where(active, jnp.where(short, left << _HALF | word, left), states)
        pointer = jnp.minimum(pointer + rank[-1], words.size)
        # What lanes beyond those in use write, the next step writes over.
        found = lax.dynamic_update_slice(found, position.astype(jnp.uint16), (first,))
        return first + lanes, pointer, states, found

    carry = jnp.int32(0), pointer, states, jnp.zeros(size + width, jnp.uint16)
    _, pointer, states, found = lax.while_loop(lambda carry: carry[0] < count, step, carry)
    return pointer, states, found[:size]


decode = Kernel(_serial_decode, _parallel_decode)
"""(tables, words, pointer, states, lanes, what n symbols are coded under, count) -> pointer,
states, positions uint16 (n,), which mean nothing from `count` on.
"""


def _serial_encode(states, lanes, intervals, count):
    def step(k, carry):
        state, states, emitted = carry
        i = count - 1 - k
        state, word = push(state, _get(intervals, i))
        state, states = _swap(states, i & (lanes - 1), state, (i - 1) & (lanes - 1))
        return state, states, _set(emitted, i, word)

    carry = _get(states, (count - 1) & (lanes - 1)), states, jnp.zeros(intervals.shape, jnp.uint32)
    _, states, emitted = lax.fori_loop(jnp.int32(0), count, step, carry)
    return states, emitted


def _parallel_encode(states, lanes, intervals, count):
    width = states.size
    lane = jnp.arange(width, dtype=jnp.int32)
    padded = jnp.pad(intervals, (0, width), constant_values=1 << _HALF)

    def step(carry):
        first, states, emitted = carry
        active = (lane < lanes) & (lane < count - first)
        pushed, word = push(states, lax.dynamic_slice(padded, (first,), (width,)))
        # Lanes beyond those in use lie over the step before this one, which has written already.
        kept = lax.dynamic_slice(emitted, (first,), (width,))
        emitted = lax.dynamic_update_slice(emitted, jnp.where(active, word, kept), (first,))
        return first - lanes, jnp.where(active, pushed, states), emitted

    carry = (count - 1) // lanes * lanes, states, jnp.zeros(padded.shape, jnp.uint32)
    _, states, emitted = lax.while_loop(lambda carry: carry[0] >= 0, step, carry)
    return states, emitted[: intervals.size]


encode = Kernel(_serial_encode, _parallel_encode)
"""(states, lanes, intervals uint32 (n,), count) -> states, emitted uint32 (n,): at each symbol's
place its word with FLAG, or zero.
"""


def _serial_rank(flags):
    def step(i, carry):
        total, ranks = carry
        return total + _get(flags, i).astype(jnp.int32), _set(ranks, i, total)

    carry = jnp.int32(0), jnp.zeros(flags.shape, jnp.int32)
    return lax.fori_loop(jnp.int32(0), jnp.int32(flags.size), step, carry)


def _parallel_rank(flags):
    below = jnp.cumsum(flags, dtype=jnp.int32) - flags
    return jnp.sum(flags, dtype=jnp.int32), below


rank = Kernel(_serial_rank, _parallel_rank)
"""(flags bool (n,)) -> how many are set, and for each, int32 (n,), how many are set before it."""


def _serial_place(out, start, stride, words):
    def step(i, carry):
        pointer, out = carry
        word = _get(words, i)
        flag = (word >> _HALF).astype(jnp.int32)
        target = jnp.where(flag > 0, pointer, out.size - 1)
        return pointer + stride * flag, _set(out, target, word.astype(jnp.uint16))

    return lax.fori_loop(jnp.int32(0), jnp.int32(words.size), step, (start, out))


def _parallel_place(out, start, stride, words):
    flags = words >= FLAG
    total, below = _parallel_rank(flags)
    target = jnp.where(flags, start + stride * below, out.size - 1)
    return start + stride * total, out.at[target].set(words.astype(jnp.uint16))


place = Kernel(_serial_place, _parallel_place)
"""(out uint16, start, stride, words uint32 (n,)) -> the place after the last one, and `out` with
the low halves of the words that have FLAG set at start, start + stride, and so on. The last element
of `out` is scratch.
"""
