"""The lanes coder for callers outside jit.

Streams are bytes, and a coder has one set of tables.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding import lanes
from jaxcodec.coding.lane_tables import lane_tables
from jaxcodec.coding.lanes import Block
from jaxcodec.coding.tables import Tables
from jaxcodec.errors import BitstreamError
from jaxcodec.ops import Array

_DAMAGED = (
    "the symbols in this file are damaged or of another codec; fetch the file again, or encode "
    "the picture anew"
)


def stream_bytes(words: Array, length: Array | int) -> bytes:
    """The first `length` words, uint16, in little-endian order."""
    return np.asarray(words)[: int(length)].astype("<u2").tobytes()


def stream_words(data: bytes) -> tuple[np.ndarray, int]:
    """The words of a stream, uint16, padded with zeros, and their number.

    Raises BitstreamError for half a word.

    The array's size is one of four for each power of two, so that not every file compiles a decoder
    of its own.
    """
    if len(data) % 2:
        raise BitstreamError(_DAMAGED)
    length = len(data) // 2
    step = 1 << max(length.bit_length() - 3, 8)
    words = np.zeros(-(-max(length, 1) // step) * step, np.uint16)
    words[:length] = np.frombuffer(data, "<u2")
    return words, length


class LaneCoder:
    """rANS in as many lanes as suit the symbols (`SymbolCoder`).

    The first byte is the logarithm of the number of lanes.
    """

    def __init__(self, tables: Tables):
        self.tables = tables
        self._lane_tables = jax.device_put(lane_tables(tables))

    def encode(self, symbols: np.ndarray, indices: np.ndarray) -> bytes:
        """Bytes for int32 `symbols`, any values, with the tables `indices`."""
        flat = (
            jnp.asarray(symbols.reshape(-1), jnp.int32),
            jnp.asarray(indices.reshape(-1), jnp.int32),
        )
        blocks = [Block(*flat, symbols.size)]
        count = int(lanes.lane_count(lanes.cost_bits(self._lane_tables, blocks)))
        words, length = lanes.encode(self._lane_tables, blocks, count, count)
        return bytes([count.bit_length() - 1]) + stream_bytes(words, length)

    def decode(self, data: bytes, indices: np.ndarray) -> np.ndarray:
        """int32 symbols shaped as `indices`.

        Raises BitstreamError where `data` cannot come from `encode`.
        """
        if not data or 1 << data[0] > lanes.MAX_LANES:
            raise BitstreamError(_DAMAGED)
        words, length = stream_words(data[1:])
        state = lanes.start(words, length, 1 << data[0], 1 << data[0])
        flat = jnp.asarray(indices.reshape(-1), jnp.int32)
        symbols, state = lanes.decode_block(self._lane_tables, state, flat, flat.size)
        if not lanes.finish(state):
            raise BitstreamError(_DAMAGED)
        return np.asarray(symbols).reshape(indices.shape)
