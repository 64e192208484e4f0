"""Codes for symbols outside their table, by Exp-Golomb codes in the range coder's stream.

Any distance has a code.

The excess of a symbol is its signed distance from the nearest end of the table, never zero. With w
= |excess| - 1 + 2^order, the code is the number of bits of w beyond `order` (its class, in unary as
a geometric distribution), the bits of w below the leading one, and the sign. `order` suits the
table's width, so that the code fits its tails.
"""

from typing import Any

import constriction
import numpy as np

_model = constriction.stream.model  # pyright: ignore[reportAttributeAccessIssue] no stubs
_CLASSES = 34  # excesses of int32 symbols reach 2^32
# Counts out of 2^24; the ten rarest classes are more likely than geometric, at the cost of the
# first.
_CLASS = 1 << np.maximum(23 - np.arange(_CLASSES, dtype=np.int64), 0)
_CLASS[0] -= _CLASS.sum() - 2**24
_CLASS_MODEL = _model.Categorical((_CLASS - 1).astype(np.float64), perfect=False)
_CHUNK = 1 << 16
_BIT_MODEL = _model.Categorical(np.full(2, 2.0**23 - 1), perfect=False)


def order_for(width: int) -> int:
    """The order of the code for a table of `width` values, from the integer alone."""
    return (width >> 5).bit_length()


def encode(encoder: Any, excess: np.ndarray, order: int) -> None:
    """Append `excess` (n,) int64 to a constriction range encoder."""
    w = np.abs(excess) - 1 + (1 << order)
    length = np.frexp(w.astype(np.float64))[1] - 1  # floor(log2(w)), exact under 2^53
    encoder.encode((length - order).astype(np.int32), _CLASS_MODEL)
    bits = w << 1 | (excess < 0)
    position = np.arange(_CLASSES + order)
    for chunk in _chunks(len(bits)):
        digits = (bits[chunk, None] >> position) & 1
        encoder.encode(digits[position <= length[chunk, None]].astype(np.int32), _BIT_MODEL)


def decode(decoder: Any, count: int, order: int) -> np.ndarray:
    """The next `count` excesses, int64 (count,)."""
    length = decoder.decode(_CLASS_MODEL, count).astype(np.int64) + order
    position = np.arange(_CLASSES + order)
    bits = np.empty(count, np.int64)
    for chunk in _chunks(count):
        present = position <= length[chunk, None]
        digits = np.zeros(present.shape, np.int64)
        digits[present] = decoder.decode(_BIT_MODEL, int(present.sum()))
        bits[chunk] = (digits << position).sum(axis=1)
    distance = (bits >> 1) + (np.int64(1) << length) - (1 << order) + 1
    return np.where(bits & 1, -distance, distance)


def _chunks(count: int) -> list[slice]:
    """Slices that bound the memory that the bits of many excesses take."""
    return [slice(start, start + _CHUNK) for start in range(0, count, _CHUNK)]
