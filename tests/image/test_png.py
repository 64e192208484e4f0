"""PNG files: depths, transparency, colour spaces, and the chunks that must not stand in the way."""

import struct
import zlib

import numpy as np
import pytest
from made_files import chunk, oriented, png
from PIL import Image, ImageCms

from jaxcodec import image
from jaxcodec.errors import ImageError

RGB = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
GREY = RGB[..., :1]
DEEP = np.random.default_rng(1).integers(0, 65_536, (7, 5, 4), np.uint16)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3 = (0.3127, 0.329, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
SRGB_CORNERS = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)


def to_8(samples):
    return np.rint(samples / 257).astype(np.uint8)


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def corners(chromaticities) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in chromaticities)))


def coded(primaries: int, transfer: int, matrix: int = 0, full_range: int = 1) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, matrix, full_range]))


def profile(icc: bytes, name: bytes = b"x") -> bytes:
    return chunk(b"iCCP", name + b"\0\0" + zlib.compress(icc))


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (3, 2), (4, 6)])
def test_16_bits_are_rounded_to_8_with_a_note(channels, colour_type):
    samples = DEEP[..., :channels]
    picture = image.read(png(samples, colour_type, 16))
    np.testing.assert_array_equal(picture.pixels, to_8(samples))
    assert picture.notes == ("converted from 16 to 8 bits a channel",)


def test_16_bits_of_an_interlaced_file():
    buffer = png(DEEP[:1, :1, :3], 2, 16)
    interlaced = bytearray(buffer)
    interlaced[28] = 1  # of one pixel, the passes are the same bytes
    interlaced[29:33] = struct.pack(">I", zlib.crc32(interlaced[12:29]))
    np.testing.assert_array_equal(image.read(bytes(interlaced)).pixels, to_8(DEEP[:1, :1, :3]))


def test_16_bit_grey_with_alpha_keeps_the_high_byte():
    picture = image.read(png(DEEP[..., :2], 4, 16))
    np.testing.assert_array_equal(picture.pixels, (DEEP[..., [0, 0, 0, 1]] >> 8).astype(np.uint8))
    assert set(picture.notes) == {
        "converted from 16 to 8 bits a channel",
        "converted from grey with alpha to RGBA",
    }


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_transparent_grey_of_few_bits(bits):
    top = 2**bits - 1
    samples = np.arange(12).reshape(3, 4, 1) % (top + 1)
    picture = image.read(
        png(samples, 0, bits, before=chunk(b"tRNS", struct.pack(">H", top // 2 if bits > 1 else 1)))
    )
    clear = top // 2 if bits > 1 else 1
    np.testing.assert_array_equal(picture.pixels[..., 0], samples[..., 0] * 255 // top)
    np.testing.assert_array_equal(
        picture.pixels[..., 3], np.where(samples[..., 0] == clear, 0, 255)
    )
    assert "converted from grey to RGBA" in picture.notes


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (3, 2)])
def test_transparent_colour_of_16_bits_is_compared_in_16_bits(channels, colour_type):
    samples = np.full((1, 2, channels), 5000, np.uint16)
    samples[0, 1] = 5001  # the same once it has 8 bits
    key = struct.pack(f">{channels}H", *[5000] * channels)
    picture = image.read(png(samples, colour_type, 16, before=chunk(b"tRNS", key)))
    assert picture.pixels.tolist() == [[[19, 19, 19, 0], [19, 19, 19, 255]]]


def test_transparent_colour_of_rgb():
    key = struct.pack(">3H", *RGB[2, 2])
    picture = image.read(png(RGB, 2, 8, before=chunk(b"tRNS", key)))
    np.testing.assert_array_equal(picture.pixels[..., :3], RGB)
    assert picture.pixels[2, 2, 3] == 0 and (picture.pixels[..., 3] == 0).sum() == 1
    assert picture.notes == ("converted from RGB to RGBA",)


def linear(values):
    values = values / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(light):
    light = light.clip(0, 1)
    return np.rint(
        255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    )


# Linear light of P3 and of BT.2020 to sRGB's: CSS Color 4, sample code for colour conversions.
P3_MATRIX = np.array(
    [[1.2249402, -0.2249402, 0], [-0.0420570, 1.0420570, 0], [-0.0196376, -0.0786361, 1.0982736]]
)
BT2020_MATRIX = np.array(
    [
        [1.6604910, -0.5876411, -0.0728499],
        [-0.1245505, 1.1328999, -0.0083494],
        [-0.0181508, -0.1005789, 1.1187297],
    ]
)


@pytest.mark.parametrize(
    ("chunks", "expected", "note"),
    [
        (
            coded(12, 13),
            lambda rgb: encoded(linear(rgb) @ P3_MATRIX.T),
            "converted from Display P3 to sRGB",
        ),
        (
            corners(P3),
            lambda rgb: encoded(linear(rgb) @ P3_MATRIX.T),
            "converted from Display P3 to sRGB",
        ),
        (
            coded(9, 1),
            lambda rgb: encoded(linear(rgb) @ BT2020_MATRIX.T),
            "converted from BT.2020 to sRGB",
        ),
        (coded(1, 8), lambda rgb: encoded(rgb / 255), "converted from linear light to sRGB"),
        (gamma(1), lambda rgb: encoded(rgb / 255), "converted from linear light to sRGB"),
        (
            gamma(1 / 1.8),
            lambda rgb: encoded((rgb / 255) ** 1.8),
            "converted from gamma 1.8 to sRGB",
        ),
        (
            gamma(1) + corners(P3),
            lambda rgb: encoded((rgb / 255) @ P3_MATRIX.T),
            "converted from Display P3 and linear light to sRGB",
        ),
    ],
)
def test_named_colours_are_converted_to_srgb_with_a_note(chunks, expected, note):
    picture = image.read(png(RGB, 2, 8, before=chunks))
    assert np.abs(picture.pixels - expected(RGB)).max() <= 1
    assert (picture.pixels == expected(RGB)).mean() > 0.95
    assert picture.notes == (note,) and picture.icc is None


def test_linear_light_of_16_bits_is_converted_before_it_has_8():
    samples = (
        np.arange(48, dtype=np.uint16).reshape(4, 4, 3) * 16
    )  # 8 bits of them would be 0 and 1 and 2
    picture = image.read(png(samples, 2, 16, before=gamma(1)))
    np.testing.assert_array_equal(picture.pixels, encoded(samples / 65_535))
    assert picture.notes == (
        "converted from linear light to sRGB",
        "converted from 16 to 8 bits a channel",
    )


def test_alpha_is_not_touched_by_a_colour_space():
    samples = np.concatenate([RGB, GREY], axis=2)
    picture = image.read(png(samples, 6, 8, before=gamma(1)))
    np.testing.assert_array_equal(picture.pixels[..., 3], GREY[..., 0])
    assert (picture.pixels[..., :3] != RGB).any()


def test_grey_has_a_gamma_and_no_primaries():
    np.testing.assert_array_equal(
        image.read(png(GREY, 0, 8, before=gamma(1))).pixels, encoded(GREY / 255)
    )
    picture = image.read(png(GREY, 0, 8, before=corners(P3)))
    np.testing.assert_array_equal(picture.pixels, GREY)
    assert picture.notes == ()


@pytest.mark.parametrize(
    "chunks",
    [
        coded(1, 13),
        coded(1, 1),
        coded(2, 2),
        gamma(0.45455),
        gamma(0.45455) + corners(SRGB_CORNERS),
        coded(1, 13) + gamma(1),
        chunk(b"sRGB", b"\0") + gamma(1) + corners(P3),
        coded(1, 13) + profile(SRGB),
    ],
)
def test_what_is_srgb_already_stays_without_a_note(chunks):
    picture = image.read(png(RGB, 2, 8, before=chunks))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.notes == () and picture.icc is None


def test_a_profile_goes_before_gamma_and_a_broken_one_does_not():
    picture = image.read(png(RGB, 2, 8, before=profile(SRGB) + gamma(1)))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.icc == SRGB and picture.notes == ()
    picture = image.read(png(RGB, 2, 8, before=chunk(b"iCCP", b"x\0\0garbage") + gamma(1)))
    assert picture.notes == ("dropped a broken ICC profile", "converted from linear light to sRGB")


@pytest.mark.parametrize(
    ("chunks", "note"),
    [
        (coded(9, 16), "HDR colours (PQ) are taken as sRGB"),
        (coded(9, 18), "HDR colours (HLG) are taken as sRGB"),
        (coded(77, 13), "code points 77 and 13"),
        (coded(9, 13, matrix=9), "not one of full-range RGB"),
        (coded(1, 13, full_range=0), "not one of full-range RGB"),
        (chunk(b"gAMA", bytes(4)), "ignored a gamma of 0"),
        (corners([0.3] * 8), "primaries that span no colours"),
        (corners((0.3127, 0, *P3[2:])), "primaries that span no colours"),
    ],
)
def test_colours_that_cannot_be_converted_are_told(chunks, note):
    picture = image.read(png(RGB, 2, 8, before=chunks))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert len(picture.notes) == 1 and note in picture.notes[0]


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"eXIf", b"\0\x08\0\x02\x01\x12\0\x03"),
        chunk(b"tEXt", b"Comment\0hello")[:-1] + b"\0",
        chunk(b"zTXt", b"Comment\0\0not zlib"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0not zlib"),
        chunk(b"gAMA", b"\0"),
        chunk(b"cHRM", b"\0"),
        chunk(b"pHYs", b"\0"),
        chunk(b"acTL", b"\0"),
        chunk(b"eXIf", b""),
    ],
)
def test_a_broken_chunk_beside_the_pixels_is_no_reason_to_refuse(broken, where):
    picture = image.read(png(RGB, 2, 8, **{where: broken}))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.exif is None and picture.xmp is None and picture.dpi is None


def test_dropped_chunks_are_told():
    assert image.read(png(RGB, 2, 8, before=chunk(b"eXIf", b"garbage!"))).notes == (
        "dropped a broken EXIF block",
    )
    damaged = chunk(b"tEXt", b"Comment\0hello")[:-1] + b"\0"
    assert image.read(png(RGB, 2, 8, before=damaged)).notes == ("dropped a damaged chunk (tEXt)",)


def test_large_profiles_and_texts_are_read():
    large = SRGB + bytes(3 << 20)
    packet = b"<x:xmpmeta>" + b" " * (2 << 20) + b"</x:xmpmeta>"
    text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet))
    comments = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2 << 20)))
    picture = image.read(png(RGB, 2, 8, before=profile(large) + text + comments))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.icc == large and picture.xmp == packet and picture.notes == ()


def test_a_profile_that_unpacks_without_end_is_dropped():
    packed = zlib.compress(bytes(65 << 20), 9)
    picture = image.read(png(RGB, 2, 8, before=chunk(b"iCCP", b"x\0\0" + packed)))
    assert picture.icc is None and picture.notes == ("dropped a broken ICC profile",)


def test_metadata():
    exif, packet = oriented(6), b'<x:xmpmeta tiff:Orientation="6"/>'
    chunks = chunk(b"eXIf", exif) + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
    picture = image.read(
        png(RGB, 2, 8, before=chunks + chunk(b"pHYs", struct.pack(">IIB", 11_811, 5_906, 1)))
    )
    np.testing.assert_array_equal(picture.pixels, np.rot90(RGB, -1))
    assert picture.xmp == b'<x:xmpmeta tiff:Orientation="1"/>'
    assert picture.dpi == pytest.approx((150, 300), rel=1e-3)  # turned with the picture
    assert picture.exif is None and picture.notes == ()


def test_metadata_as_imagemagick_writes_it():
    text = b"\nexif\n      26\n" + oriented(6).hex().encode() + b"\n"
    picture = image.read(
        png(RGB, 2, 8, before=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))
    )
    np.testing.assert_array_equal(picture.pixels, np.rot90(RGB, -1))


def test_pixels_that_are_not_square_are_told():
    picture = image.read(png(RGB, 2, 8, before=chunk(b"pHYs", struct.pack(">IIB", 2, 1, 0))))
    assert picture.dpi is None and picture.notes == ("its pixels are 1:2 and taken as square",)
    assert (
        image.read(png(RGB, 2, 8, before=chunk(b"pHYs", struct.pack(">IIB", 1, 1, 0)))).notes == ()
    )


def test_a_wrong_checksum_of_sound_pixels_is_told_and_of_others_refused():
    data = png(RGB, 2, 8, end=False)
    picture = image.read(data[:-1] + bytes([data[-1] ^ 1]))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.notes == (
        "a chunk of its pixels has a wrong checksum, though the pixels themselves match theirs",
    )
    with pytest.raises(ImageError, match="is damaged"):
        image.read(data[:60] + bytes([data[60] ^ 1]) + data[61:])


def test_a_file_without_its_end_is_whole_if_its_pixels_are():
    data = png(RGB, 2, 8, end=False)
    assert image.read(data).notes == ()
    with pytest.raises(ImageError, match="is truncated"):
        image.read(data[:-20])


def test_palettes():
    palette = chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0]))
    indices = np.array([[[0], [1], [2]]])
    picture = image.read(png(indices, 3, 8, before=palette))
    assert picture.pixels.tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 0]]]
    assert picture.notes[0] == "1 pixels point beyond the palette of 2 colours and become black"
    picture = image.read(png(indices[:, :2], 3, 4, before=palette + chunk(b"tRNS", b"\x10")))
    assert picture.pixels.tolist() == [[[255, 0, 0, 16], [0, 255, 0, 255]]]
    with pytest.raises(ImageError, match=r"its palette \(PLTE chunk\) is missing"):
        image.read(png(indices, 3, 8))


def test_sizes_are_checked_before_anything_else():
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    with pytest.raises(ImageError, match="60000 x 60000 pixels, beyond the limit"):
        image.read(b"\x89PNG\r\n\x1a\n" + header)
    for side in ((0, 5), (5, 0)):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", *side, 8, 2, 0, 0, 0))
        with pytest.raises(ImageError, match="which is no picture"):
            image.read(b"\x89PNG\r\n\x1a\n" + header)


def test_animations(tmp_path):
    first, second = Image.fromarray(RGB), Image.fromarray(RGB[::-1])
    first.save(tmp_path / "a.png", save_all=True, append_images=[second])
    assert image.read(tmp_path / "a.png").notes == ("only the first of 2 frames is used",)
    second.save(
        tmp_path / "b.png", save_all=True, append_images=[first, second], default_image=True
    )
    picture = image.read(tmp_path / "b.png")
    np.testing.assert_array_equal(picture.pixels, RGB[::-1])
    assert picture.notes == ("only the still picture is used, not the animation of 2 frames",)
