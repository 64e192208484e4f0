"""Temperatures against the values of the papers."""

import jax
import numpy as np
import pytest

from jaxcodec.errors import RefineError
from jaxcodec.refinement import schedules


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("sga", {0: 0.5, 700: 0.5, 1700: 0.5 * np.exp(-1), 2000: 0.5 * np.exp(-1.3)}),
        ("sga_plus", {0: 1.0, 1000: np.exp(-1), 2000: np.exp(-2)}),
        ("annealing", {0: 0.2, 402: 0.2, 500: np.exp(-2), 1000: np.exp(-4)}),
        ("constant", {0: 1.0, 1999: 1.0}),
        ("soft_round", {0: 0.35, 850: 0.215, 1700: 0.0, 1999: 0.0}),
    ],
)
def test_values(kind, expected):
    schedule = schedules.make(kind)
    jitted = jax.jit(lambda step: schedule(step, 2000))
    for step, tau in expected.items():
        assert jitted(step) == pytest.approx(tau, rel=1e-5)


def test_tau_max_bounds_it():
    assert schedules.make("sga_plus", 0.4)(0, 2000) == pytest.approx(0.4)
    assert schedules.make("sga_plus", 0.4)(1500, 2000) == pytest.approx(np.exp(-1.5))


def test_with_a_span_it_goes_as_far_in_fewer_steps():
    assert schedules.make("sga_plus", span=2000)(250, 500) == pytest.approx(np.exp(-1), rel=1e-5)
    assert schedules.make("sga_plus")(250, 500) == pytest.approx(np.exp(-0.25), rel=1e-5)


def test_what_makes_no_sense_is_an_error():
    with pytest.raises(RefineError, match="'wish' is unknown"):
        schedules.make("wish")
    with pytest.raises(RefineError, match="tau_max of 0"):
        schedules.make("sga", 0)
    with pytest.raises(RefineError, match="spans 0 steps"):
        schedules.make("sga_plus", span=0)


def test_what_is_above_nothing_may_be_below_one():
    assert schedules.make("constant", 0.25)(0, 2000) == pytest.approx(0.25)
    assert schedules.make("sga_plus", None, 0.5)(2000, 2000) == pytest.approx(np.exp(-0.5e-3))
