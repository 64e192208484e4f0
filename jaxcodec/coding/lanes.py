"""Entropy coding inside jit: interleaved rANS lanes with states of 32 bits and words of 16.

Symbols come in blocks. Symbol i of a block belongs to lane i % lanes, so that lanes run in
parallel; what one block leaves in the lanes the next one goes on with. The number of lanes is a
power of two, and the decoder has to know it.

A stream is an array of 16-bit words, in this order:
  the symbols too far from their table, if there are any: a zero, their number in two words, two
  words for each; the states of the lanes, high word first (which is never zero); the words of the
  lanes, in the order of the symbols that they are read after; a word for each symbol outside its
  table (see lane_escape), the last one first.

Everything here is a pure function for jit and vmap. Duda, "Asymmetric numeral systems" (2013);
Giesen, "Interleaved entropy coders" (2014).
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import lax

from jaxcodec.coding import lane_escape, lane_kernels
from jaxcodec.coding.lane_distributions import Mixture, distribution
from jaxcodec.coding.lane_kernels import LOW
from jaxcodec.coding.lane_tables import PRECISION, LaneTables
from jaxcodec.ops import Array

MAX_LANES = 1024
"""More are never taken."""

LANE_BITS = 24
"""What a lane costs: its state takes 32 bits and holds, on average, 8 bits of symbols."""

OVERHEAD = 0.003
"""The share of the stream that lanes may cost. Rounding in the states costs another .0013 at
most.
"""

_HEAD = 3  # words before the symbols that are too far


class Block(NamedTuple):
    """Symbols that are coded together: the first `count` of an array.

    Attributes:
      values: int32 (n,), any integers; or (rows, n), where each row is a block of its own.
      indices: the table of each symbol, any integer type, same shape; or mixtures, whose arrays
        have that shape.
      count: int32 () or (rows,), how many symbols of the array, or of each row, there are; 0 to n.
    """

    values: Array
    indices: Array | Mixture
    count: Array | int


class DecoderState(NamedTuple):
    """A decoder between two blocks.

    Attributes:
      words: uint16, the stream and anything after it.
      states: uint32 (width,), of which the first `lanes` are in use.
      lanes: int32.
      pointer, narrow, wide: int32, places of the next word of the lanes, of the escapes, of the
        symbols too far.
      wide_end: int32, the place after the last symbol too far.
    """

    words: jax.Array
    states: jax.Array
    lanes: jax.Array
    pointer: jax.Array
    narrow: jax.Array
    wide: jax.Array
    wide_end: jax.Array


def word_bound(symbols: int, width: int) -> int:
    """The most words that a stream of so many symbols has.

    This is four for a symbol that is too far from its table.
    """
    return _HEAD + 2 * width + 4 * symbols


def lane_count(bits: jax.Array | float, limit: int = MAX_LANES) -> jax.Array:
    """The number of lanes, int32, for a stream of `bits`.

    It is the largest power of two up to `limit` that costs at most OVERHEAD of the stream; 1 if
    none does.
    """
    thresholds = jnp.array(
        [LANE_BITS / OVERHEAD * 2**k for k in range(1, limit.bit_length())], jnp.float32
    )
    return jnp.int32(1) << jnp.sum(bits >= thresholds, dtype=jnp.int32)


@jax.jit
def cost_bits(tables: LaneTables, blocks: Sequence[Block]) -> jax.Array:
    """Bits, float32, that the symbols of the blocks cost, without the lanes' own."""
    total = jnp.float32(0)
    for block in blocks:
        prepared = _prepare(tables, block)
        total += jnp.sum(jnp.where(prepared.valid, _bits(prepared), 0))
    return total


def symbol_bits(tables: LaneTables, values: Array, indices: Array | Mixture) -> jax.Array:
    """Bits, float32, of each symbol, shaped as `values` (at least one).

    Otherwise as `Block`.
    """
    flat, under = jax.tree.map(jnp.ravel, (values, indices))
    return _bits(_prepare(tables, Block(flat, under, flat.size))).reshape(values.shape)


@functools.partial(jax.jit, static_argnames="width")
def encode(
    tables: LaneTables, blocks: Sequence[Block], width: int, lanes: jax.Array | int
) -> tuple[jax.Array, jax.Array]:
    """The stream of the blocks.

    Args:
      tables: of all blocks.
      blocks: in the order in which they are decoded.
      width: the most lanes that this compiled function is for; static.
      lanes: a power of two, at most `width`; may be traced.

    Returns:
      words, uint16 (word_bound(symbols, width),) with zeros after the stream, and the stream's
      length in words, int32.
    """
    lanes = jnp.asarray(lanes, jnp.int32)
    prepared = [_prepare(tables, block) for block in blocks]
    states, emitted = jnp.full(width, LOW, jnp.uint32), []
    for block in reversed(prepared):
        rows = block.intervals, block.count
        states, words = lax.scan(
            lambda states, row: lane_kernels.encode(states, lanes, *row), states, rows, reverse=True
        )
        emitted.insert(0, words.reshape(-1))
    codes = [jax.tree.map(jnp.ravel, block.codes) for block in prepared]
    codes = jax.tree.map(lambda *parts: jnp.concatenate(parts), *codes)
    return _assemble(states, lanes, jnp.concatenate(emitted), codes)


class _Prepared(NamedTuple):
    """A block to encode, arrays (rows, n), neither size zero.

    Which symbols count, their intervals, uint32, and the codes of those that escape; count is
    (rows,).
    """

    valid: jax.Array
    intervals: jax.Array
    codes: lane_escape.Codes
    count: jax.Array


def _prepare(tables: LaneTables, block: Block) -> _Prepared:
    chex.assert_type(block.values, jnp.integer)
    chex.assert_equal_shape([block.values, *jax.tree.leaves(block.indices)])

    def padded(array, rank):
        array = jnp.asarray(array, jnp.int32)
        array = array.reshape((1,) * (rank - array.ndim) + array.shape)
        return jnp.pad(array, [(0, max(0, 1 - size)) for size in array.shape])

    values, indices = jax.tree.map(lambda array: padded(array, 2), (block.values, block.indices))
    count = padded(block.count, 1)
    under = distribution(tables, indices)
    minimum, size = under.window(tables)
    # Modulo 2^32 a value below the minimum lies above every size as well.
    above = (values - minimum).astype(jnp.uint32)
    position = jnp.minimum(above, size.astype(jnp.uint32)).astype(jnp.int32)
    valid = lax.broadcasted_iota(jnp.int32, values.shape, 1) < count[:, None]
    codes = lane_escape.codes(minimum, size, values, valid & (position == size))
    return _Prepared(valid, under.interval(tables, position), codes, count)


def _bits(prepared: _Prepared) -> jax.Array:
    bits = PRECISION - jnp.log2((prepared.intervals >> PRECISION).astype(jnp.float32))
    return bits + 16 * (prepared.codes.narrow > 0) + 32 * (prepared.codes.low > 0)


def _assemble(states, lanes, emitted, codes):
    """The stream from its parts, and its length."""
    width, symbols = states.size, emitted.size
    far = jnp.sum(codes.low > 0, dtype=jnp.int32)
    start = jnp.where(far > 0, _HEAD + 2 * far, 0)
    used = jnp.where(jnp.arange(width) < lanes, states, 0)
    pairs = jnp.stack([used >> 16, used & 0xFFFF], axis=-1).reshape(-1).astype(jnp.uint16)
    out = jnp.zeros(word_bound(symbols, width) + 1, jnp.uint16)
    out = out.at[1:3].set(jnp.stack([far, far >> 16]).astype(jnp.uint16))
    out = lax.dynamic_update_slice(out, pairs, (start,))
    end, out = lane_kernels.place(out, start + 2 * lanes, jnp.int32(1), emitted)
    escapes = jnp.sum(codes.narrow > 0, dtype=jnp.int32)
    length = end + escapes

    def with_escapes(out):
        out = lane_kernels.place(out, length - 1, jnp.int32(-1), codes.narrow)[1]
        out = lane_kernels.place(out, jnp.int32(_HEAD), jnp.int32(2), codes.low)[1]
        return lane_kernels.place(out, jnp.int32(_HEAD + 1), jnp.int32(2), codes.high)[1]

    out = lax.cond(escapes > 0, with_escapes, lambda out: out, out)
    return out[:-1], length


@functools.partial(jax.jit, static_argnames="width")
def start(
    words: Array, length: jax.Array | int, width: int, lanes: jax.Array | int
) -> DecoderState:
    """A decoder at the start of a stream.

    Args:
      words: uint16 (n,), the stream, then anything.
      length: of the stream, in words.
      width: the most lanes that this compiled function is for; static.
      lanes: those the stream was encoded with; may be traced.
    """
    lanes, length = jnp.asarray(lanes, jnp.int32), jnp.asarray(length, jnp.int32)
    words = jnp.pad(words, (0, max(0, _HEAD - words.size)))
    head = words[:_HEAD].astype(jnp.int32)
    far = jnp.clip(head[1] | head[2] << 16, 0, words.size // 2)
    wide_end = jnp.where(head[0] == 0, _HEAD + 2 * far, _HEAD)
    first = jnp.where(head[0] == 0, wide_end, 0)
    pairs = (
        words.at[first + jnp.arange(2 * width, dtype=jnp.int32)].get(mode="clip").astype(jnp.uint32)
    )
    return DecoderState(
        words=words,
        states=jnp.where(jnp.arange(width) < lanes, pairs[0::2] << 16 | pairs[1::2], LOW),
        lanes=lanes,
        pointer=jnp.minimum(first + 2 * lanes, words.size),
        narrow=length - 1,
        wide=jnp.int32(_HEAD),
        wide_end=wide_end,
    )


@jax.jit
def decode_block(
    tables: LaneTables, state: DecoderState, indices: Array | Mixture, count: Array | int
) -> tuple[jax.Array, DecoderState]:
    """The next block: its symbols, int32 (n,), zero from `count` on, and the decoder after it.

    Args:
      tables: as for `encode`.
      state: from `start` or the block before.
      indices: the table of each symbol, any integer type, (n,); or mixtures, whose arrays have that
        shape.
      count: how many symbols there are; 0 to n.

    Foreign or damaged words give arbitrary symbols; `finish` detects most of them.
    """
    under, count = distribution(tables, indices), jnp.asarray(count, jnp.int32)
    minimum, size = under.window(tables)
    if size.size == 0:
        return size, state
    pointer, states, position = lane_kernels.decode(
        tables, state.words, state.pointer, state.states, state.lanes, under, count
    )
    position = position.astype(jnp.int32)
    valid = jnp.arange(size.size, dtype=jnp.int32) < count
    values = jnp.where(valid, minimum + position, 0)
    escaped = valid & (position == size)

    def with_escapes(values):
        found, narrow, wide = lane_escape.decode(
            state.words, state.narrow, state.wide, minimum, size, escaped
        )
        return jnp.where(escaped, found, values), narrow, wide

    values, narrow, wide = lax.cond(
        jnp.any(escaped), with_escapes, lambda values: (values, state.narrow, state.wide), values
    )
    return values, state._replace(states=states, pointer=pointer, narrow=narrow, wide=wide)


@jax.jit
def finish(state: DecoderState) -> jax.Array:
    """Whether the decoder, after the last block, is where the encoder began.

    Every word is read, every lane idle.
    """
    in_use = jnp.arange(state.states.size) < state.lanes
    idle = jnp.all(~in_use | (state.states == LOW))
    return idle & (state.pointer == state.narrow + 1) & (state.wide == state.wide_end)
