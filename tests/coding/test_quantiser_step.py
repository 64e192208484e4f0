import fractions
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcodec.coding import quantiser_step
from jaxcodec.entropy import scales

step_indices = st.integers(-quantiser_step.MAX_INDEX, quantiser_step.MAX_INDEX)


def test_a_unit_is_that_of_the_scales_and_limits_are_sixteen():
    assert pytest.approx(scales.UNITS["log"], rel=1e-12) == quantiser_step.UNIT
    assert (
        quantiser_step.size(quantiser_step.MAX_INDEX)
        <= 16
        < quantiser_step.size(quantiser_step.MAX_INDEX + 1)
    )
    assert quantiser_step.size(0) == 1


@given(step_indices)
def test_ratios_are_within_half_a_unit(step_index):
    multiplier, exponent = quantiser_step.ratio(step_index)
    assert 1 << 14 <= multiplier < 1 << 15
    assert multiplier * 2.0 ** (exponent - 14) == pytest.approx(
        quantiser_step.size(step_index), rel=2**-15
    )


def test_recorded_ratios():
    """Digits that no machine may give otherwise."""
    recorded = {
        0: (16384, 0),
        1: (16392, 0),
        -1: (32752, -1),
        700: (22938, 0),
        -1234: (18107, -1),
        1441: (32752, 0),
        1442: (16384, 1),
        5768: (16384, 4),
        -5768: (16384, -4),
    }
    assert {step_index: quantiser_step.ratio(step_index) for step_index in recorded} == recorded


@given(st.integers(-(2**31), 2**31), step_indices)
def test_scaled_rounds_to_the_nearest_ties_up(value, step_index):
    multiplier, exponent = quantiser_step.ratio(step_index)
    exact = value * fractions.Fraction(multiplier, 1 << 14) * fractions.Fraction(2) ** exponent
    assert quantiser_step.scaled(value, step_index) == math.floor(exact + fractions.Fraction(1, 2))
