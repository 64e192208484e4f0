"""Algorithm 3, step by step."""

import numpy as np
import pytest

from jaxcodec.rate import heuristic
from jaxcodec.rate.thesis import Setting

TARGET = {"target_bpp": 0.25, "tolerance": 0.1, "delta": 5_000.0}


def test_it_begins_at_the_target_with_a_weight_of_one():
    assert heuristic.start(0.25) == (0.25, 1.0)


def test_the_parameter_moves_by_what_the_mean_is_off():
    step = heuristic.step(Setting(0.25, 1.0), mean_bpp=0.20, deviation_bpp=0.0, **TARGET)
    assert step.parameter_bpp == pytest.approx(0.30)
    step = heuristic.step(Setting(0.41, 1.0), mean_bpp=0.27, deviation_bpp=0.0, **TARGET)
    assert step.parameter_bpp == pytest.approx(0.39)
    assert heuristic.step(Setting(0.25, 1.0), mean_bpp=3.0, deviation_bpp=0.0, **TARGET).parameter_bpp > 0


def test_beta_rises_where_rates_spread_and_falls_to_its_least():
    wide = heuristic.step(Setting(0.25, 1.0), mean_bpp=0.25, deviation_bpp=0.026, **TARGET)
    assert wide.beta == 5_001
    narrow = heuristic.step(Setting(0.25, 7_000.0), mean_bpp=0.25, deviation_bpp=0.024, **TARGET)
    assert narrow.beta == 2_000
    assert heuristic.step(narrow, mean_bpp=0.25, deviation_bpp=0.0, **TARGET).beta == heuristic.LEAST_BETA


def test_increments_are_larger_at_low_rates():
    increments = [heuristic.increment(target) for target in (0.06, 0.12, 0.5, 1.0, 2.0, 8.0)]
    assert increments == sorted(increments, reverse=True)
    assert (increments[0], increments[-1]) == (20_000, 500)


def test_the_deviation_is_that_of_the_rates():
    rates = np.array([0.2, 0.26, 0.35, 0.24])
    squared = np.mean(np.square(rates / 0.25 - 1))
    assert heuristic.deviation(rates.mean(), squared, 0.25) == pytest.approx(rates.std())
    assert heuristic.deviation(0.3, 0.04 - 1e-9, 0.25) == 0  # rounding cannot make it the root of something below zero


def test_on_a_model_whose_rate_is_a_known_function_it_finds_the_target():
    setting = heuristic.start(0.25)
    for _ in range(20):  # a model that lands .1 bpp below its parameter, and spreads less the larger beta is
        mean = setting.parameter_bpp - 0.1
        spread = 100 / (setting.beta + 1)  # as wide as is allowed at a beta of 3,999
        setting = heuristic.step(setting, mean_bpp=mean, deviation_bpp=spread, **TARGET | {"delta": 500.0})
    assert setting.parameter_bpp == pytest.approx(0.35)
    assert 3_499 <= setting.beta <= 4_501
