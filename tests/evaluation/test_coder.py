"""Operating points that make sense."""

import math

import pytest

from jaxcodec.evaluation import coder
from jaxcodec.evaluation.coder import EvaluationError


def test_points_rise_and_come_once():
    assert coder.check_qualities([100, 0, 50, 50.0]) == (0.0, 50.0, 100.0)
    assert coder.check_rates([1, 0.25, 1.0]) == (0.25, 1.0)


@pytest.mark.parametrize("quality", [-1, 100.5, math.nan])
def test_a_quality_out_of_range_is_named(quality):
    with pytest.raises(EvaluationError, match=f"a quality of {quality:g} is out of range"):
        coder.check_qualities([50, quality])


@pytest.mark.parametrize("bpp", [0, -1, math.inf, math.nan])
def test_a_rate_that_makes_no_sense_is_named(bpp):
    with pytest.raises(EvaluationError, match=f"a rate of {bpp:g} bpp makes no sense"):
        coder.check_rates([1, bpp])
