"""Samples of other types in 8 bits."""

import numpy as np
import pytest

from jaxcodec.image import samples
from jaxcodec.image.decoded import Refused


@pytest.mark.parametrize("bits", [1, 4, 10, 12, 16])
def test_unsigned_integers_are_scaled_to_the_nearest_level(bits):
    top = 2**bits - 1
    values = np.unique(np.linspace(0, top, 1000).astype(np.uint16))
    notes = []
    scaled = samples.integers_to_uint8(values, bits, notes)
    assert np.abs(scaled - values / top * 255).max() <= 0.5 + 1e-9
    assert scaled.dtype == np.uint8 and notes == [f"converted from {bits} to 8 bits a channel"]


def test_8_bits_are_left_as_they_are():
    notes, values = [], np.arange(256, dtype=np.uint8)
    assert samples.integers_to_uint8(values, 8, notes) is values and notes == []


def test_signed_integers_are_shifted_only_where_some_are_negative():
    notes = []
    values = np.array([-128, 0, 127], np.int8)
    assert samples.integers_to_uint8(values, 8, notes).tolist() == [0, 128, 255]
    assert notes == ["converted from signed to unsigned samples (-128 to black)"]
    assert samples.integers_to_uint8(np.array([0, 127], np.int8), 8, []).tolist() == [0, 255]


def test_a_dark_picture_says_so():
    notes = []
    samples.integers_to_uint8(np.array([0, 4000], np.uint16), 16, notes)
    assert "dark: its brightest value is 4000 of 65535" in notes[1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 200, 255], [0, 200, 255]), ([0, 257, 65_535], [0, 1, 255]), ([0, 2**32 - 1], [0, 255])],
)
def test_wide_integers_take_the_smallest_range_that_holds_them(values, expected):
    assert samples.integers_to_uint8(np.array(values, np.uint64), 64, []).tolist() == expected


def test_wide_integers_of_no_known_range_are_refused():
    with pytest.raises(Refused, match="integers from -1 to 5, whose black and white are not known"):
        samples.integers_to_uint8(np.array([-1, 5], np.int32), 32, [])


def test_floats_are_of_0_to_1_or_of_0_to_255():
    notes = []
    values = np.array([0, 0.5, 1, -0.1], np.float32)
    assert samples.floats_to_uint8(values, notes).tolist() == [0, 128, 255, 0]
    assert notes == [
        "converted from floats in [0, 1] to 8 bits a channel",
        "clipped 1 of 4 values outside [0, 1]",
    ]
    assert samples.floats_to_uint8(np.array([0.0, 3.4, 254.6]), []).tolist() == [0, 3, 255]


@pytest.mark.parametrize(
    ("values", "words"),
    [([0, np.nan], "holds 1 values that are not finite"), ([0.0, 300.0], "floats up to 300")],
)
def test_floats_without_a_white_are_refused(values, words):
    with pytest.raises(Refused, match=words):
        samples.floats_to_uint8(np.array(values), [])


def test_alpha_that_was_multiplied_in_is_divided_out():
    straight = np.array([[[200, 100, 0, 128], [9, 9, 9, 0], [50, 60, 70, 255]]], np.uint8)
    alpha = straight[..., 3:] / 255
    multiplied = np.concatenate([np.rint(straight[..., :3] * alpha), straight[..., 3:]], axis=-1)
    notes = []
    found = samples.straight_alpha(multiplied.astype(np.uint8), notes)
    assert np.abs(found[0, 0].astype(int) - straight[0, 0]).max() <= 1
    assert found[0, 1].tolist() == [0, 0, 0, 0] and found[0, 2].tolist() == [50, 60, 70, 255]
    assert notes == ["divided the colours by the alpha that they were multiplied with"]
