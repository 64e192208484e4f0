"""Standard ICC profiles: what their files mean, and which other profiles mean the same."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from jaxcodec.image import standard_profiles

D65 = (0.3127, 0.3290)
PRIMARIES = {
    1: (D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    2: (D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    3: (D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
    4: ((0.3457, 0.3585), (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)),
}
"""White, red, green and blue as the standards have them, CIE x and y."""

MIDDLE = {1: 0.2140, 2: 0.2140, 3: 0.2177, 4: 0.2872, 5: 0.2176, 6: 0.2140}
"""How much light half the signal is: of sRGB's curve, and .5 to the 2.19921875, 1.8 and 2.2."""


def opened(profile: bytes):
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def changed(number: int, old: bytes, new: bytes) -> bytes:
    """A standard profile with other bytes."""
    content = standard_profiles.content(number)
    assert old in content
    return content.replace(old, new)


@pytest.mark.parametrize("number", PRIMARIES)
def test_primaries_and_white_are_those_of_the_standard(number):
    profile = opened(standard_profiles.content(number)).profile
    to_d50 = np.array(profile.chromatic_adaptation[0])
    colours = [
        np.linalg.solve(
            to_d50, (profile.red_colorant, profile.green_colorant, profile.blue_colorant)[i][0]
        )
        for i in range(3)
    ]
    found = [xyz[:2] / xyz.sum() for xyz in (sum(colours), *colours)]
    np.testing.assert_allclose(found, PRIMARIES[number], atol=2e-4)


@pytest.mark.parametrize("number", standard_profiles.NAMES)
def test_curves_are_those_of_the_standard(number):
    grey = number > 4
    half = Image.new("L" if grey else "RGB", (1, 1), 128 if grey else (128,) * 3)
    lab = ImageCms.profileToProfile(
        half,
        opened(standard_profiles.content(number)),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    lightness = 116 * (MIDDLE[number] * (128 / 127.5) ** 2.2) ** (1 / 3) - 16
    assert lab.getpixel((0, 0))[0] == pytest.approx(2.55 * lightness, abs=1)


@pytest.mark.parametrize("number", standard_profiles.NAMES)
def test_each_is_recognised_as_itself_and_under_another_name(number):
    content = standard_profiles.content(number)
    name = opened(content).profile.profile_description.encode("utf-16-be")
    assert standard_profiles.number(content) == number
    assert standard_profiles.number(content.replace(name, b"\0?" * (len(name) // 2))) == number
    assert standard_profiles.number(content + bytes(1000)) == number


def test_the_srgb_of_littlecms_is_recognised():
    assert (
        standard_profiles.number(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        == 1
    )


def test_the_same_space_with_curves_as_tables_of_version_2_is_recognised():
    """As in the common sRGB IEC61966-2.1: version 2, curves of 1024 numbers."""
    signal = np.arange(1024) / 1023
    light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    curve = (
        b"curv"
        + bytes(4)
        + (1024).to_bytes(4, "big")
        + (65535 * light).round().astype(">u2").tobytes()
    )
    assert standard_profiles.number(with_curve(standard_profiles.content(1), curve)) == 1


def with_curve(profile: bytes, curve: bytes) -> bytes:
    """A profile of version 2 whose TRC tags lie at its end."""
    out = bytearray(profile + bytes(-len(profile) % 4))
    for entry in range(132, 132 + 12 * int.from_bytes(out[128:132], "big"), 12):
        if out[entry + 1 : entry + 4] == b"TRC":
            out[entry + 4 : entry + 12] = len(out).to_bytes(4, "big") + len(curve).to_bytes(
                4, "big"
            )
    out[8:12] = b"\2\x10\0\0"
    out += curve
    out[:4] = len(out).to_bytes(4, "big")
    return bytes(out)


@pytest.mark.parametrize(
    "curve",
    [
        b"curv" + bytes(4) + b"\0\0\0\1\2\x33",
        b"curv" + bytes(8),
        b"curv" + bytes(4) + b"\0\0\0\1\1\xcc",
    ],
)
def test_primaries_of_srgb_with_another_curve_are_not_srgb(curve):
    assert standard_profiles.number(with_curve(standard_profiles.content(1), curve)) is None


def test_other_primaries_with_the_curve_of_srgb_are_not_srgb():
    swapped = changed(1, b"rXYZ", b"tmpX").replace(b"gXYZ", b"rXYZ").replace(b"tmpX", b"gXYZ")
    assert standard_profiles.number(swapped) is None


@pytest.mark.parametrize(
    "profile", [b"", b"x" * 400, standard_profiles.content(1)[:200], bytes(128)]
)
def test_what_is_no_profile_is_none_of_them(profile):
    assert standard_profiles.number(profile) is None


def test_conversion_to_srgb_keeps_what_colours_mean():
    red_p3 = np.full((1, 1, 3), (234, 51, 35), np.uint8)  # the red of sRGB, in Display P3
    found = standard_profiles.convert(red_p3, standard_profiles.content(2), 1)
    np.testing.assert_allclose(found[0, 0], (255, 0, 0), atol=3)
    grey = np.full((2, 3, 1), 20, np.uint8)
    found = standard_profiles.convert(grey, standard_profiles.content(5), 6)
    assert found.shape == grey.shape
    light = (20 / 255) ** 2.2
    assert found[0, 0, 0] == pytest.approx(255 * (1.055 * light ** (1 / 2.4) - 0.055), abs=1)
