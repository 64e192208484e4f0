"""Kinds of files: known by their first bytes, read with their notes, or refused with what to do
instead.
"""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from jaxcodec import image
from jaxcodec.errors import ImageError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
SMOOTH = np.linspace(20, 230, 12 * 20 * 3).reshape(12, 20, 3).astype(np.uint8)


def saved(format_: str, pixels=PIXELS, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format_, **options)
    return buffer.getvalue()


def iso_file(brand: bytes, *others: bytes) -> bytes:
    brands = brand + bytes(4) + b"".join(others)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + b"\0\0\0\x08mdat"


@pytest.mark.parametrize(
    "format_", ["PNG", "BMP", "GIF", "PPM", "TGA", "SGI", "PCX", "TIFF", "ICO", "JPEG2000"]
)
def test_contents_decide_and_not_the_suffix(tmp_path, format_):
    (tmp_path / "a.jpg").write_bytes(
        saved(format_, **({"sizes": [(20, 12)]} if format_ == "ICO" else {}))
    )
    picture = image.read(tmp_path / "a.jpg")
    tolerance = 60 if format_ == "GIF" else 0
    assert picture.pixels.shape == PIXELS.shape
    assert np.abs(picture.pixels.astype(int) - PIXELS).max() <= tolerance


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a drawing .PostScript.; render it to PNG first"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is a drawing .SVG."),
        (b"<?xml version='1.0'?>\n<!-- made by hand -->\n<svg>", "is a drawing .SVG."),
        (
            b"<!DOCTYPE html><html>404</html>",
            "is a web page and no image; download the image itself",
        ),
        (b"v/1\x01" + bytes(20), "OpenEXR"),
        (b"#?RADIANCE\n", "Radiance"),
        (b"PF\n4 4\n-1\n" + bytes(192), "colour float map"),
        (b"P7\nWIDTH 4\n", "PAM"),
        (b"II*\0\x10\0\0\0CR\x02\0", "camera's raw file; develop it"),
        (b"FUJIFILMCCD-RAW ", "camera's raw file"),
        (iso_file(b"isom", b"mp42"), "is a video"),
        (iso_file(b"qt  "), "is a video"),
        (b"PK\x03\x04", "is a ZIP archive; unpack it"),
        (b"", "is not an image in a known format; convert it to PNG"),
        (b"hello", "is not an image in a known format"),
        (b"GIF89a", "begins as a GIF file, but is damaged"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "begins as a WebP file, but is damaged"),
    ],
)
def test_what_is_no_picture_is_told_with_what_to_do(data, said):
    with pytest.raises(ImageError, match=said):
        image.read(data)


def test_deep_grey_jpeg_2000(tmp_path):
    samples = np.linspace(0, 65_535, 240).reshape(12, 20).astype(np.uint16)
    picture = image.read(saved("JPEG2000", samples))
    assert np.abs(picture.pixels[..., 0] - samples / 257).max() <= 1
    assert picture.notes == ("converted from 16 to 8 bits a channel",)


@pytest.mark.parametrize(
    ("top", "bits"), [(1, 1), (15, 4), (255, 8), (1023, 10), (40_000, 16), (65_535, 16)]
)
@pytest.mark.parametrize("letter", ["P5", "P6"])
def test_portable_maps_of_any_range(letter, top, bits):
    channels = 1 if letter == "P5" else 3
    samples = np.random.default_rng(2).integers(0, top + 1, (6, 5, channels))
    samples[0, 0], samples[0, 1] = top, 0
    body = samples.astype(">u2" if top > 255 else np.uint8).tobytes()
    picture = image.read(f"{letter}\n# a comment\n5 6\n{top}\n".encode() + body)
    assert np.abs(picture.pixels - samples * 255 / top).max() <= 0.51
    assert any("to 8 bits a channel" in note for note in picture.notes) == (bits > 8)


def test_deep_sgi():
    header = struct.pack(">hBBHHHH", 474, 0, 2, 3, 20, 12, 3).ljust(512, b"\0")
    planes = (PIXELS.astype(np.uint16) * 257)[::-1].transpose(2, 0, 1).astype(">u2").tobytes()
    picture = image.read(header + planes)
    np.testing.assert_array_equal(picture.pixels, PIXELS)
    assert picture.notes == ("converted from 16 to 8 bits a channel",)


def avif_coded(primaries: int, transfer: int) -> bytes:
    data = saved("AVIF", PIXELS, quality=100, subsampling="4:4:4")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def test_colours_of_avif():
    plain = image.read(avif_coded(1, 13))
    assert plain.notes == ()
    assert image.read(avif_coded(2, 2)).notes == ()
    wide = image.read(avif_coded(12, 13))
    assert (
        wide.notes == ("converted from Display P3 to sRGB",) and (wide.pixels != plain.pixels).any()
    )
    hdr = image.read(avif_coded(9, 16))
    np.testing.assert_array_equal(hdr.pixels, plain.pixels)
    assert "HDR colours (PQ) are taken as sRGB" in hdr.notes[0]


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "AVIF", "TIFF"])
def test_of_several_frames_the_first_is_read_with_a_note(format_):
    first, second = Image.fromarray(SMOOTH), Image.fromarray(PIXELS)
    buffer = io.BytesIO()
    first.save(buffer, format_, save_all=True, append_images=[second, first])
    picture = image.read(buffer.getvalue())
    assert np.abs(picture.pixels.astype(int) - SMOOTH).mean() < 12
    assert picture.notes[0] == "only the first of 3 frames is used"


def test_stereo_jpeg():
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).save(
        buffer, "MPO", save_all=True, append_images=[Image.fromarray(PIXELS)]
    )
    assert image.read(buffer.getvalue()).notes == ("only the first of 2 frames is used",)


def test_cmyk_jpeg_is_no_negative():
    inks = Image.fromarray(SMOOTH).convert("CMYK")
    buffer = io.BytesIO()
    inks.save(buffer, "JPEG", quality=100)
    picture = image.read(buffer.getvalue())
    assert np.abs(picture.pixels.astype(int) - SMOOTH).mean() < 3
    assert picture.notes == ("converted from CMYK to RGB",)


def test_rare_kinds_of_jpeg_are_named():
    data = saved("JPEG")
    at = data.index(b"\xff\xc0") + 4
    with pytest.raises(ImageError, match="is a JPEG file of 12 bits a channel; convert it"):
        image.read(data[:at] + b"\x0c" + data[at + 1 :])
    with pytest.raises(ImageError, match="is a JPEG-LS file"):
        image.read(b"\xff\xd8\xff\xf7\0\x11\x08" + bytes(20))


def test_transparent_tga():
    pixels = np.dstack([PIXELS, PIXELS[..., 0]])
    np.testing.assert_array_equal(image.read(saved("TGA", pixels)).pixels, pixels)


def test_suffixes_of_images_in_folders():
    assert {
        *(
            ".png",
            ".apng",
            ".jpg",
            ".jpeg",
            ".jpe",
            ".jfif",
            ".mpo",
            ".webp",
            ".tif",
            ".tiff",
            ".bmp",
            ".gif",
            ".avif",
        ),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2", ".heic", ".heif", ".jxl"),
    } <= image.READ_SUFFIXES
