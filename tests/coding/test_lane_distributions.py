"""Mixtures of tables: their counts, what they cost, and streams of them."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import rans
from scipy.special import ndtr

from jaxcodec.coding import lanes
from jaxcodec.coding.lane_distributions import Component, Mixture, OneTable, distribution, shifted
from jaxcodec.coding.lane_tables import lane_tables
from jaxcodec.coding.lanes import Block
from jaxcodec.coding.make_tables import gaussian_tables, phase_tables

SCALES = np.geomspace(0.11, 256, 24)
SET = gaussian_tables(SCALES)
TABLES = lane_tables(SET)
REFERENCE = rans.Decoder([1, 0], 1, [SET]).tables
SIZE = 40


def mixture(*components) -> Mixture:
    """From (tables, offsets, weights) of each component."""
    return Mixture(
        tuple(
            Component(*(np.atleast_1d(array).astype(np.int32) for array in part))
            for part in components
        )
    )


def random_mixture(
    rng: np.random.Generator, size: int, components: int = 3
) -> tuple[np.ndarray, Mixture]:
    """Values of random mixtures, and those."""
    weights = np.floor(rng.dirichlet(np.full(components, 0.5), size) * 2**15).astype(np.int64)
    weights[np.arange(size), weights.argmax(axis=1)] += 2**15 - weights.sum(axis=1)
    tables = rng.integers(0, len(SCALES), (components, size))
    offsets = np.round(rng.normal(0, 3 * SCALES[tables])).astype(int)
    chosen = (
        (rng.integers(0, 2**15, size) >= np.cumsum(weights, axis=1).T).sum(axis=0),
        np.arange(size),
    )
    values = np.round(offsets[chosen] + rng.normal(0, SCALES[tables[chosen]])).astype(np.int32)
    return values, mixture(*zip(tables, offsets, weights.T, strict=True))


def listed(mixture: Mixture) -> list:
    """As the reference takes them."""
    parts = np.stack([np.stack(part, axis=-1) for part in mixture.components], axis=1)
    return [[tuple(part) for part in parts] for parts in parts.tolist()]


def test_counts_are_those_of_the_reference_and_every_slot_is_found():
    _, mixtures = random_mixture(np.random.default_rng(0), 12)
    slots = np.arange(2**16, dtype=np.uint32)
    find = jax.jit(lambda under: under.find(TABLES, slots))
    for i, components in enumerate(listed(mixtures)):
        cdf, minimum = rans.mixed(REFERENCE, components)
        assert (np.diff(cdf) > 0).all() and (cdf[0], cdf[-1]) == (0, 2**16)
        under = jax.tree.map(lambda array: np.repeat(array[i], 2**16), mixtures)  # noqa: B023
        under = distribution(TABLES, under)
        assert [int(end[0]) for end in under.window(TABLES)] == [minimum, len(cdf) - 2]
        position, interval = find(under)
        expected = np.searchsorted(cdf, slots, side="right") - 1
        assert np.array_equal(position, expected)
        assert np.array_equal(
            interval, (np.diff(cdf)[expected] << 16 | cdf[expected]).astype(np.uint32)
        )
        assert np.array_equal(interval, under.interval(TABLES, position))


def test_a_mixture_of_one_has_nearly_the_counts_of_its_table():
    for table in range(len(SCALES)):
        cdf, minimum = rans.mixed(REFERENCE, [(table, 5, 2**15)])
        assert minimum == REFERENCE[table][1] + 5
        assert np.abs(cdf - REFERENCE[table][0]).max() <= len(cdf)


@pytest.mark.parametrize(
    ("offset", "weight", "holds_both"),
    [
        (1000, 2**14, True),
        (1000, 64, True),
        (1000, 62, False),
        (1000, 0, False),
        (5000, 2**14, False),
        (0, 0, True),
    ],
)
def test_a_window_holds_what_a_components_weight_is_worth(offset, weight, holds_both):
    under = distribution(TABLES, mixture((0, 0, 2**15 - weight), (0, offset, weight)))
    minimum, size = (int(end[0]) for end in under.window(TABLES))
    alone = int(TABLES.size[0])
    assert minimum == TABLES.minimum[0]
    assert size == (alone + offset if holds_both else alone)


@pytest.mark.parametrize("components", [2, 3, 5])
def test_streams_round_trip_and_the_reference_reads_them(components):
    values, mixtures = random_mixture(np.random.default_rng(components), SIZE, components)
    values[[3, 17, 18]] = 10**6, -(2**31), 2**31 - 1
    assert_round_trip(values, mixtures, SIZE)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, SIZE), st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 8]), st.integers(0, 31)
)
def test_any_int32_round_trips(count, seed, lane_count, shift):
    rng = np.random.default_rng(seed)
    _, mixtures = random_mixture(rng, SIZE)
    values = (rng.integers(-(2**31), 2**31, SIZE) >> shift).astype(np.int32)
    assert_round_trip(values, mixtures, count, lane_count)


def assert_round_trip(values, mixtures, count, lane_count=4):
    tables = np.zeros(SIZE, np.int32)
    blocks = [Block(np.zeros(SIZE, np.int32), tables, SIZE), Block(values, mixtures, count)]
    words, length = lanes.encode(TABLES, blocks, 8, lane_count)
    state = lanes.start(words, length, 8, lane_count)
    for block in blocks:
        found, state = lanes.decode_block(TABLES, state, block.indices, block.count)
        assert np.array_equal(found, np.where(np.arange(SIZE) < block.count, block.values, 0))
    assert lanes.finish(state)
    reference = rans.Decoder(np.asarray(words)[:length], lane_count, [SET])
    assert not reference.block(tables).any()
    assert np.array_equal(reference.block(listed(mixtures)[:count]), values[:count])
    assert reference.finished


def test_rows_are_blocks_and_vmap_equals_one_by_one():
    values, mixtures = random_mixture(np.random.default_rng(0), 4 * SIZE)
    rows = jax.tree.map(lambda array: array.reshape(4, SIZE), (values, mixtures))
    counts = np.array([SIZE, 0, 7, 33], np.int32)
    together = lanes.encode(TABLES, [Block(*rows, counts)], 8, 4)
    apart = lanes.encode(
        TABLES, [Block(*jax.tree.map(lambda a, i=i: a[i], rows), counts[i]) for i in range(4)], 8, 4
    )
    assert all(np.array_equal(*pair) for pair in zip(together, apart, strict=True))

    def there_and_back(values, mixtures, count):
        words, length = lanes.encode(TABLES, [Block(values, mixtures, count)], 8, 4)
        found, state = lanes.decode_block(TABLES, lanes.start(words, length, 8, 4), mixtures, count)
        return words, found, lanes.finish(state)

    mapped = jax.vmap(there_and_back)(*rows, counts)
    assert mapped[2].all()
    for i in range(4):
        alone = there_and_back(*jax.tree.map(lambda a, i=i: a[i], rows), counts[i])
        assert all(np.array_equal(one, other[i]) for one, other in zip(alone, mapped, strict=True))


def test_mixtures_cost_within_a_thousandth_of_what_floats_would():
    phases = phase_tables(SCALES)
    rng = np.random.default_rng(0)
    size = 20_000
    level = rng.integers(0, 20, (3, size))
    mean = rng.normal(0, SCALES[level])
    weight = rng.dirichlet(np.ones(3), size).T
    chosen = (rng.random(size) > np.cumsum(weight, axis=0)).sum(axis=0), np.arange(size)
    values = np.round(rng.normal(mean[chosen], SCALES[level[chosen]])).astype(np.int32)
    mass = ndtr((values + 0.5 - mean) / SCALES[level]) - ndtr((values - 0.5 - mean) / SCALES[level])
    ideal = -np.log2((weight * mass).sum(axis=0)).sum()

    bits = phases.bits[level]
    position = np.round(mean * 2.0**bits).astype(int)
    table, offset = phases.first[level] + position % (1 << bits), position >> bits
    integer = np.floor(weight * 2**15).astype(int)
    integer[integer.argmax(axis=0), np.arange(size)] += 2**15 - integer.sum(axis=0)
    block = Block(values, mixture(*zip(table, offset, integer, strict=True)), size)
    cost = float(lanes.cost_bits(lane_tables(phases.tables), [block]))
    assert abs(cost / ideal - 1) < 1e-3


def test_shifted_tables_are_behind_others():
    both = lane_tables(gaussian_tables([7.0, 8.0]), SET)
    _, mixtures = random_mixture(np.random.default_rng(0), SIZE)
    position = np.zeros(SIZE, np.int32)
    for indices in (mixtures, np.arange(SIZE) % len(SCALES)):
        alone, behind = distribution(TABLES, indices), distribution(both, shifted(indices, 2))
        assert np.array_equal(alone.interval(TABLES, position), behind.interval(both, position))
    assert isinstance(behind, OneTable)
