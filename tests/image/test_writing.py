"""What image files are written with: metadata, profiles, formats, and where they go."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from jaxcodec import image
from jaxcodec.errors import ImageError
from jaxcodec.image import Picture, standard_profiles

RGB = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
GREY, RGBA = RGB[..., :1], np.concatenate([RGB, RGB[..., :1]], axis=-1)
P3, GREY_22, GREY_SRGB = (standard_profiles.content(number) for number in (2, 5, 6))
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><title>Zoë</title></x:xmpmeta>'.encode()
CARRY = [".png", ".jpg", ".tif", ".webp"]
"""Suffixes of the formats that hold all that describes a picture."""


def exif(orientation: int | None = None, comment: bytes = b"") -> bytes:
    """An EXIF block as TIFF bytes: a camera, a time of exposure, a place."""
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "Camera"
    if orientation is not None:
        tags[ExifTags.Base.Orientation] = orientation
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.25
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return tags.tobytes().removeprefix(b"Exif\0\0")


def written(picture: Picture, suffix: str) -> tuple[Image.Image, tuple[str, ...]]:
    """What Pillow finds in the file of a picture, and the notes."""
    file = io.BytesIO()
    notes = image.write(file, picture, suffix)
    found = Image.open(file)
    found.load()
    return found, notes


@pytest.mark.parametrize("suffix", CARRY)
def test_metadata_is_written(suffix):
    found, notes = written(Picture(RGB, P3, exif(), XMP, (300.0, 150.0)), suffix)
    assert notes == ()
    tags = found.getexif()
    assert tags[ExifTags.Base.Make] == "Camera"
    assert tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] == 0.25
    assert tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    xmp = found.info.get("xmp") or found.info["XML:com.adobe.xmp"].encode()
    assert xmp == XMP
    assert found.info["icc_profile"] == P3
    if suffix != ".webp":
        assert found.info["dpi"] == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("suffix", image.WRITE_SUFFIXES)
def test_no_format_needs_metadata(suffix):
    found, notes = written(Picture(RGB), suffix)
    assert (found.size, notes) == ((5, 7), ())
    assert "icc_profile" not in found.info
    if found.format != "TIFF":
        assert not dict(found.getexif())


@pytest.mark.parametrize("suffix", CARRY)
def test_no_orientation_is_written(suffix):
    turned = XMP.replace(b"<title>", b"<tiff:Orientation>6</tiff:Orientation><title>")
    found, notes = written(Picture(RGB, exif=exif(orientation=6), xmp=turned), suffix)
    assert notes == ()
    assert found.getexif().get(ExifTags.Base.Orientation, 1) == 1
    assert found.getexif()[ExifTags.Base.Make] == "Camera"
    assert b"Orientation>6<" not in (
        found.info.get("xmp") or found.info["XML:com.adobe.xmp"].encode()
    )


def test_a_tiff_does_not_take_its_layout_from_exif():
    tags = Image.Exif()
    tags[ExifTags.Base.ImageWidth], tags[ExifTags.Base.BitsPerSample] = 4000, 12
    tags[ExifTags.Base.Compression], tags[ExifTags.Base.Make] = 6, "Camera"
    found, _ = written(Picture(RGB, exif=tags.tobytes()), ".tif")
    np.testing.assert_array_equal(np.asarray(found), RGB)
    assert found.getexif()[ExifTags.Base.Make] == "Camera"


def test_webp_has_the_resolution_in_exif():
    found, notes = written(Picture(RGB, dpi=(300.0, 150.0)), ".webp")
    assert notes == ()
    tags = found.getexif()
    assert [tags[tag] for tag in (ExifTags.Base.XResolution, ExifTags.Base.YResolution)] == [
        300,
        150,
    ]


def test_a_broken_exif_block_is_dropped_with_a_note():
    found, notes = written(Picture(RGB, exif=b"II*\0\xff\xff\xff\xff"), ".tif")
    assert found.size == (5, 7)
    assert "EXIF" in notes[0]


def test_exif_that_cannot_become_tags_of_a_tiff_is_dropped_with_a_note():
    entry = b"\x0f\1\x0c\0\1\0\0\0\x1a\0\0\0"  # a name that is a number
    found, notes = written(
        Picture(RGB, exif=b"II*\0\x08\0\0\0\1\0" + entry + bytes(12), xmp=XMP), ".tif"
    )
    np.testing.assert_array_equal(np.asarray(found), RGB)
    assert ("EXIF" in notes[0], found.info["xmp"]) == (True, XMP)


@pytest.mark.parametrize("suffix", CARRY)
def test_damaged_exif_never_keeps_a_picture_from_being_written(suffix):
    sound, rng = exif(comment=b"words"), np.random.default_rng(0)
    for _ in range(60):
        block = bytearray(sound)
        for place in rng.integers(0, len(block), 3):
            block[place] = rng.integers(0, 256)
        found, _ = written(Picture(RGB, exif=bytes(block)), suffix)
        assert found.size == (5, 7)


def test_what_a_jpeg_cannot_hold_is_dropped_with_a_note():
    long = exif(comment=bytes(70_000))
    found, notes = written(Picture(RGB, exif=long, xmp=XMP + b" " * 70_000), ".jpg")
    assert not dict(found.getexif())
    assert [note.split(" bytes")[0] for note in notes] == [
        f"dropped EXIF of {len(long):,}",
        f"dropped XMP of {len(XMP) + 70_000:,}",
    ]
    found, notes = written(Picture(RGB, exif=long), ".png")
    assert (notes, found.getexif()[ExifTags.Base.Make]) == ((), "Camera")


@pytest.mark.parametrize("suffix", CARRY)
def test_a_long_profile_is_read_again(tmp_path, suffix):
    """Longer than the mebibyte that Pillow allows in a PNG, and than a segment of a JPEG."""
    noise = np.random.default_rng(0).bytes(1_500_000)
    profile = (len(P3) + len(noise)).to_bytes(4, "big") + P3[4:] + noise
    assert (
        image.write(
            tmp_path / f"a{suffix}",
            Picture(RGB, profile, xmp=XMP + b" " * 1_500_000 if suffix == ".png" else None),
        )
        == ()
    )
    again = image.read(tmp_path / f"a{suffix}")
    assert again.icc == profile
    if suffix == ".png":
        assert len(again.xmp) == len(XMP) + 1_500_000


@pytest.mark.parametrize("suffix", [".bmp", ".ppm"])
def test_colour_whose_profile_cannot_stay_becomes_srgb(suffix):
    red = np.full((3, 4, 3), (234, 51, 35), np.uint8)  # the red of sRGB, in Display P3
    found, notes = written(Picture(red, P3), suffix)
    np.testing.assert_allclose(np.asarray(found), np.full_like(red, (255, 0, 0)), atol=3)
    assert "converted to sRGB" in notes[0]
    found, notes = written(Picture(red, standard_profiles.content(1)), suffix)
    np.testing.assert_array_equal(np.asarray(found), red)
    assert notes == ()


def test_grey_whose_profile_cannot_stay_in_a_webp_becomes_srgb():
    grey = np.full((3, 4, 1), 20, np.uint8)
    found, notes = written(Picture(grey, GREY_22), ".webp")
    light = (20 / 255) ** 2.2
    assert "icc_profile" not in found.info
    np.testing.assert_allclose(
        np.asarray(found), 255 * (1.055 * light ** (1 / 2.4) - 0.055), atol=1
    )
    assert "converted to sRGB by its ICC profile, which a WebP cannot hold" in notes[0]
    found, notes = written(Picture(grey, GREY_SRGB), ".webp")
    assert ((np.asarray(found) == 20).all(), notes) == (True, ())
    assert written(Picture(grey, GREY_22), ".png")[0].info["icc_profile"] == GREY_22


def test_profiles_that_do_not_fit_or_cannot_be_read_are_dropped_with_a_note():
    found, notes = written(Picture(GREY, P3), ".png")
    assert "icc_profile" not in found.info
    assert "does not fit" in notes[0]
    found, notes = written(Picture(RGB, bytes(16) + b"RGB " + bytes(200)), ".ppm")
    np.testing.assert_array_equal(np.asarray(found), RGB)
    assert "dropped an ICC profile" in notes[0]


def test_what_a_ppm_cannot_hold_is_named():
    _, notes = written(Picture(RGB, exif=exif(), xmp=XMP, dpi=(72.0, 72.0)), ".ppm")
    assert all(any(word in note for note in notes) for word in ("EXIF", "XMP", "resolution"))


@pytest.mark.parametrize("dpi", [(0.0, 72.0), (float("nan"),) * 2, (float("inf"),) * 2, (1e9, 1e9)])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_resolution_that_cannot_be_does_no_harm(suffix, dpi):
    assert written(Picture(RGB, dpi=dpi), suffix)[0].size == (5, 7)


@pytest.mark.parametrize("suffix", [".bmp", ".ppm", ".jpg"])
def test_alpha_is_refused_where_there_is_no_place_for_it(tmp_path, suffix):
    with pytest.raises(
        ImageError, match="cannot hold the picture's alpha channel; use .png or .webp"
    ):
        image.write(tmp_path / f"a{suffix}", Picture(RGBA))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", [".ppm", "ppm", "PPM"])
def test_a_file_object_takes_a_format(format):
    file = io.BytesIO()
    image.write(file, Picture(RGB), format)
    assert file.getvalue() == b"P6\n5 7\n255\n" + RGB.tobytes()


def test_a_format_overrides_the_suffix_of_a_path(tmp_path):
    image.write(tmp_path / "a.png", Picture(GREY), "pgm")
    assert (tmp_path / "a.png").read_bytes() == b"P5\n5 7\n255\n" + GREY.tobytes()


@pytest.mark.parametrize("format", [None, "", "avif", ".gif"])
def test_an_unknown_format_names_the_known_ones(format):
    with pytest.raises(ImageError, match=r"use one of the suffixes \.png .* \.ppm"):
        image.write(io.BytesIO(), Picture(RGB), format)


def test_a_file_object_that_cannot_be_written_is_an_error():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(ImageError, match="cannot write the file: No space left on device"):
        image.write(Full(), Picture(RGB), "png")
