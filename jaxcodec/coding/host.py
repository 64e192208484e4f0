"""The entropy coder of the host: constriction's range coder on integer tables.

Symbols are grouped by their table, in the order of the tables and, within one, in their own order;
each group is one call. A group is followed by the codes of those of its symbols that escaped.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import constriction
import numpy as np

from jaxcodec.coding import escape
from jaxcodec.coding.tables import MAX_PRECISION, Tables
from jaxcodec.errors import BitstreamError

_stream = constriction.stream  # pyright: ignore[reportAttributeAccessIssue] no stubs

_SORTED = 1 << 24
"""Up to so many symbols are sorted by table at once, which takes eight bytes for each; more are
picked table by table.
"""


class SymbolCoder(Protocol):
    """Turns symbols into bytes under a set of tables, and back.

    Every coder of one set of tables writes the same format.
    """

    tables: Tables

    def encode(self, symbols: np.ndarray, indices: np.ndarray) -> bytes:
        """Bytes for int32 `symbols`, each coded with its table in `indices`, same shape."""
        ...

    def decode(self, data: bytes, indices: np.ndarray) -> np.ndarray:
        """The int32 symbols, shaped as `indices`, that `data` holds."""
        ...


class RangeCoder:
    """Range coder with 32-bit words (`SymbolCoder`)."""

    def __init__(self, tables: Tables):
        self.tables = tables
        self._models = [exact_model(tables.counts(t), tables.precision) for t in range(len(tables))]
        self._low = [int(low) for low in tables.minimum]
        self._width = [int(width) for width in np.diff(tables.starts) - 2]

    def encode(self, symbols: np.ndarray, indices: np.ndarray) -> bytes:
        """Bytes for int32 `symbols`, any values, with the tables `indices`."""
        encoder = _stream.queue.RangeEncoder()
        symbols = symbols.reshape(-1)
        for table, places, _ in _groups(indices, len(self.tables)):
            low, width = self._low[table], self._width[table]
            group = symbols[places]
            inside = (group >= low) & (group < low + width)
            encoder.encode(
                np.where(inside, group - np.int32(low), np.int32(width)), self._models[table]
            )
            if not inside.all():
                outside = group[~inside].astype(np.int64)
                excess = np.where(outside < low, outside - low, outside - (low + width - 1))
                escape.encode(encoder, excess, escape.order_for(width))
        # The decoder reads zeros past the end, so trailing ones need no room.
        return encoder.get_compressed().astype("<u4").tobytes().rstrip(b"\0")

    def decode(self, data: bytes, indices: np.ndarray) -> np.ndarray:
        """int32 symbols shaped as `indices`.

        Raises BitstreamError where `data` cannot come from `encode`.
        """
        words = np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
        decoder = _stream.queue.RangeDecoder(words)
        symbols = np.empty(indices.size, np.int32)
        try:
            for table, places, count in _groups(indices, len(self.tables)):
                symbols[places] = self._decode_group(decoder, table, count)
        except AssertionError as problem:  # constriction's way to say that no symbol has this code
            raise BitstreamError(_DAMAGED) from problem
        return symbols.reshape(indices.shape)

    def _decode_group(self, decoder, table: int, count: int) -> np.ndarray:
        low, width = self._low[table], self._width[table]
        position = decoder.decode(self._models[table], count)
        escaped = np.flatnonzero(position == width)
        values = position + np.int32(low)
        if escaped.size:
            excess = escape.decode(decoder, escaped.size, escape.order_for(width))
            outside = np.where(excess < 0, low, low + width - 1) + excess
            if outside.min() < -(2**31) or outside.max() >= 2**31:
                raise BitstreamError(_DAMAGED)
            values[escaped] = outside
        return values


_DAMAGED = (
    "the symbols in this file cannot be decoded with this codec on this device; encode the "
    "picture anew"
)


def exact_model(counts: np.ndarray, precision: int) -> Any:
    """A constriction model whose fixed-point probabilities are exactly `counts` / 2^precision.

    Constriction takes floats and makes integers of 24 bits of them: from weights w_i it assigns the
    symbol i the interval from i + floor(W_i * s) on, W_i the sum of the weights before and s =
    (2^24 - n) / sum(w). With w_i one less than the count in units of 2^-24, s is 1 and W_i an
    integer below 2^53: nothing is ever rounded.
    """
    weights = (counts.astype(np.int64) << (MAX_PRECISION - precision)) - 1
    return _stream.model.Categorical(weights.astype(np.float64), perfect=False)


def _groups(indices: np.ndarray, tables: int) -> Iterator[tuple[int, np.ndarray | slice, int]]:
    """(table, where its symbols stand, how many they are) of each table that has any, in order."""
    if tables == 1 and indices.size:
        yield 0, slice(None), indices.size
        return
    flat = indices.reshape(-1).astype(
        np.uint8 if tables <= 256 else np.uint16, copy=False
    )  # narrow types sort by radix
    counts = np.bincount(flat, minlength=tables) if flat.size <= _SORTED else _count(flat, tables)
    order = np.argsort(flat, kind="stable") if flat.size <= _SORTED else None
    stops = np.cumsum(counts)
    for table in np.flatnonzero(counts):
        count = int(counts[table])
        places = flat == table if order is None else order[stops[table] - count : stops[table]]
        yield int(table), places, count


def _count(flat: np.ndarray, tables: int) -> np.ndarray:
    """`np.bincount`, which makes eight bytes of every element, in pieces."""
    pieces = np.array_split(flat, max(-(-flat.size // _SORTED), 1))
    return np.sum([np.bincount(piece, minlength=tables) for piece in pieces], axis=0)
