import numpy as np
import pytest
from scipy.special import ndtr

from jaxcodec.coding import quantiser_step, step_tables
from jaxcodec.coding.make_tables import mass_tables

SCALES = (0.4, 1.0, 3.0, 20.0)
REACH = 400


def masses(scale: float, mean: float, size: float) -> np.ndarray:
    """Of the integers from -REACH to REACH, at a step."""
    edges = (np.arange(-REACH, REACH + 2) - 0.5) * size
    return np.diff(ndtr((edges - mean) / scale))


@pytest.fixture(scope="module")
def tables():
    return mass_tables([masses(scale, 0.2, 1) for scale in SCALES], [-REACH] * len(SCALES))


def test_at_the_own_step_they_are_the_same(tables):
    assert step_tables.at_step(tables, 0) is tables


@pytest.mark.parametrize("step_index", [-2000, -700, -1, 1, 700, 2000])
def test_they_cost_little_more_than_those_of_the_density(tables, step_index):
    found = step_tables.at_step(tables, step_index)
    for t, scale in enumerate(SCALES):
        mass = masses(scale, 0.2, quantiser_step.size(step_index))
        counts, first = found.counts(t)[:-1], found.minimum[t] + REACH
        inside = mass[first : first + len(counts)]
        assert inside.sum() > 0.998
        ideal, cost = -(inside * np.log2(inside)).sum(), -(inside * np.log2(counts / 2**16)).sum()
        assert cost < 1.04 * ideal + 0.02


@pytest.mark.parametrize(
    "step_index", [-quantiser_step.MAX_INDEX, -3000, 3000, quantiser_step.MAX_INDEX]
)
def test_the_longest_ways_give_tables(tables, step_index):
    found = step_tables.at_step(tables, step_index)  # which checks itself
    assert len(found) == len(tables)
    assert found.precision == tables.precision


def test_a_table_of_one_value_stays_one():
    lone = mass_tables([np.array([1.0])], [7])
    found = step_tables.at_step(lone, 1442)
    assert (found.minimum[0], len(found.counts(0))) in {(3, 2), (3, 3), (4, 2)}
