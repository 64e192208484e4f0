"""Which symbols are coded in which pass."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcodec.entropy import passes

SIDES, CHANNELS = st.integers(1, 9), st.sampled_from([4, 8, 20])
GROUPS = ([0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1], [1, 0, 3, 2])
"""The group of each place of a square, in raster order, by pass (docs/format.md)."""


def group_at(number: int, row: int, column: int) -> int:
    """The group of channels that a place codes in a pass."""
    return GROUPS[number][2 * (row % 2) + column % 2]


@settings(deadline=None, max_examples=20)
@given(SIDES, SIDES, CHANNELS)
def test_every_symbol_is_in_one_pass_and_a_place_codes_a_quarter_of_its_channels_in_each(
    height, width, channels
):
    order = np.asarray(passes.pass_of(passes.places(height, width), channels))
    assert order.shape == (1, height, width, channels)
    for (_, row, column, channel), number in np.ndenumerate(order):
        assert channel % 4 == group_at(number, row, column)
    for number in range(4):
        assert ((order == number).sum(axis=-1) == channels // 4).all()


def test_the_second_pass_is_diagonal_to_the_first_and_the_last_two_see_all_sides():
    order = np.asarray(passes.pass_of(passes.places(6, 6), 4))[0]
    first = order == 0
    diagonal = np.roll(first, (1, 1), axis=(0, 1))
    np.testing.assert_array_equal(order == 1, diagonal)
    for late in (2, 3):
        for row, column, channel in np.argwhere(order == late):
            if 0 < row < 5 and 0 < column < 5:
                sides = order[[row - 1, row + 1, row, row],
                              [column, column, column - 1, column + 1], channel]  # fmt: skip
                assert (sides < 2).all()


@pytest.mark.parametrize("number", range(4))
def test_known_is_what_earlier_passes_coded(number):
    where = passes.places(3, 5)
    expected = np.asarray(passes.pass_of(where, 8)) < number
    np.testing.assert_array_equal(passes.known(where, 8, number), expected)
    assert expected.mean() == number / 4


@settings(deadline=None, max_examples=20)
@given(SIDES, SIDES, CHANNELS, st.integers(0, 2**32 - 1))
def test_what_is_taken_of_all_passes_can_be_put_back(height, width, channels, seed):
    values = np.random.default_rng(seed).integers(-99, 100, (1, height, width, channels))
    values, where = values.astype(np.int32), passes.places(height, width)
    again = jnp.full_like(values, 7777)
    for number in range(4):
        own = passes.taken(values, where, number)
        for row, column in np.ndindex(height, width):
            group = group_at(number, row, column)
            np.testing.assert_array_equal(own[0, row, column], values[0, row, column, group::4])
        again = passes.put(again, where, number, own)
    np.testing.assert_array_equal(again, values)


def test_what_is_put_leaves_other_passes_alone():
    where, values = passes.places(2, 3), jnp.zeros((1, 2, 3, 8), jnp.int32)
    changed = passes.put(values, where, 2, jnp.ones((1, 2, 3, 2), jnp.int32))
    np.testing.assert_array_equal(changed == 1, passes.pass_of(where, 8) == 2)
