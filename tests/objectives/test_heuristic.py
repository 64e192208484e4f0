"""Algorithm 3, against a trace that was worked out by hand, and rule by rule."""

import numpy as np
import pytest

from jaxcodec.errors import RateError
from jaxcodec.objectives import heuristic
from jaxcodec.objectives.heuristic import Request, Round
from jaxcodec.objectives.thesis import Setting

REQUEST = heuristic.request(0.25, mean_tolerance=0.04, tolerance=0.1, delta=5_000.0, rounds=9)
"""The mean within .01 bpp of .25, a deviation of .025 bpp at most."""


def test_the_trace_worked_out_by_hand():
    """What is measured of each round, and what the printed rules make of it: start R_param = r,
    beta = 1.
    """
    trace = [
        # R_param, beta; mean, deviation
        ((0.25, 1.0), (0.10, 0.050)),  # too wide, .15 below: R_param + .15, beta + 5000
        ((0.40, 5_001.0), (0.22, 0.030)),  # too wide, .03 below
        (
            (0.43, 10_001.0),
            (0.265, 0.020),
        ),  # narrow enough, .015 above: R_param - .015, beta - 5000
        ((0.415, 5_001.0), (0.255, 0.0251)),  # the mean is met, the deviation not yet
        ((0.41, 10_001.0), (0.241, 0.0249)),  # both are met
    ]
    rounds = ()
    for setting, measured in trace:
        following = heuristic.following(REQUEST, rounds)
        assert following == pytest.approx(setting)
        rounds += (Round(following, *measured),)
    assert heuristic.following(REQUEST, rounds) is None
    assert heuristic.chosen(REQUEST, rounds) == 4
    assert rounds[4].setting == pytest.approx((0.41, 10_001.0))


def test_a_first_round_that_meets_the_request_is_the_last():
    met = Round(Setting(0.25, 1.0), 0.25, 0.01)
    assert heuristic.following(REQUEST, [met]) is None
    assert heuristic.chosen(REQUEST, [met]) == 0


def test_beta_does_not_fall_below_where_it_began():
    """At a beta of 1 rates were narrow enough: there is nothing to gain by less."""
    narrow = Round(Setting(0.25, 1.0), 0.30, 0.01)
    assert heuristic.following(REQUEST, [narrow]) == pytest.approx((0.20, 1.0))
    wide = Round(Setting(0.25, 5_000.5), 0.30, 0.01)
    assert heuristic.following(REQUEST, [wide]) == pytest.approx((0.20, 1.0))


def test_both_mean_and_deviation_have_to_be_met():
    for mean, deviation, met in (
        (0.2599, 0.0249, True),
        (0.2401, 0.0249, True),
        (0.2602, 0.01, False),
        (0.2398, 0.01, False),
        (0.25, 0.0251, False),
    ):
        assert heuristic.is_met(REQUEST, Round(Setting(0.3, 1.0), mean, deviation)) is met, (
            mean,
            deviation,
        )
    # What is allowed is allowed to its very end: binary fractions, which divide without error.
    exact = heuristic.request(0.25, mean_tolerance=0.0625, tolerance=0.125, delta=1.0, rounds=9)
    edge = Round(Setting(0.3, 9.0), 0.265625, 0.03125)
    assert heuristic.is_met(exact, edge)
    assert heuristic.chosen(exact, [edge._replace(mean_bpp=0.3), edge]) == 1
    assert heuristic.step(exact, edge._replace(mean_bpp=0.3)).beta == 8.0


def test_after_the_most_rounds_the_nearest_that_was_measured_is_taken():
    """Misses, in units of what is allowed: mean .02 / .01 = 2, deviation .03 / .025 = 1.2; and so
    on.
    """
    request = REQUEST._replace(rounds=4)
    rounds = [
        Round(Setting(0.25, 1.0), 0.23, 0.030),  # 2 and 1.2: 2
        Round(Setting(0.27, 5_001.0), 0.265, 0.035),  # 1.5 and 1.4: 1.5
        Round(Setting(0.255, 10_001.0), 0.251, 0.060),  # .1 and 2.4: 2.4
        Round(Setting(0.254, 15_001.0), 0.28, 0.010),  # 3 and .4: 3
    ]
    assert all(heuristic.following(request, rounds[:number]) is not None for number in range(4))
    assert heuristic.following(request, rounds) is None
    assert heuristic.chosen(request, rounds) == 1


def test_a_round_that_met_the_request_goes_before_a_nearer_one_that_came_later():
    rounds = [Round(Setting(0.3, 1.0), 0.258, 0.02), Round(Setting(0.29, 1.0), 0.25, 0.02)]
    assert heuristic.chosen(REQUEST, rounds) == 0


def test_a_model_whose_rate_has_not_come_down_leaves_a_parameter():
    far = Round(Setting(0.25, 1.0), 3.0, 0.01)
    assert heuristic.following(REQUEST, [far]).parameter_bpp == pytest.approx(0.025)


def test_increments_are_larger_at_low_rates():
    increments = [heuristic.increment(target) for target in (0.06, 0.12, 0.5, 1.0, 2.0, 8.0)]
    assert increments == [20_000, 20_000, 4_800, 2_400, 1_200, 500]
    asked = {"mean_tolerance": 0.02, "tolerance": 0.05, "rounds": 10}
    assert heuristic.request(0.5, **asked) == Request(0.5, 0.02, 0.05, 4_800, 10)
    assert heuristic.request(0.5, **asked, delta=7.0).delta == 7


@pytest.mark.parametrize("name", ["target_bpp", "mean_tolerance", "tolerance", "rounds", "delta"])
def test_a_request_that_cannot_be_is_named(name):
    values = {
        "target_bpp": 0.25,
        "mean_tolerance": 0.02,
        "tolerance": 0.05,
        "rounds": 10,
        "delta": 0.0,
    }
    for wrong in (-1, float("nan")) if name == "delta" else (0, -1, float("nan")):
        with pytest.raises(RateError, match=f"the {name} of the search is {wrong}"):
            heuristic.request(**values | {name: wrong})


def test_the_deviation_is_that_of_the_rates():
    rates = np.array([0.2, 0.26, 0.35, 0.24])
    squared = np.mean(np.square(rates / 0.25 - 1))
    assert heuristic.deviation(rates.mean(), squared, 0.25) == pytest.approx(rates.std())
    assert (
        heuristic.deviation(0.3, 0.04 - 1e-9, 0.25) == 0
    )  # rounding cannot make it the root of something below zero


def test_on_a_model_whose_rate_is_a_known_function_it_finds_the_target():
    """A model that lands .1 bpp below its parameter, and spreads less the larger beta is: .025 bpp
    at a beta of 3,999.
    """
    request = REQUEST._replace(delta=500.0, rounds=40)
    rounds = ()
    while (setting := heuristic.following(request, rounds)) is not None:
        rounds += (Round(setting, setting.parameter_bpp - 0.1, 100 / (setting.beta + 1)),)
    assert len(rounds) == 9  # beta of 1, 501, ... 4001
    assert rounds[heuristic.chosen(request, rounds)].setting == pytest.approx((0.35, 4_001.0))
