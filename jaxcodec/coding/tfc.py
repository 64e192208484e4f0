"""The entropy coder of tensorflow-compression-ops.

This optional package needs an environment of its own.

The package has escapes of its own, but its decoder can run forever on damaged ones. Here a symbol
outside its table is coded as the table's escape, and after all symbols follow the excesses, signed
distances from the nearest end of the table, in bytes of seven bits each, the low ones first: one
byte of every excess, then the next of those that go on.
"""

import os

import numpy as np

from jaxcodec.coding.tables import Tables
from jaxcodec.errors import BitstreamError, CoderError

MAX_PRECISION = 16
"""Bits of the finest tables that the package takes."""

_EXCESS_BYTES = 5  # a sign and 32 bits
_BYTE_TABLE = np.arange(-1, 257, dtype=np.int32)
_BYTE_TABLE[0] = 8  # every table follows its precision
_DAMAGED = (
    "the symbols in this file are damaged or of another codec; fetch the file again, or encode "
    "the picture anew"
)


class TfcCoder:
    """Range coder with tables by index (`SymbolCoder`).

    Raises:
      CoderError: tables finer than 16 bits.
    """

    def __init__(self, tables: Tables):
        if tables.precision > MAX_PRECISION:
            raise CoderError(
                f"the entropy coder 'tfc' takes tables of at most {MAX_PRECISION} bits and this "
                "codec has "
                f"{tables.precision}; take another coder"
            )
        self.tables = tables
        # TensorFlow, when imported, reports on standard error which GPU libraries it does not find;
        # JAX sets level 1.
        if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "1") == "1":
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import tensorflow_compression_ops  # pyright: ignore[reportMissingImports] the extra tfc

        self._ops = tensorflow_compression_ops
        self._lookup = np.append(
            np.insert(tables.cdf, tables.starts[:-1], tables.precision), _BYTE_TABLE
        )
        self._low = tables.minimum.astype(np.int64)
        self._width = np.diff(tables.starts).astype(np.int64) - 2

    def encode(self, symbols: np.ndarray, indices: np.ndarray) -> bytes:
        """Bytes for int32 `symbols`, any values, each with the table that `indices` names."""
        table = indices.reshape(-1).astype(np.int32)
        above, width = symbols.reshape(-1) - self._low[table], self._width[table]
        inside = (above >= 0) & (above < width)
        handle = self._ops.create_range_encoder([], self._lookup)
        position = np.where(inside, above, width).astype(np.int32)
        handle = self._ops.entropy_encode_index(handle, table, position)
        outside, width = above[~inside], width[~inside]
        remainder = np.where(outside < 0, 2 * (-outside - 1) + 1, 2 * (outside - width))
        while remainder.size:
            more = remainder > 127
            byte = (remainder & 127 | more << 7).astype(np.int32)
            handle = self._ops.entropy_encode_index(handle, self._byte_tables(remainder.size), byte)
            remainder = remainder[more] >> 7
        return self._ops.entropy_encode_finalize(handle).numpy()

    def decode(self, data: bytes, indices: np.ndarray) -> np.ndarray:
        """int32 symbols shaped as `indices`.

        Raises BitstreamError where the package sees that `data` is not its own.
        """
        from tensorflow.errors import OpError  # pyright: ignore[reportMissingImports] the extra tfc

        table = indices.reshape(-1).astype(np.int32)
        try:
            handle = self._ops.create_range_decoder(data, self._lookup)
            handle, position = self._decode(handle, table)
            escaped = np.flatnonzero(position == self._width[table])
            handle, excess = self._decode_excess(handle, escaped.size)
            sound = self._ops.entropy_decode_finalize(handle).numpy()
        except OpError as problem:
            raise BitstreamError(_DAMAGED) from problem
        low, width = self._low[table[escaped]], self._width[table[escaped]]
        symbols = self._low[table] + position
        symbols[escaped] = np.where(
            excess & 1, low - 1 - (excess >> 1), low + width + (excess >> 1)
        )
        if not sound or np.any(symbols != symbols.astype(np.int32)):
            raise BitstreamError(_DAMAGED)
        return symbols.astype(np.int32).reshape(indices.shape)

    def _decode_excess(self, handle, count: int):
        """The decoder after them, and the next `count` excesses, int64.

        An excess is twice the distance and the side.
        """
        excess, active = np.zeros(count, np.int64), np.arange(count)
        for i in range(_EXCESS_BYTES):
            handle, byte = self._decode(handle, self._byte_tables(active.size))
            excess[active] |= (byte.astype(np.int64) & 127) << 7 * i
            active = active[byte > 127]
        return handle, excess

    def _decode(self, handle, table: np.ndarray):
        handle, values = self._ops.entropy_decode_index(handle, table, table.shape, np.int32)
        return handle, values.numpy()

    def _byte_tables(self, count: int) -> np.ndarray:
        """The number of the table of bytes, `count` times."""
        return np.full(count, len(self.tables), np.int32)
