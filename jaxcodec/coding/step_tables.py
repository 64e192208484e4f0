"""The tables of a prior at another quantiser step, from those of the codec file, by integers alone.

A table of a prior knows the mass of each unit interval around an integer. At a step s the symbol k
stands for the interval from (k - 1/2) s to (k + 1/2) s, so the cumulative counts are wanted between
the known ones: a monotone cubic through them (Fritsch and Carlson 1980, with harmonic means for
slopes), in fixed point.
"""

import functools

import numpy as np

from jaxcodec.coding import quantiser_step
from jaxcodec.coding.tables import Tables

_BITS = 10
"""Of the fraction of a place between two known ones."""


@functools.lru_cache(maxsize=16)
def at_step(tables: Tables, step_index: int) -> Tables:
    """The tables at the step of an index of `quantiser_step`; of index 0 the same.

    Both tails end where the mass falls under a count; the escape takes what is cut off, and keeps
    what it had.
    """
    if step_index == 0:
        return tables
    multiplier, exponent = quantiser_step.ratio(step_index)
    size = np.diff(tables.starts).astype(np.int64) - 2
    first = 2 * tables.minimum.astype(np.int64) - 1  # twice where the first interval begins
    last = first + 2 * size

    # Symbols from the interval that holds the first end to the one that holds the last.
    shift = quantiser_step.RATIO_BITS - exponent
    low = _symbol_at(first, multiplier, shift)
    count = _symbol_at(last, multiplier, shift) - low + 1
    table = np.repeat(np.arange(len(size)), count + 1)
    within = np.arange(len(table)) - np.repeat(np.cumsum(count + 1) - (count + 1), count + 1)
    # Twice the place of the left end of each, in 2^-_BITS, from the first known one on.
    edge = ((2 * (low[table] + within) - 1) * multiplier << _BITS) >> shift
    below = _cumulative(tables, table, (edge - (first[table] << _BITS)) >> 1)
    mass = np.diff(below)
    return _to_tables(tables, mass[within[1:] > 0], low, count)


def _symbol_at(twice: np.ndarray, multiplier: int, shift: int) -> np.ndarray:
    """The symbol whose interval holds the place `twice` / 2: floor(place / step + 1/2)."""
    return ((twice << shift) + multiplier) // (2 * multiplier)


def _cumulative(tables: Tables, table: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Cumulative counts times 2^(3 _BITS), int64.

    They are taken at places in 2^-_BITS from the first known one of each table on.
    """
    one = 1 << _BITS
    size = np.diff(tables.starts).astype(np.int64)[table] - 2
    place = np.clip(place, 0, size << _BITS)
    bin_ = np.minimum(place >> _BITS, size - 1)
    t = place - (bin_ << _BITS)
    start = tables.starts[:-1].astype(np.int64)[table]
    cdf = tables.cdf.astype(np.int64)

    def rise(offset):
        inside = (bin_ + offset >= 0) & (bin_ + offset < size)
        at = start + np.clip(bin_ + offset, 0, size - 1)
        return np.where(inside, cdf[at + 1] - cdf[at], 0)

    before, own, after = rise(-1), rise(0), rise(1)
    left, right = _harmonic(before, own), _harmonic(own, after)
    # Hermite's cubic, its terms in units of 2^-3 _BITS.
    grown = own * t * t * (3 * one - 2 * t) + left * t * (one - t) ** 2 - right * t * t * (one - t)
    return (cdf[start + bin_] << 3 * _BITS) + grown


def _harmonic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The harmonic mean of two rises, rounded down; 0 where one is 0."""
    return 2 * a * b // np.maximum(a + b, 1)


def _to_tables(tables: Tables, mass: np.ndarray, low: np.ndarray, count: np.ndarray) -> Tables:
    """Tables from masses of `count[t]` symbols from `low[t]` on, back to back.

    Masses are in counts times 2^(3 _BITS).
    """
    total = 1 << tables.precision
    cdfs, minimum, start = [], [], 0
    for t, n in enumerate(count):
        own = mass[start : start + n]
        start += n
        likely = np.flatnonzero(own >= 1 << 3 * _BITS)
        first, stop = (
            (likely[0], likely[-1] + 1) if likely.size else (np.argmax(own), np.argmax(own) + 1)
        )
        kept = np.append(own[first:stop], 0)
        kept[-1] = (total << 3 * _BITS) - kept.sum()
        # Each gets one count, and its share of the rest, rounded down; what is left goes to the
        # largest.
        counts = 1 + ((kept >> 2 * _BITS) * (total - len(kept)) >> _BITS + tables.precision)
        counts[np.argmax(counts)] += total - counts.sum()
        cdfs.append(np.concatenate([[0], np.cumsum(counts)]))
        minimum.append(low[t] + first)
    starts = np.concatenate([[0], np.cumsum([len(cdf) for cdf in cdfs])])
    return Tables(
        np.concatenate(cdfs).astype(np.int32),
        starts.astype(np.int32),
        np.asarray(minimum, np.int32),
        tables.precision,
    )
