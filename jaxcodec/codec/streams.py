"""Between symbols and the parts of a file, with the entropy coder that was chosen.

A coder of the host writes each part of the symbols for itself. The lanes of `coding.lanes` make one
stream of all of them, written and read inside `jit`.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import tiles
from jaxcodec.codec.value import Codec, require
from jaxcodec.coding import coders, lanes
from jaxcodec.coding.lane_coder import stream_bytes, stream_words
from jaxcodec.coding.lane_distributions import shifted
from jaxcodec.entropy.order import Decoding, Loop, Part, Run, Symbols
from jaxcodec.errors import BitstreamError, CoderError
from jaxcodec.ops import Array

_SYMBOLS_A_LANE = 1024
"""There is at most one lane for so many symbols of the latent."""


class Stream(NamedTuple):
    """The coded symbols of a picture: the coder, the number of lanes, and the parts in order."""

    coder: str
    lanes: int
    parts: tuple[bytes, ...]


def choose(codec: Codec, coder: str | None) -> str:
    """The entropy coder to encode with: the requested one, or the fastest here.

    Raises CoderError for one that cannot, CodecError where `codec` is none.
    """
    require(codec)
    if not codec.order.sequential:
        coder = coder or coders.default(jax.default_backend())
        coders.require(coder)
        return coder
    if coder not in (None, "lanes"):
        raise CoderError(
            f"the codec {codec.name} has an autoregressive context or mixtures, which the coder "
            f"{coder!r} cannot follow; "
            "use 'lanes', or leave the coder out"
        )
    return "lanes"


def lane_limit(codec: Codec, size: tuple[int, int]) -> int:
    """The most lanes for padded pixels of `size` (H, W), a power of two."""
    symbols = math.prod(codec.latent_shape(size))
    return min(1 << (max(symbols // _SYMBOLS_A_LANE, 1).bit_length() - 1), lanes.MAX_LANES)


def part_count(codec: Codec, coder: str) -> int:
    """How many parts a coder writes symbols into."""
    return 1 if coder == "lanes" else len(codec.order.tables)


def encode(codec: Codec, symbols: Symbols, side: tuple, coder: str) -> Stream:
    """The stream of the symbols of a picture; `side` is that of its analysis."""
    parts = codec.order.parts(codec.integer, symbols, side, tiles.run)
    if coder != "lanes":
        coded = (
            codec.coder(coder, name).encode(np.asarray(part.values), np.asarray(part.indices))
            for name, part in parts.items()
        )
        return Stream(coder, 1, tuple(coded))
    blocks = to_blocks(codec, parts)
    stride = codec.geometry.latent_stride
    _, height, width, _ = symbols.latent.shape
    limit = lane_limit(codec, (stride * height, stride * width))
    count = int(lanes.lane_count(lanes.cost_bits(codec.lane_tables, blocks), limit))
    words, length = lanes.encode(codec.lane_tables, blocks, count, count)
    return Stream(coder, count, (stream_bytes(words, length),))


def decode(codec: Codec, stream: Stream, size: tuple[int, int], quality: Array) -> Symbols:
    """The symbols of padded pixels of `size` (H, W).

    Raises:
      BitstreamError: the parts hold no symbols of that size.
      CoderError: the coder is not installed, or cannot have written a file of this codec.
    """
    if stream.coder == "lanes":
        return _decode_lanes(codec, stream, size, quality)
    choose(codec, stream.coder)
    decoding = _decoding(codec, size, quality, tiles.run)
    parts = dict(zip(codec.order.tables, stream.parts, strict=True))
    return _answer(
        decoding,
        lambda request: codec.coder(stream.coder, request.name).decode(
            parts[request.name], np.asarray(request.indices)
        ),
    )


def _decoding(codec: Codec, size: tuple[int, int], quality, run: Run) -> Decoding:
    shapes = codec.hyper_shape(size), codec.latent_shape(size)
    return codec.order.decode(codec.integer, *shapes, quality, run)


def _answer(decoding: Decoding, values_of) -> Symbols:
    """Sends a decoding the values that it asks for, until it returns the symbols."""
    try:
        request = next(decoding)
        while True:
            request = decoding.send(values_of(request))
    except StopIteration as end:
        return end.value


def to_blocks(codec: Codec, parts: Mapping[str, Part]) -> list[lanes.Block]:
    """The parts as blocks of the lanes coder, with the tables of all sets in one."""
    blocks = []
    for name, part in parts.items():
        values, indices, counts = part
        if counts is None:
            values, indices = jax.tree.map(lambda array: array.reshape(-1), (values, indices))
            counts = values.size
        blocks.append(lanes.Block(values, shifted(indices, codec.first_table(name)), counts))
    return blocks


def decode_words(
    codec: Codec,
    words: Array,
    length: jax.Array | int,
    count: jax.Array | int,
    width: int,
    size: tuple[int, int],
    quality: Array,
) -> tuple[Symbols, Any]:
    """The symbols in a stream of `count` lanes, and whether the stream ends properly.

    It ends properly if it ends as an encoder ends one. For use inside `jit`.

    words: uint16 (n,), of which `length` count. count: lanes, at most the static `width`; may be
      traced.
    """
    decoding = _decoding(codec, size, quality, tiles.whole)
    state = lanes.start(words, length, width, count)
    values = None
    try:
        while True:
            request = decoding.send(values)
            step = _loop if isinstance(request, Loop) else _block
            values, state = step(codec, request, state)
    except StopIteration as end:
        return end.value, lanes.finish(state)


def _block(codec, request, state):
    shape = jax.tree.leaves(request.indices)[0].shape
    indices = jax.tree.map(jnp.ravel, shifted(request.indices, codec.first_table(request.name)))
    values, state = lanes.decode_block(codec.lane_tables, state, indices, math.prod(shape))
    return values.reshape(shape), state


def _loop(codec, loop, state):
    def step(carried, row):
        carry, state = carried
        indices, count, kept = loop.request(carry, row)
        indices = shifted(indices, codec.first_table(loop.name))
        values, state = lanes.decode_block(codec.lane_tables, state, indices, count)
        carry, out = loop.receive(carry, row, kept, values)
        return (carry, state), out

    (_, state), out = jax.lax.scan(step, (loop.start, state), loop.rows)
    return out, state


_decode_words = jax.jit(decode_words, static_argnames=("count", "width", "size"))


def _decode_lanes(codec, stream, size, quality):
    if stream.lanes > lanes.MAX_LANES:
        raise BitstreamError(
            f"this file claims {stream.lanes} lanes, more than the {lanes.MAX_LANES} that there "
            "can be; "
            "encode the picture anew"
        )
    words, length = stream_words(stream.parts[0])
    symbols, ended = _decode_words(codec, words, length, stream.lanes, stream.lanes, size, quality)
    if not ended:
        raise BitstreamError(
            "the symbols in this file do not end where they should: it is damaged; fetch it again"
        )
    return symbols
