import constriction
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxcodec.coding import escape, host
from jaxcodec.coding.host import RangeCoder, exact_model
from jaxcodec.coding.make_tables import gaussian_tables, mass_tables
from jaxcodec.coding.tables import PRECISION
from jaxcodec.errors import BitstreamError

SCALES = np.geomspace(0.11, 256, 64)
INT32 = np.iinfo(np.int32)


@pytest.fixture(scope="module")
def coder():
    return RangeCoder(gaussian_tables(SCALES))


def intervals(model, boundaries):
    """The symbols that a constriction model gives to 24-bit quantiles: an ANS coder's state shows
    it any.
    """
    ans = constriction.stream.stack.AnsCoder
    return [ans(np.array([quantile, 1 << 20], np.uint32)).decode(model) for quantile in boundaries]


@pytest.mark.parametrize("precision", [8, 12, 16, 20, 24])
@pytest.mark.parametrize("values", [2, 3, 100])
def test_the_models_hold_exactly_the_stored_counts(precision, values):
    rng = np.random.default_rng(values)
    counts = 1 + rng.multinomial((1 << precision) - values, rng.dirichlet(np.full(values, 0.1)))
    model = exact_model(counts, precision)
    ends = np.cumsum(counts) << (24 - precision)
    starts = ends - (counts << (24 - precision))
    assert intervals(model, starts) == list(range(values))
    assert intervals(model, ends - 1) == list(range(values))


def test_all_gaussian_tables_reach_constriction_unrounded(coder):
    tables = coder.tables
    for t in range(0, len(tables), 9):
        cdf = tables.cdf[tables.starts[t] : tables.starts[t + 1]].astype(np.int64) << (
            24 - PRECISION
        )
        model = exact_model(tables.counts(t), PRECISION)
        assert (
            intervals(model, cdf[:-1]) == intervals(model, cdf[1:] - 1) == list(range(len(cdf) - 1))
        )


@settings(deadline=None)
@given(hnp.arrays(np.int32, st.integers(0, 60)), st.data())
def test_any_int32_round_trips(coder, symbols, data):
    indices = data.draw(hnp.arrays(np.uint8, symbols.shape, elements=st.integers(0, 63)))
    assert np.array_equal(coder.decode(coder.encode(symbols, indices), indices), symbols)


@pytest.mark.parametrize(
    "value", [INT32.min, INT32.min + 1, -(2**24), -1, 0, 1, 2**24 + 1, INT32.max - 1, INT32.max]
)
def test_extremes_round_trip_in_every_table(coder, value):
    indices = np.arange(64, dtype=np.uint8)
    symbols = np.full(64, value, np.int32)
    assert np.array_equal(coder.decode(coder.encode(symbols, indices), indices), symbols)


def test_a_table_far_from_zero_round_trips():
    coder = RangeCoder(mass_tables([np.full(4, 0.25)], [INT32.max - 3]))
    symbols = np.array([INT32.max, INT32.max - 3, INT32.min, 0], np.int32)
    indices = np.zeros(4, np.uint8)
    assert np.array_equal(coder.decode(coder.encode(symbols, indices), indices), symbols)


def test_more_than_256_tables_keep_their_order():
    coder = RangeCoder(gaussian_tables(np.full(300, 2.0)))
    indices = np.random.default_rng(0).integers(0, 300, (5, 40))
    symbols = np.arange(200, dtype=np.int32).reshape(5, 40) - 100
    assert np.array_equal(coder.decode(coder.encode(symbols, indices), indices), symbols)


def test_bytes_are_within_a_thousandth_of_ideal(coder):
    from scipy.special import ndtr

    rng = np.random.default_rng(0)
    indices = np.clip(rng.exponential(12, 300_000), 0, 63).astype(np.uint8)
    scales = SCALES[indices]
    symbols = np.round(rng.normal(0, scales)).astype(np.int32)
    distance = np.abs(symbols)
    ideal_bits = -np.log2(ndtr((0.5 - distance) / scales) - ndtr((-0.5 - distance) / scales)).sum()
    data = coder.encode(symbols, indices)
    assert ideal_bits < 8 * len(data) < 1.001 * ideal_bits
    assert np.array_equal(coder.decode(data, indices), symbols)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_decode_to_symbols_or_raise(coder, data):
    indices = np.arange(64, dtype=np.uint8)
    try:
        symbols = coder.decode(data, indices)
    except BitstreamError:
        return
    assert symbols.dtype == np.int32
    assert symbols.shape == indices.shape


def test_an_excess_beyond_int32_raises(coder):
    encoder = constriction.stream.queue.RangeEncoder()
    counts = coder.tables.counts(0)
    encoder.encode(np.array([len(counts) - 1], np.int32), exact_model(counts, PRECISION))
    escape.encode(encoder, np.array([2**32], np.int64), escape.order_for(len(counts) - 1))
    data = encoder.get_compressed().astype("<u4").tobytes()
    with pytest.raises(BitstreamError, match="cannot be decoded"):
        coder.decode(data, np.zeros(1, np.uint8))


def test_many_symbols_are_coded_as_few_are_but_in_less_memory(monkeypatch):
    tables = gaussian_tables([0.5, 2, 8])
    rng = np.random.default_rng(0)
    symbols, indices = (
        rng.integers(-60, 60, (7, 91)).astype(np.int32),
        rng.choice([0, 2], (7, 91)).astype(np.uint8),
    )
    sorted_at_once = RangeCoder(tables).encode(symbols, indices)
    monkeypatch.setattr(host, "_SORTED", 100)
    assert RangeCoder(tables).encode(symbols, indices) == sorted_at_once
    assert np.array_equal(RangeCoder(tables).decode(sorted_at_once, indices), symbols)
