import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.coding.host import RangeCoder
from jaxcodec.coding.make_tables import gaussian_tables
from jaxcodec.integer import calibrate
from jaxcodec.transforms import operations
from jaxcodec.transforms.operations import Activate, Conv, Residual

TABLES = gaussian_tables([0.3, 2.0, 40.0])


def test_costs_are_what_the_coder_takes():
    rng = np.random.default_rng(0)
    index = rng.integers(0, 3, 20_000, np.int32)
    symbols = np.round(rng.normal(0, np.array([0.3, 2.0, 40.0])[index])).astype(np.int32)
    symbols[:200] = rng.integers(-400, 400, 200)  # many of them escape
    costs = calibrate.costs(TABLES, 500)
    bits = float(
        calibrate.total_bits(costs, jnp.asarray(index)[None], jnp.asarray(symbols)[None])[0]
    )
    real = 8 * len(RangeCoder(TABLES).encode(symbols, index.astype(np.uint16)))
    assert abs(bits / real - 1) < 0.02


def test_what_escapes_costs_the_escape_a_sign_and_an_exp_golomb_code():
    """Of n >= 1 places outside: floor(log2 n) zeros, then n in binary, which has as many digits and
    one.
    """
    table = 1
    first, last = (
        int(TABLES.minimum[table]),
        int(TABLES.minimum[table]) + len(TABLES.counts(table)) - 2,
    )
    costs = calibrate.costs(TABLES, last + 20)[table]
    escape = -np.log2(TABLES.counts(table)[-1] / TABLES.counts(table).sum())
    for outside in (1, 2, 3, 4, 7, 8, 15, 16):
        code = "0" * (len(f"{outside:b}") - 1) + f"{outside:b}"
        for symbol in (last + outside, first - outside):
            if abs(symbol) <= last + 20:
                assert costs[symbol + last + 20] == pytest.approx(
                    escape + 1 + len(code), rel=1e-6
                ), symbol
    inside = -np.log2(TABLES.counts(table)[0 - first] / TABLES.counts(table).sum())
    assert costs[last + 20] == pytest.approx(inside, rel=1e-6)


def test_spans_are_the_extremes_over_all_pictures_and_hold_zero():
    ops = [Conv(np.ones((1, 1, 1, 2), np.float32), np.array([0, 5], np.float32)), Activate("relu")]
    hyper = np.array([*range(-3, 10), -7], np.int32).reshape(14, 1, 1, 1)
    calibration = calibrate.Calibration(hyper, hyper, np.zeros(14, np.int32))

    def forward(batch, quality, see):
        operations.run(ops, batch.hyper_symbols.astype(jnp.float32), quality, see)

    spans = calibrate.spans(calibration, forward)
    assert (spans[0,].low.item(), spans[0,].high.item()) == (-7, 9)
    assert spans[1,].low.tolist() == [-7, -2]
    assert spans[1,].high.tolist() == [9, 14]


def test_the_search_narrows_only_where_that_saves_more_than_chance():
    start = np.array([1000.0, 10.0, 100.0])

    def bits(factors):
        narrow, worse, chance = (1 - factors.get(place, 1) for place in "abc")
        noise = np.array([1.0, -1.0, -0.3])  # of one sign on two pictures, and no more
        return start * (1 + (narrow - 0.2) ** 2 + worse + 0.01 * chance * noise)

    assert np.mean(bits({"c": 0.9}) / start) < np.mean(bits({}) / start)
    assert calibrate.search_factors("abc", bits) == {"a": 0.8}


def test_the_search_tries_nine_to_six_tenths_and_ends_at_the_first_that_does_not_save():
    tried = []

    def bits(factors):
        tried.append(factors.get("a", 1))
        return np.array([100.0, 90.0, 80.0]) * factors.get("a", 1)

    assert calibrate.search_factors("a", bits) == {"a": 0.6}
    assert tried == [1, 0.9, 0.8, 0.7, 0.6]
    tried.clear()
    assert calibrate.search_factors(
        "a", lambda factors: bits(factors) if factors.get("a", 1) > 0.75 else bits({})
    ) == {"a": 0.8}
    assert len(tried) == 4


def test_a_saving_of_less_than_a_ten_thousandth_is_none():
    for saving, found in ((0.9e-4, {}), (1.1e-4, {"a": 0.9})):
        bits = lambda factors, saving=saving: np.full(3, 1 - saving * (factors.get("a", 1) == 0.9))  # noqa: E731
        assert calibrate.search_factors("a", bits) == found


def test_convolutions_are_found_within_residuals_too():
    layer = Conv(np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32))
    relu = Activate("relu")
    ops = [layer, relu, Residual((layer, relu, Residual((relu, layer)))), layer]
    assert calibrate.convolutions(ops) == [(0,), (2, 0), (2, 2, 1), (3,)]
    assert calibrate.convolutions(ops[:1], ("hyper",)) == [("hyper", 0)]


def test_total_bits_are_of_each_picture():
    costs = jnp.array([[3.0, 1.0, 3.0], [9.0, 5.0, 9.0]])
    index, symbols = jnp.array([[0, 1], [1, 1]]), jnp.array([[0, 1], [0, 70]])
    assert jax.jit(calibrate.total_bits)(costs, index, symbols).tolist() == [10.0, 14.0]
    uneven = jnp.array([[3.0, 1.0, 7.0]])
    zeros = jnp.zeros((1, 3), int)
    assert calibrate.total_bits(uneven, zeros, jnp.array([[-70, -1, 70]])).tolist() == [3 + 3 + 7]
