import fractions
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcodec.coding import step
from jaxcodec.entropy import scales

fields = st.integers(-step.MAX_FIELD, step.MAX_FIELD)


def test_a_unit_is_that_of_the_scales_and_limits_are_sixteen():
    assert pytest.approx(scales.UNITS["log"], rel=1e-12) == step.UNIT
    assert step.size(step.MAX_FIELD) <= 16 < step.size(step.MAX_FIELD + 1)
    assert step.size(0) == 1


@given(fields)
def test_ratios_are_within_half_a_unit(field):
    multiplier, exponent = step.ratio(field)
    assert 1 << 14 <= multiplier < 1 << 15
    assert multiplier * 2.0 ** (exponent - 14) == pytest.approx(step.size(field), rel=2**-15)


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
    assert {field: step.ratio(field) for field in recorded} == recorded


@given(st.integers(-(2**31), 2**31), fields)
def test_scaled_rounds_to_the_nearest_ties_up(value, field):
    multiplier, exponent = step.ratio(field)
    exact = value * fractions.Fraction(multiplier, 1 << 14) * fractions.Fraction(2) ** exponent
    assert step.scaled(value, field) == math.floor(exact + fractions.Fraction(1, 2))
