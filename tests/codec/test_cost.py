"""Lengths of codes from tables alone, against the counts of the tables."""

import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import cost, streams, symbols, tiles
from jaxcodec.codec.value import at_step
from jaxcodec.entropy import passes

QUALITY = np.array([5000], np.int32)


@pytest.fixture(scope="module", params=["tiny", "factorized", "four_step", "normalised"])
def case(request, photo):
    """A codec, the analysis of 64 x 64 pixels, and their symbols."""
    codec = small_codecs.build(request.param)
    analysis = symbols.analyse(codec, photo[None, 100:164, 200:264], QUALITY, tiles.whole)
    return codec, analysis, symbols.rounded(codec, analysis, tiles.whole)


def test_bits_are_those_of_the_counts_of_the_tables(case):
    codec, analysis, coded = case
    bits = np.asarray(jax.jit(cost.latent_bits)(codec, coded.latent, analysis.side))
    part = codec.order.coded(codec.integer, coded.latent, *analysis.side)
    tables = codec.host.sets[codec.order.tables["latent"]]
    checked = 0
    values, indices = np.broadcast_arrays(part.values, part.indices)
    for value, table, found in zip(values.flat, indices.flat, bits.flat, strict=True):
        counts, place = tables.counts(table), value - tables.minimum[table]
        if 0 <= place < len(counts) - 1:  # the last stands for all outside
            assert found == pytest.approx(tables.precision - np.log2(counts[place]), abs=1e-3)
            checked += 1
    assert checked > bits.size / 2


def test_all_bits_together_are_those_of_the_lanes(case):
    codec, analysis, coded = case
    total = float(jax.jit(cost.latent_bits)(codec, coded.latent, analysis.side).sum())
    if coded.hyper is not None:
        total += float(cost.hyper_bits(codec, coded.hyper))
    stream = streams.encode(codec, coded, analysis.side, "lanes")
    written = 8 * len(stream.parts[0]) - 32 * stream.lanes  # the states at the end of each lane
    assert written == pytest.approx(total, rel=0.02, abs=64)


def test_bits_around_are_those_of_the_neighbours_under_the_same_table():
    codec = small_codecs.build("tiny")
    rng = np.random.default_rng(0)
    latent = rng.integers(-3, 4, (1, 4, 4, 6)).astype(np.int32)
    hyper = np.zeros(codec.hyper_shape((64, 64)), np.int32)
    side = codec.side(hyper, QUALITY, tiles.whole)
    around = cost.latent_bits_around(codec, latent, side)
    for change, bits in zip((-1, 0, 1), around, strict=True):
        np.testing.assert_array_equal(bits, cost.latent_bits(codec, latent + change, side))


def test_symbols_are_spared_towards_zero_where_bits_are_worth_it(case):
    codec, analysis, coded = case
    if codec.networks.pass_count > 1:
        pytest.skip("the test below is for passes")
    spared = jax.jit(cost.spared)
    nearest, bits = spared(codec, analysis, np.float32(0))
    np.testing.assert_array_equal(nearest, coded.latent)
    chosen, fewer = spared(codec, analysis, np.float32(0.5))
    moved = np.asarray(nearest - chosen)
    assert np.any(moved) and np.all((moved == 0) | (moved == np.sign(nearest)))
    assert fewer.sum() < bits.sum()
    # What is chosen has the least squared error plus worth of its bits.
    exact = np.asarray(analysis.residual / codec.step)
    losses = [
        np.square(exact - np.asarray(each)) + 0.5 * np.asarray(own)
        for each, own in ((chosen, fewer), (nearest, bits))
    ]
    assert np.all(losses[0] <= losses[1] + 1e-4)


def test_symbols_of_a_pass_are_spared_under_the_tables_that_those_before_made(photo):
    codec = at_step(small_codecs.build("four_step"), -1000)
    analysis = symbols.analyse(codec, photo[None, 100:228, 200:328], QUALITY, tiles.whole)
    spared, latent_bits = jax.jit(cost.spared), jax.jit(cost.latent_bits)
    nearest, bits = spared(codec, analysis, np.float32(0))
    expected = symbols.rounded(codec, analysis, tiles.whole).latent
    np.testing.assert_array_equal(nearest, expected)
    chosen, fewer = spared(codec, analysis, np.float32(0.3))
    for found, own in ((nearest, bits), (chosen, fewer)):
        np.testing.assert_allclose(own, latent_bits(codec, found, analysis.side), atol=1e-4)
    assert fewer.sum() < bits.sum()
    # Each is the nearest to what is left of it, or the next one towards zero where that is less.
    given = QUALITY, codec.step, *analysis.seen
    decoded = codec.networks.decoded(codec.params, chosen, *given)
    exact = np.asarray((analysis.residual - decoded) / codec.step) + chosen
    most = np.rint(exact)
    moved = most - np.asarray(chosen)
    assert np.any(moved) and np.all((moved == 0) | (moved == np.sign(most)))
    # Those of the first pass depend on no other: there the choice can be tried.
    first = np.asarray(passes.pass_of(analysis.seen[-1], exact.shape[-1]) == 0)
    ahead = latent_bits(codec, most.astype(np.int32), analysis.side)
    loss = np.square(exact - chosen) + 0.3 * fewer
    other = np.square(exact - most) + 0.3 * ahead
    assert np.all(np.asarray(loss <= other + 1e-4)[first])


def test_a_bit_is_worth_less_where_passes_follow():
    """What was found on training pictures (docs/refinement.md)."""
    assert cost.worth(small_codecs.build("tiny")) == 0.03
    assert cost.worth(small_codecs.build("four_step")) == 0.01
