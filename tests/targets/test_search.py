import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcodec.targets.search import crossing

LIMITS = (-5000, 5000)


@given(st.floats(-3, 3), st.floats(0.3, 3), st.floats(0, 0.4), st.integers(-5000, 5000))
def test_a_curve_like_a_codecs_is_crossed_in_six_steps(target, steepness, bend, start):
    looked = []

    def value(position):
        looked.append(position)
        return -steepness * 5e-4 * position - bend * math.sin(position / 3000)

    found = crossing(
        value, target, start=start, slope=-5e-4, limits=LIMITS, tolerance=0.01, steps=8
    )
    assert len(looked) == len(set(looked)) <= 8
    assert found.value == value(found.position)
    if value(LIMITS[1]) < target - 0.01 and target + 0.01 < value(LIMITS[0]):
        assert abs(found.value - target) < 0.05


@pytest.mark.parametrize(("target", "end"), [(100, -5000), (-100, 5000)])
def test_beyond_the_limits_it_ends_at_one(target, end):
    found = crossing(
        lambda position: -1e-3 * position,
        target,
        start=7,
        slope=-1e-3,
        limits=LIMITS,
        tolerance=1e-3,
        steps=8,
    )
    assert found.position == end


def test_a_flat_function_ends():
    assert (
        crossing(
            lambda position: 0.0, 1, start=0, slope=-1e-3, limits=LIMITS, tolerance=1e-3, steps=9
        ).position
        == -5000
    )


@pytest.mark.parametrize(("start", "first"), [(7, 7), (-9000, -5000), (9000, 5000)])
def test_it_begins_at_the_start_within_the_limits_and_takes_no_more_than_its_steps(start, first):
    looked = []

    def value(position):
        looked.append(position)
        return -math.atan(position / 50)  # bent so that slopes mislead

    found = crossing(value, 0.1234, start=start, slope=-1e-3, limits=LIMITS, tolerance=0.0, steps=4)
    assert looked[0] == first
    assert len(looked) == 4 and found.position == looked[-1]
