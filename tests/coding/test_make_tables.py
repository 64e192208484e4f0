import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcodec.coding.make_tables import (
    FITTED_REACH,
    PHASE_BITS,
    fitted_tables,
    gaussian_tables,
    mass_tables,
    phase_tables,
    quantise,
)


def code_length(mass: np.ndarray, counts: np.ndarray) -> float:
    """Bits per symbol under `mass` with the code of `counts`."""
    return -np.sum(mass * np.log2(counts / counts.sum()))


@given(st.lists(st.floats(1e-12, 1), min_size=2, max_size=300), st.integers(9, 20))
def test_counts_are_positive_and_sum_to_the_total(mass, precision):
    counts = quantise(np.array(mass), precision)
    assert counts.min() >= 1
    assert counts.sum() == 1 << precision


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=8).filter(lambda mass: sum(mass) > 0.1),
    st.data(),
)
def test_moving_one_count_never_shortens_the_code(mass, data):
    mass = np.array(mass) / sum(mass)
    counts = quantise(mass, 5)
    giver, taker = data.draw(st.permutations(range(len(mass))))[:2]
    if counts[giver] > 1:
        moved = counts.copy()
        moved[giver] -= 1
        moved[taker] += 1
        # Largest fractions first is within one count of the best integers.
        assert code_length(mass, counts) <= code_length(mass, moved) + 1 / 16


def test_too_many_values_for_the_precision_are_refused():
    with pytest.raises(ValueError, match="300 values"):
        quantise(np.ones(300), 8)


def test_gaussian_tables_cost_less_than_a_thousandth_bit_more_than_ideal():
    from scipy.special import ndtr

    scales = np.geomspace(0.11, 256, 64)
    tables = gaussian_tables(scales)
    assert len(tables) == 64
    for t, scale in enumerate(scales):
        counts = tables.counts(t)
        values = tables.minimum[t] + np.arange(len(counts) - 1)
        mass = ndtr((0.5 - np.abs(values)) / scale) - ndtr((-0.5 - np.abs(values)) / scale)
        inside = np.append(mass, 1 - mass.sum())
        entropy = -np.sum(inside * np.log2(np.maximum(inside, 1e-300)))
        assert code_length(inside, counts) - entropy < 1e-3
        assert 1 - mass.sum() < 4e-3  # what escapes


def test_tails_under_half_a_count_are_cut_and_go_to_the_escape():
    mass = np.array([1e-9, 0.25, 0.5, 0.25, 1e-9])
    tables = mass_tables([mass], [-7], 16)
    assert tables.minimum[0] == -6
    assert tables.counts(0).tolist()[-1] == 1
    assert len(tables.counts(0)) == 4


def test_a_mass_with_no_likely_value_still_has_a_table():
    tables = mass_tables([np.array([1e-7, 3e-7, 1e-7])], [0], 16)
    assert tables.minimum[0] == 1
    assert tables.counts(0).tolist() == [1, 65535]


def test_wide_scales_have_fewer_phases():
    phases = phase_tables([0.11, 1.0, 1.01, 3.9, 16.0, 256.0])
    assert phases.bits.tolist() == [4, 4, 4, 3, 0, 0]
    assert phases.first.tolist() == [0, 16, 32, 48, 56, 57]
    assert len(phases.tables) == 58


@pytest.mark.parametrize("scale", [0.11, 0.5, 1.7, 3.0, 40.0])
def test_the_nearest_phase_costs_next_to_nothing_more_than_the_true_mean(scale):
    from scipy.special import ndtr

    phases = phase_tables([scale])
    bits = int(phases.bits[0])
    values = np.arange(-300, 301)
    extra = []
    for mean in np.arange(-2, 2, 1 / (1 << PHASE_BITS)):
        true = ndtr((values + 0.5 - mean) / scale) - ndtr((values - 0.5 - mean) / scale)
        position = int(np.floor(mean * (1 << bits) + 0.5))
        table, offset = position & ((1 << bits) - 1), position >> bits
        counts, first = phases.tables.counts(table), phases.tables.minimum[table]
        coded = values - offset - first
        inside = (coded >= 0) & (coded < len(counts) - 1)
        assert true[~inside].sum() < 2e-4
        cost = 16 - np.log2(counts[coded[inside]])
        extra.append(np.sum(true[inside] * (cost + np.log2(np.maximum(true[inside], 1e-300)))))
    assert np.mean(extra) < 0.002


@pytest.mark.parametrize("scale", [0.2, 1.0, 6.0, 40.0])
def test_fitted_tables_cost_what_the_source_does_and_are_symmetric(scale):
    rng = np.random.default_rng(0)
    # A Laplacian, which the Gaussian of the same scale is far from.
    symbols = np.round(rng.laplace(0, scale / np.sqrt(2), 200_000)).astype(int)
    counts = np.bincount(np.abs(symbols[:100_000]), minlength=FITTED_REACH + 1)[None]
    tables = fitted_tables(counts, [scale])
    own = tables.counts(0)[:-1]
    assert len(own) == 1 - 2 * tables.minimum[0]
    np.testing.assert_allclose(own, own[::-1], rtol=0.02, atol=1.01)

    def bits(tables):
        counted, first = tables.counts(0), tables.minimum[0]
        inside = (symbols >= first) & (symbols < first + len(counted) - 1)
        place = np.where(inside, symbols - first, len(counted) - 1)[100_000:]
        return np.mean(16 - np.log2(counted[place]) + 6 * ~inside[100_000:])

    sizes = np.arange(-4000, 4001)
    tail = np.exp(-np.sqrt(2) / scale * np.maximum(np.abs(sizes) - 0.5, 0)) / 2
    mass = tail - np.exp(-np.sqrt(2) / scale * (np.abs(sizes) + 0.5)) / 2
    mass[4000] = 1 - np.exp(-np.sqrt(2) / scale / 2)
    entropy = -np.sum(mass[mass > 0] * np.log2(mass[mass > 0]))
    assert bits(tables) == pytest.approx(entropy, rel=0.012, abs=0.004)
    assert bits(tables) < bits(gaussian_tables([scale])) - 0.002


def test_what_was_hardly_seen_keeps_the_gaussian():
    counts = np.zeros((1, FITTED_REACH + 1))
    fitted, gaussian = fitted_tables(counts, [0.5]), gaussian_tables([0.5])
    np.testing.assert_allclose(fitted.counts(0), gaussian.counts(0), atol=2)
    counts[0, [0, 1]] = 8, 1  # too few to tell a width from
    few = fitted_tables(counts, [0.5]).counts(0)
    np.testing.assert_allclose(few[1:-2], gaussian.counts(0)[1:-2], rtol=0.1)


def test_where_all_were_zero_a_zero_costs_next_to_nothing_and_others_keep_the_gaussians_shares():
    counts, scale = np.zeros((1, FITTED_REACH + 1)), 3.0
    counts[0, 0] = 10**6
    fitted, gaussian = fitted_tables(counts, [scale]), gaussian_tables([scale])
    own, wide = fitted.counts(0)[:-1], gaussian.counts(0)[:-1]
    zero, centre = -fitted.minimum[0], -gaussian.minimum[0]
    assert own[zero] > 0.999 * (1 << 16)
    np.testing.assert_array_equal(own, own[::-1])
    near = slice(zero + 1, zero + 4)
    shares = own[near] / own[zero + 1 :].sum()
    expected = wide[centre + 1 : centre + 4] / wide[centre + 1 : centre + len(own) - zero].sum()
    np.testing.assert_allclose(shares, expected, atol=0.06)
    assert fitted.counts(0)[-1] >= 1
