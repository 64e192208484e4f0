"""Colours of other spaces in sRGB, against published values."""

import numpy as np
import pytest
from PIL import Image

from jaxcodec.image import colour

# Display P3 and BT.2020 as ITU-T H.273 has them; the curve of both is shown as that of sRGB.
DISPLAY_P3, BT_2020, SRGB_CURVE = 12, 9, 13


def converted(values, space) -> list[int]:
    return colour.to_srgb(np.array([[values]], np.uint8), space)[0, 0].tolist()


def test_white_and_grey_stay_and_what_srgb_lacks_is_clipped():
    space = colour.coded_space(DISPLAY_P3, SRGB_CURVE, [])
    for level in (0, 128, 255):
        assert converted([level] * 3, space) == [level] * 3
    assert converted([0, 255, 0], space) == [0, 255, 0]


def test_an_orange_of_display_p3_is_the_brighter_one_of_srgb():
    """CSS Color 4: color(display-p3 1 0.5 0) is about rgb(109 % 48 % -26 %); within the range,
    color(display-p3 .6 .5 .4) is rgb(61.8 % 49.5 % 38.7 %).
    """
    space = colour.coded_space(DISPLAY_P3, SRGB_CURVE, [])
    expected = 255 * np.array([0.618, 0.495, 0.387])
    np.testing.assert_allclose(converted([153, 127.5, 102], space), expected, atol=1.5)
    red, _, blue = converted([255, 128, 0], space)
    assert (red, blue) == (255, 0)


def test_a_gamma_is_a_power_of_light():
    space = colour.described_space(1.0, None)
    assert space.name == "linear light"
    # Half of the light is 188 in sRGB.
    assert converted([0, 128, 255], space) == [0, 188, 255]


def test_16_bits_and_alpha():
    notes = []
    space = colour.described_space(1.0, None)
    pixels = np.array([[[0, 32_896, 65_535, 32_896]]], np.uint16)
    assert colour.in_srgb(pixels, space, notes).tolist() == [[[0, 188, 255, 128]]]
    assert notes == [
        "converted from linear light to sRGB",
        "converted from 16 to 8 bits a channel",
    ]


def test_grey_of_other_primaries_is_left_as_it_is():
    notes, grey = [], np.full((2, 2, 1), 90, np.uint8)
    space = colour.coded_space(BT_2020, SRGB_CURVE, [])
    assert colour.in_srgb(grey, space, notes) is grey and notes == []


@pytest.mark.parametrize(
    ("points", "note"),
    [
        ((1, 13), None),
        ((2, 2), None),
        ((9, 16), r"its HDR colours (PQ) are taken as sRGB"),
        ((1, 18), r"its HDR colours (HLG) are taken as sRGB"),
        ((99, 13), "its colour space (code points 99 and 13 of H.273) is taken as sRGB"),
    ],
)
def test_code_points_that_are_srgb_or_cannot_be_converted(points, note):
    notes = []
    assert colour.coded_space(*points, notes) is None
    assert [text.split(";")[0] for text in notes] == ([note] if note else [])


@pytest.mark.parametrize(
    ("exponent", "primaries", "name"),
    [
        (None, None, None),
        (2.2, colour.SRGB_PRIMARIES, None),
        (2.29, None, None),
        (1.8, None, "gamma 1.8"),
        (None, ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), colour.D65), "Display P3"),
        (1.8, ((0.7, 0.3), (0.2, 0.7), (0.1, 0.1), colour.D65), "other primaries and gamma 1.8"),
    ],
)
def test_what_png_describes_is_named(exponent, primaries, name):
    space = colour.described_space(exponent, primaries)
    assert (space and space.name) == name


def test_primaries_on_a_line_are_no_space():
    red, green, blue, white = colour.SRGB_PRIMARIES
    assert colour.is_sound_primaries(colour.SRGB_PRIMARIES)
    assert not colour.is_sound_primaries((red, green, red, white))
    assert not colour.is_sound_primaries((red, green, blue, (0.3, 0.0)))


def test_inks_without_a_profile_or_with_one_that_does_not_fit():
    inks = Image.new("CMYK", (1, 1), (0, 255, 255, 0))
    notes = []
    assert colour.cmyk_to_srgb(inks, None, notes).getpixel((0, 0)) == (255, 0, 0)
    assert notes == ["converted from CMYK to RGB"]
    notes = []
    assert colour.cmyk_to_srgb(inks, b"no profile", notes).getpixel((0, 0)) == (255, 0, 0)
    assert notes[0] == "dropped an ICC profile that does not fit CMYK"
    assert not colour.is_icc(b"no profile")


def test_lab_of_middle_grey():
    notes = []
    grey = Image.frombytes("LAB", (1, 1), bytes([round(2.55 * 53.585), 0, 0]))  # L* of 128
    assert np.abs(np.subtract(colour.lab_to_srgb(grey, notes).getpixel((0, 0)), 128)).max() <= 1
    assert notes == ["converted from Lab to sRGB"]
