"""Pillow's images as pictures, and files given as bytes."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from jaxcodec import image
from jaxcodec.errors import ImageError

RGBA = np.random.default_rng(0).integers(0, 256, (6, 9, 4), np.uint8)
RGB = Image.fromarray(RGBA[..., :3])
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("mode", "note"),
    [
        ("CMYK", "converted from CMYK to RGB"),
        ("YCbCr", "converted from YCbCr to RGB"),
        ("HSV", "converted from HSV to RGB"),
        ("P", "converted from a palette to RGB"),
        ("RGBX", "converted from RGBX to RGB"),
        ("L", None),
        ("LA", "converted from grey with alpha to RGBA"),
        ("1", "converted from 1 bit to grey"),
        ("RGB", None),
    ],
)
def test_modes(mode, note):
    converted = RGB.convert(mode)
    picture = image.from_pil(converted)
    expected = converted.convert({"L": "L", "1": "L", "LA": "RGBA"}.get(mode, "RGB"))
    np.testing.assert_array_equal(picture.pixels.squeeze(), np.asarray(expected))
    assert picture.notes == ((note,) if note else ())


def test_lab():
    grey = Image.frombytes("LAB", (2, 1), bytes([0, 0, 0, 255, 0, 0]))
    picture = image.from_pil(grey)
    assert np.abs(picture.pixels[0].astype(int) - [[0] * 3, [255] * 3]).max() <= 1
    assert picture.notes == ("converted from Lab to sRGB",)


@pytest.mark.parametrize("mode", ["RGBa", "La"])
def test_alpha_that_was_multiplied_in(mode):
    straight = Image.fromarray(np.full((2, 2, 4), (200, 200, 200, 128), np.uint8))
    multiplied = (
        straight.convert("RGBa") if mode == "RGBa" else straight.convert("LA").convert("La")
    )
    picture = image.from_pil(multiplied)
    assert np.abs(picture.pixels.astype(int) - [200, 200, 200, 128]).max() <= 1


def test_numbers():
    deep = np.array([[0, 257, 65_535]], np.uint16)
    assert image.from_pil(Image.fromarray(deep)).pixels.ravel().tolist() == [0, 1, 255]
    assert image.from_pil(Image.fromarray(deep.astype(np.int32))).pixels.ravel().tolist() == [
        0,
        1,
        255,
    ]
    assert image.from_pil(
        Image.fromarray(np.array([[0, 200]], np.int32))
    ).pixels.ravel().tolist() == [0, 200]
    assert image.from_pil(
        Image.fromarray(np.array([[0.0, 1.0]], np.float32))
    ).pixels.ravel().tolist() == [0, 255]


def test_what_describes_it_is_kept_and_the_image_untouched():
    buffer = io.BytesIO()
    block = Image.Exif()
    block[0x0112], block[0x0110] = 6, "Camera"
    RGB.save(buffer, "PNG", exif=block, icc_profile=SRGB, dpi=(300, 300))
    for load in (False, True):
        opened = Image.open(io.BytesIO(buffer.getvalue()))
        if load:
            opened.load()
        picture = image.from_pil(opened)
        np.testing.assert_array_equal(picture.pixels, np.rot90(RGBA[..., :3], -1))
        assert (
            picture.icc == SRGB
            and b"Camera" in picture.exif
            and picture.dpi == pytest.approx((300, 300), rel=1e-3)
        )
        np.testing.assert_array_equal(np.asarray(opened), RGBA[..., :3])


def test_an_opened_file_comes_out_as_by_read():
    planes = np.random.default_rng(1).integers(0, 65_536, (3, 6, 9), np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, planes, photometric="rgb", planarconfig="separate", metadata=None
    )  # Pillow misreads it
    picture = image.from_pil(Image.open(buffer))
    np.testing.assert_array_equal(picture.pixels, np.rint(planes.transpose(1, 2, 0) / 257))


def test_transparent_colours():
    grey = Image.fromarray(np.array([[3, 4]], np.uint8))
    grey.info["transparency"] = 3
    assert image.from_pil(grey).pixels[..., 3].tolist() == [[0, 255]]
    deep = Image.fromarray(np.array([[3, 65_535]], np.uint16))
    deep.info["transparency"] = 3
    picture = image.from_pil(deep)
    assert picture.pixels.shape == (1, 2, 1) and deep.info["transparency"] == 3
    assert "the transparent colour of a 16-bit image is dropped" in picture.notes


def test_problems_are_image_errors():
    with pytest.raises(ImageError, match="the Pillow image holds floats up to 999"):
        image.from_pil(Image.fromarray(np.array([[999]], np.float32)))
    buffer = io.BytesIO()
    RGB.save(buffer, "PNG")
    with pytest.raises(ImageError, match="the Pillow image is truncated"):
        image.from_pil(Image.open(io.BytesIO(buffer.getvalue()[:-40])))
    with pytest.raises(ImageError, match="65535 a side"):
        image.from_pil(Image.new("1", (65_536, 1)))


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, io.BytesIO])
def test_a_file_may_be_given_by_its_bytes_or_open(wrap):
    buffer = io.BytesIO()
    RGB.save(buffer, "PNG")
    np.testing.assert_array_equal(image.read(wrap(buffer.getvalue())).pixels, RGBA[..., :3])
    with pytest.raises(ImageError, match="standard input is not an image"):
        image.read(wrap(b"hello"), name="standard input")


def test_a_stream_that_cannot_go_back(tmp_path):
    class Pipe(io.RawIOBase):
        def __init__(self, data):
            self.source = io.BytesIO(data)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.source.readinto(buffer)

    RGB.save(tmp_path / "a.tif")
    picture = image.read(io.BufferedReader(Pipe((tmp_path / "a.tif").read_bytes())))
    np.testing.assert_array_equal(picture.pixels, RGBA[..., :3])
    with open(tmp_path / "a.tif", "rb") as file:
        np.testing.assert_array_equal(image.read(file).pixels, RGBA[..., :3])
