"""Files that need an extra: read where it is installed, else it is named."""

import io
import struct
import sys

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


def jpeg_2000_of_16_bits() -> bytes:
    """A file that says so in its header."""
    data = saved("JPEG2000")
    at = data.index(b"ihdr") + 14
    return data[:at] + b"\x0f" + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "package", "extra"),
    [
        (iso_file(b"heic", b"mif1"), "pillow_heif", "heif"),
        (iso_file(b"mif1", b"heic"), "pillow_heif", "heif"),
        (b"\xff\x0a\xff\x0f", "imagecodecs", "jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + iso_file(b"jxl "), "imagecodecs", "jxl"),
        (jpeg_2000_of_16_bits(), "imagecodecs", "jp2"),
    ],
)
def test_missing_extras_are_named(monkeypatch, data, package, extra):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(
        ImageError,
        match=rf"needs {package.replace('_', '-')}; install it \(pip install 'jaxcodec\[{extra}\]'\)",  # noqa: E501
    ):
        image.read(data)


def test_heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(SMOOTH)).save(buffer, quality=95)
    picture = image.read(buffer.getvalue())
    assert np.abs(picture.pixels.astype(int) - SMOOTH).mean() < 4 and picture.notes == ()
    with pytest.raises(ImageError, match="beyond the limit of 239 pixels"):
        image.read(buffer.getvalue(), max_pixels=239)
    with pytest.raises(ImageError, match="begins as a HEIC file, but is damaged"):
        image.read(iso_file(b"heic", b"mif1"))


@pytest.mark.parametrize("boxes", [False, True])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_xl(boxes, channels):
    imagecodecs = pytest.importorskip("imagecodecs")
    pixels = np.random.default_rng(1).integers(0, 256, (12, 20, channels), np.uint8)
    data = imagecodecs.jpegxl_encode(pixels.squeeze(), lossless=True, usecontainer=boxes)
    np.testing.assert_array_equal(image.read(data).pixels, pixels)
    with pytest.raises(ImageError, match="20 x 12 pixels, beyond the limit of 239 pixels"):
        image.read(data, max_pixels=239)
    with pytest.raises(ImageError, match="begins as a JPEG XL file, but is damaged"):
        image.read(data[: len(data) // 2])


def test_deep_jpeg_xl_is_converted_with_a_note():
    imagecodecs = pytest.importorskip("imagecodecs")
    picture = image.read(imagecodecs.jpegxl_encode(PIXELS.astype(np.uint16) * 257, lossless=True))
    np.testing.assert_array_equal(picture.pixels, PIXELS)
    assert "converted from 16 to 8 bits a channel" in picture.notes


@pytest.mark.parametrize("bits", [12, 16])
def test_deep_jpeg_2000(bits):
    imagecodecs = pytest.importorskip("imagecodecs")
    samples = np.rint(PIXELS / 255 * (2**bits - 1)).astype(np.uint16)
    samples[0, 0] = 2**bits - 1  # of which Pillow makes black
    data = imagecodecs.jpeg2k_encode(samples, level=0, bitspersample=bits, reversible=True)
    picture = image.read(data)
    np.testing.assert_array_equal(picture.pixels, np.rint(samples / (2**bits - 1) * 255))
    assert picture.notes == (f"converted from {bits} to 8 bits a channel",)
    assert image.read(saved("JPEG2000")).notes == ()
