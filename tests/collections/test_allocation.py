"""Sharing a budget among images."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcodec.collections.allocation import Curve, allocate
from jaxcodec.errors import RateError


def power_law(scale, exponent, smallest=100.0, largest=20_000.0, points=12):
    sizes = np.geomspace(smallest, largest, points)
    return Curve(sizes, scale * sizes**-exponent)


def total(curves, sizes):
    return sum(np.exp(np.interp(np.log(size), np.log(curve.sizes), np.log(curve.errors)))
               for curve, size in zip(curves, sizes, strict=True))  # fmt: skip


def test_power_laws_have_a_known_optimum():
    # d/dR of c R^-a is -a c R^-(a+1); equal slopes with equal exponents give R in proportion to
    # c^(1 / (a + 1)).
    curves = [power_law(scale, 1.0) for scale in (1e8, 4e8, 9e8)]
    np.testing.assert_allclose(allocate(curves, 12_000), [2_000, 4_000, 6_000], rtol=0.02)


def test_other_exponents_agree_with_a_solver():
    laws = [(3e7, 0.8), (2e9, 1.3), (5e8, 1.1)]
    curves = [power_law(*law) for law in laws]
    problem = {
        "fun": lambda log: (
            sum(
                scale * np.exp(-exponent * value)
                for (scale, exponent), value in zip(laws, log, strict=False)
            )
            / 1e5
        ),
        "x0": np.log([5_000.0] * 3),
        "constraints": {"type": "eq", "fun": lambda log: np.exp(log).sum() / 15_000 - 1},
    }
    np.testing.assert_allclose(
        allocate(curves, 15_000), np.exp(scipy.optimize.minimize(**problem).x), rtol=0.03
    )


@settings(max_examples=50, deadline=None)
@given(
    laws=st.lists(st.tuples(st.floats(1e5, 1e10), st.floats(0.3, 2.0)), min_size=1, max_size=8),
    share=st.floats(0.0, 1.0),
)
def test_it_keeps_to_the_budget_and_is_no_worse_than_the_same_for_all(laws, share):
    curves = [power_law(*law) for law in laws]
    budget = len(laws) * (100 + share * 19_900)
    sizes = allocate(curves, budget)
    assert sizes.sum() <= budget * (1 + 1e-9)
    assert np.all(sizes >= 100 - 1e-6) and np.all(sizes <= 20_000 + 1e-6)
    assert total(curves, sizes) <= total(curves, np.full(len(laws), budget / len(laws))) * 1.005


def test_points_above_the_hull_count_for_nothing():
    bumpy = Curve([100, 200, 300, 400], [1000.0, 990.0, 100.0, 90.0])
    flat = Curve([100, 400], [50.0, 49.0])
    sizes = allocate([bumpy, flat], 400)
    np.testing.assert_allclose(sizes, [300, 100], atol=3)


def test_errors_that_rise_are_not_paid_for():
    sizes = allocate([Curve([100, 200, 300], [10.0, 5.0, 7.0])], 1_000)
    np.testing.assert_allclose(sizes, [200])


def test_images_that_can_take_no_more_leave_the_rest():
    sizes = allocate([Curve([100, 200], [10.0, 5.0]), Curve([50], [3.0])], 10_000)
    np.testing.assert_allclose(sizes, [200, 50])


def test_a_budget_below_the_smallest_files_is_refused():
    with pytest.raises(RateError, match="150 bytes at least, more than the 149"):
        allocate([Curve([100, 200], [10.0, 5.0]), Curve([50], [3.0])], 149)
