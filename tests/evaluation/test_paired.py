"""Comparisons in pairs."""

import numpy as np
import pytest

from jaxcodec.evaluation.paired import Interval, bd_rates, t_interval

POINTS = [(0.1, 28.0), (0.2, 30.5), (0.4, 33.0), (0.8, 36.0)]


def test_an_interval_of_three_values_is_that_of_the_tables():
    # t(.975, 2) = 4.302653; the deviation of 1, 2, 3 is 1.
    assert t_interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 4.302653 / np.sqrt(3), 3), abs=1e-6)
    # t(.9, 1) = 3.077684.
    assert t_interval([0.0, 2.0], confidence=0.8).half == pytest.approx(3.077684, abs=1e-6)


def test_an_interval_holds_the_true_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(3, 2, (2000, 5))
    hits = [abs(found.mean - 3) < found.half for found in map(t_interval, draws)]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.015)


def test_one_value_has_a_mean_alone_and_none_is_an_error():
    assert f"{t_interval([1.5])}" == "+1.50"
    with pytest.raises(ValueError, match="one value at least"):
        t_interval([])


def test_an_interval_is_told_in_the_form_that_is_asked():
    assert f"{Interval(0.1, 0.16, 5)}" == "+0.10 ± 0.16"
    assert f"{Interval(-1, 2, 3):.1f}" == "-1.0 ± 2.0"


def test_each_picture_has_the_bd_rate_of_its_own_points():
    anchor = {"a": POINTS, "b": POINTS, "alone": POINTS}
    test = {
        "a": [(1.1 * rate, quality) for rate, quality in POINTS],
        "b": [(0.9 * rate, quality) for rate, quality in reversed(POINTS)],
    }
    assert bd_rates(test, anchor) == pytest.approx({"a": 10.0, "b": -10.0})


def test_a_picture_without_a_common_range_is_left_out():
    above = [(rate, quality + 20) for rate, quality in POINTS]
    assert bd_rates({"a": above, "b": POINTS}, {"a": POINTS, "b": POINTS}) == {"b": 0.0}
    assert bd_rates({"a": POINTS[:1]}, {"a": POINTS}) == {}
