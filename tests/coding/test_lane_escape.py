"""Symbols outside of their window, as 16-bit words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.coding import lane_escape
from jaxcodec.coding.lane_kernels import FLAG

INT32 = np.iinfo(np.int32)


def words(values, minimum, size):
    """The words of escaped values as plain lists: narrow, low, high."""
    arrays = (np.array(array, np.int32) for array in (minimum, size, values))
    made = lane_escape.codes(*arrays, np.ones(len(values), bool))
    return [[int(word) - FLAG if word else None for word in area] for area in made]


def test_a_near_distance_is_one_word_odd_above_and_even_below():
    narrow, low, high = words([11, 12, 0, -1], [1] * 4, [10] * 4)
    assert narrow == [1, 3, 0, 2]
    assert low == high == [None] * 4


@pytest.mark.parametrize(("distance", "far"), [(2**15 - 1, False), (2**15, True)])
def test_a_far_one_is_the_symbol_itself_in_two_words(distance, far):
    narrow, low, high = words([10 + distance], [1], [10])
    assert (narrow == [lane_escape.WIDE]) == far
    value = 10 + distance
    assert (low, high) == (([value & 0xFFFF], [value >> 16]) if far else ([None], [None]))


def test_symbols_in_their_window_have_no_word():
    made = lane_escape.codes(
        *(np.array([1, 1], np.int32), np.array([5, 5], np.int32), np.array([2, 99], np.int32)),
        np.array([False, False]),
    )
    assert not any(np.any(area) for area in made)


def test_any_int32_comes_back_under_any_window():
    rng = np.random.default_rng(0)
    values = np.concatenate([[INT32.min, INT32.max, -1, 0], rng.integers(-(2**17), 2**17, 60)])
    values = np.tile(values, 2).astype(np.int32)
    minimum = np.where(np.arange(128) < 64, -(2**10), INT32.max - 20).astype(np.int32)
    size = np.full(128, 5, np.int32)
    escaped = (values < minimum) | (values.astype(np.int64) >= minimum.astype(np.int64) + size)
    made = lane_escape.codes(minimum, size, values, escaped)
    narrow = [int(word) - FLAG for word in made.narrow if word]
    wide = [
        int(word) - FLAG for pair in zip(made.low, made.high, strict=True) for word in pair if word
    ]
    # The words of distances are read downwards from a place, the others upwards from another.
    stream = jnp.array(wide + narrow[::-1], jnp.uint16)
    found, down, up = jax.jit(lane_escape.decode)(
        stream, len(stream) - 1, 0, minimum, size, escaped
    )
    np.testing.assert_array_equal(np.where(escaped, found, values), values)
    assert int(down) == len(stream) - 1 - len(narrow) and int(up) == len(wide)
