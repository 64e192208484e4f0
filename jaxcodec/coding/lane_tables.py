"""Probability tables for lookup by the lanes coder.

They are arrays on a device, with no search at run time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding.tables import Tables
from jaxcodec.ops import Array

PRECISION = 16
"""Bits of the counts; tables of fewer are scaled up."""

_SPLIT = 8  # bits of a slot that the second level of the lookup takes
_BUCKETS = 1 << (PRECISION - _SPLIT)
_BUCKET = 1 << _SPLIT


class LaneTables(NamedTuple):
    """A set of T tables with S intervals (values and escapes) in all.

    A slot, 16 bits, falls into one of 256 buckets of its table; a bucket knows its first symbol,
    and how many symbols each of its 256 slots lies further.

    Attributes:
      bucket: uint32 (T * 256,), block << 16 | first symbol of the bucket, counted within the table.
      block: uint8 (blocks * 256,), symbols to go on from the first one; equal blocks are stored
        once. This and the next one are filled up to a power of two.
      interval: uint32 (S,), count << 16 | cumulative count below.
      start: int32 (T,), the first interval of each table.
      size: int32 (T,), the number of values of each table, which is also the place of its escape.
      minimum: int32 (T,), the value of the first interval of each table.
    """

    bucket: Array
    block: Array
    interval: Array
    start: Array
    size: Array
    minimum: Array


def lane_tables(*sets: Tables) -> LaneTables:
    """One set of tables from several.

    Indices into a later one are shifted by the number of tables before it.

    Returns NumPy arrays, which `jax.device_put` or a first use moves to a device.

    Raises:
      ValueError: tables of more than 16 bits, or more distinct buckets than 2^16.
    """
    if any(tables.precision > PRECISION for tables in sets):
        raise ValueError(f"the lanes coder takes tables of at most {PRECISION} bits")
    buckets, blocks = [], {bytes(_BUCKET): 0}
    for tables in sets:
        for t in range(len(tables)):
            counts = _counts(tables, t)
            symbol = np.repeat(np.arange(len(counts)), counts).reshape(_BUCKETS, _BUCKET)
            first = symbol[:, 0]
            steps = (symbol - first[:, None]).astype(np.uint8)
            number = [blocks.setdefault(row.tobytes(), len(blocks)) for row in steps]
            buckets.append(np.array(number) << PRECISION | first)
    if len(blocks) > 1 << PRECISION:
        raise ValueError(
            f"these tables have {len(blocks)} distinct buckets; the lanes coder takes "
            f"{1 << PRECISION}"
        )
    return LaneTables(
        bucket=np.concatenate(buckets).astype(np.uint32),
        block=_padded(np.frombuffer(b"".join(blocks), np.uint8)),
        **_intervals(sets),
    )


def for_encoding(own: LaneTables, *sets: Tables) -> LaneTables:
    """`lane_tables(*sets)` for encoding alone; many times faster.

    What only a decoder needs is that of `own`.
    """
    return own._replace(**_intervals(sets))


def _intervals(sets: Sequence[Tables]) -> dict[str, np.ndarray]:
    """The arrays that an encoder needs."""
    intervals = []
    for tables in sets:
        for t in range(len(tables)):
            counts = _counts(tables, t)
            intervals.append(counts << PRECISION | np.cumsum(counts, dtype=np.uint32) - counts)
    sizes = np.array([len(interval) - 1 for interval in intervals], np.int32)
    return {
        "interval": _padded(np.concatenate(intervals)),
        "start": (np.cumsum(sizes + 1) - (sizes + 1)).astype(np.int32),
        "size": sizes,
        "minimum": np.concatenate([tables.minimum for tables in sets]),
    }


def _counts(tables: Tables, table: int) -> np.ndarray:
    return tables.counts(table).astype(np.uint32) << (PRECISION - tables.precision)


def _padded(array: np.ndarray) -> np.ndarray:
    """Filled up to a power of two, so that tables of about one size share compiled functions."""
    return np.pad(
        array, (0, (1 << (len(array) - 1).bit_length()) - len(array)), constant_values=array[-1]
    )


def lookup(table: Array, index: Array) -> jax.Array:
    """`table[index]` for indices that are in bounds by construction."""
    return jnp.asarray(table).at[index].get(mode="promise_in_bounds")
