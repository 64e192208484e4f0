import numpy as np
import pytest

from jaxcodec.coding import lane_kernels
from jaxcodec.coding.lane_distributions import OneTable
from jaxcodec.coding.lane_tables import lane_tables
from jaxcodec.coding.make_tables import gaussian_tables, mass_tables
from jaxcodec.coding.tables import Tables

SETS = (
    gaussian_tables([0.11, 1, 40]),
    mass_tables([np.full(700, 1 / 700), [1.0]], [5, -2], precision=12),
)


def test_every_slot_of_every_table_is_found():
    tables = lane_tables(*SETS)
    assert len(tables.minimum) == 5
    slots = np.arange(2**16, dtype=np.uint32)
    sources = [(tables, t) for tables in SETS for t in range(len(tables))]
    for number, (source, t) in enumerate(sources):
        cdf = source.cdf[source.starts[t] : source.starts[t + 1]].astype(np.int64) << (
            16 - source.precision
        )
        position, states = lane_kernels.pop(
            tables, slots | 1 << 16, OneTable(np.full(2**16, number, np.int32))
        )
        expected = np.searchsorted(cdf, slots, side="right") - 1
        assert np.array_equal(position, expected)
        assert np.array_equal(states, (np.diff(cdf) - cdf[:-1])[expected] + slots)


def test_push_undoes_pop():
    tables = lane_tables(*SETS)
    states = np.random.default_rng(0).integers(2**16, 2**32, 1000, dtype=np.uint32)
    table = np.arange(1000, dtype=np.int32) % 5
    position, popped = lane_kernels.pop(tables, states, OneTable(table))
    short = popped < 2**16
    refilled = np.where(short, popped << 16 | 12345, popped)
    pushed, words = lane_kernels.push(refilled, tables.interval[tables.start[table] + position])
    assert short.any()
    assert np.array_equal(pushed, states)
    assert np.array_equal(words, np.where(short, 12345 | 1 << 16, 0))


def test_equal_blocks_are_stored_once():
    one, same = (lane_tables(*sets) for sets in ([SETS[0]], [SETS[0], SETS[0]]))
    assert len(one.block) == len(same.block)
    assert len(same.bucket) == 2 * len(one.bucket)


def test_tables_finer_than_16_bits_are_refused():
    tables = Tables(
        np.array([0, 1, 2**17], np.int32), np.array([0, 3], np.int32), np.zeros(1, np.int32), 17
    )
    with pytest.raises(ValueError, match="at most 16 bits"):
        lane_tables(tables)
