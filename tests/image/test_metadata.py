"""EXIF, XMP, orientation and resolution: what is carried, what is reset, and what a broken block
does.
"""

import io
import struct

import numpy as np
import pytest
from made_files import exif, oriented
from PIL import Image

from jaxcodec import image

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
UPRIGHT = {6: lambda stored: np.rot90(stored, -1), 8: np.rot90}


def jpeg(**options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


STORED = image.read(jpeg()).pixels


def saved(format_: str, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, format_, **options)
    return buffer.getvalue()


def camera_block(orientation: int = 6) -> Image.Exif:
    block = Image.Exif()
    block[0x0112], block[0x0110] = orientation, "Camera 1"
    block[0x011A], block[0x011B], block[0x0128] = 300.0, 200.0, 2
    block.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    block.get_ifd(0x8825)[0x0001] = "N"
    return block


def tags(block: bytes) -> Image.Exif:
    found = Image.Exif()
    found.load(block)
    return found


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_is_kept_without_the_orientation_that_was_applied(format_):
    picture = image.read(saved(format_, exif=camera_block()))
    assert picture.pixels.shape == (24, 16, 3) and picture.notes == ()
    assert picture.exif[:2] in (b"II", b"MM")
    found = tags(picture.exif)
    assert 0x0112 not in found and found[0x0110] == "Camera 1"
    assert (
        found.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09" and found.get_ifd(0x8825)[1] == "N"
    )
    assert picture.dpi == (200, 300)  # turned with the picture


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", [6, 8])
def test_either_byte_order(order, orientation):
    picture = image.read(jpeg(exif=b"Exif\0\0" + oriented(orientation, order)))
    np.testing.assert_array_equal(picture.pixels, UPRIGHT[orientation](STORED))
    assert picture.exif is None and picture.notes == ()


@pytest.mark.parametrize(
    ("kind", "count", "value", "turned"),
    [
        (3, 1, b"\x06\0\0\0", True),
        (4, 1, b"\x06\0\0\0", True),  # LONG
        (1, 1, b"\x06", True),  # BYTE
        (2, 2, b"6\0", True),  # a digit, which ImageMagick and exiftool take
        (2, 2, b"x\0", False),
        (3, 2, b"\x06\0\x06\0", False),
        (3, 1, b"\0\0", False),
        (3, 1, b"\x09\0", False),
    ],
)
def test_orientations_of_other_types(kind, count, value, turned):
    picture = image.read(jpeg(exif=b"Exif\0\0" + exif([(0x0112, kind, count, value)])))
    np.testing.assert_array_equal(picture.pixels, UPRIGHT[6](STORED) if turned else STORED)
    assert picture.exif is None


SIX = (0x0112, 3, 1, b"\x06\0")


@pytest.mark.parametrize(
    "entry",
    [
        (0x010F, 99, 1, bytes(4)),  # no such type
        (0x011A, 5, 1, struct.pack("<I", 50_000)),  # a value beyond the end
        (0x010F, 2, 2**31, struct.pack("<I", 8)),  # a value of 2 GiB
        (0x8825, 4, 1, struct.pack("<I", 90_000)),  # a directory beyond the end
        (0x8769, 4, 1, struct.pack("<I", 8)),  # a directory that holds itself
        (0x8769, 4, 1, bytes(4)),  # a directory in the header
    ],
)
def test_broken_entries_are_dropped_and_the_others_hold(entry):
    make = (0x010E, 2, 4, b"cat\0")
    picture = image.read(jpeg(exif=b"Exif\0\0" + exif([make, SIX, entry])))
    np.testing.assert_array_equal(picture.pixels, UPRIGHT[6](STORED))
    assert dict(tags(picture.exif)) == {0x010E: "cat"}
    assert picture.notes == ("dropped 1 broken entry of the EXIF block",)


@pytest.mark.parametrize(
    "block",
    [
        b"garbage, and no block",
        b"II*\0\x60\xea\0\0",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0",
        b"II*\0\x08\0\0\0\xff\xff",
        oriented(6)[2:],
        b"Exif\0\0" + oriented(6),
        b"II*\0",
    ],
)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_broken_block_is_dropped_with_a_note(format_, block):
    if format_ != "JPEG" and block.startswith(b"Exif\0\0"):
        return  # there the first header is no part of the block
    data = saved(format_, exif=b"Exif\0\0" + block if format_ == "JPEG" else block)
    picture = image.read(data)
    assert picture.pixels.shape == PIXELS.shape and picture.exif is None
    assert picture.notes == ("dropped a broken EXIF block",)


def test_an_avif_file_with_a_broken_block_is_read():
    data = saved("AVIF", exif=exif([(0x010E, 2, 4, b"cat\0")]))
    at = data.index(b"II*\0")
    picture = image.read(data[:at] + b"garbage!" + data[at + 8 :])
    np.testing.assert_array_equal(picture.pixels, image.read(data).pixels)
    assert picture.exif is None and picture.notes == ("dropped a broken EXIF block",)


def test_empty_blocks_say_nothing():
    assert image.read(jpeg(exif=b"Exif\0\0")).notes == ()
    assert image.read(jpeg(exif=b"Exif\0\0" + exif([]))).exif is None


def test_the_thumbnail_is_cut_off():
    thumbnail = exif(
        [(0x0201, 4, 1, struct.pack("<I", 200)), (0x0202, 4, 1, struct.pack("<I", 5000))]
    )[8:]
    block = exif([(0x010E, 2, 4, b"cat\0")], tail=thumbnail + b"\xff\xd8" * 2500, following=26)
    picture = image.read(jpeg(exif=b"Exif\0\0" + block))
    assert dict(tags(picture.exif)) == {0x010E: "cat"} and len(picture.exif) == 26


def test_sides_that_no_longer_hold_are_dropped():
    block = Image.Exif()
    block[0x0112] = 6
    block.get_ifd(0x8769).update({0xA002: 24, 0xA003: 16, 0x9003: "2024:05:06 07:08:09"})
    assert dict(tags(image.read(jpeg(exif=block)).exif).get_ifd(0x8769)) == {
        0x9003: "2024:05:06 07:08:09"
    }


def test_letters_and_a_maker_note_keep_their_bytes_and_place():
    note = b"maker" * 20
    inner = exif([(0x927C, 7, len(note), struct.pack("<I", 200))])[8:]
    name = "Jörg".encode()
    block = exif(
        [(0x013B, 2, len(name), struct.pack("<I", 190)), (0x8769, 4, 1, struct.pack("<I", 100))]
    )
    block = block.ljust(100, b"\0") + inner
    block = block.ljust(190, b"\0") + name
    block = block.ljust(200, b"\0") + note
    assert image.read(jpeg(exif=b"Exif\0\0" + block)).exif == block


PACKETS = [
    (b'<rdf tiff:Orientation="6" a="8"/>', b'<rdf tiff:Orientation="1" a="8"/>'),
    (b"<rdf tiff:Orientation = '8'/>", b"<rdf tiff:Orientation = '1'/>"),
    (b"<tiff:Orientation>3</tiff:Orientation>", b"<tiff:Orientation>1</tiff:Orientation>"),
    (b"<rdf/>", b"<rdf/>"),
]


@pytest.mark.parametrize(("packet", "reset"), PACKETS)
@pytest.mark.parametrize("format_", ["JPEG", "WEBP", "AVIF"])
def test_xmp_is_kept_upright(format_, packet, reset):
    picture = image.read(saved(format_, xmp=packet, exif=b"Exif\0\0" + oriented(6)))
    assert picture.pixels.shape == (24, 16, 3)
    assert picture.xmp == reset and picture.notes == ()


@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_an_orientation_in_xmp_alone_is_not_applied_as_browsers_do(format_):
    picture = image.read(saved(format_, xmp=PACKETS[0][0]))
    assert picture.pixels.shape == PIXELS.shape and picture.xmp == PACKETS[0][1]
    assert picture.notes == (
        "its XMP says to turn it (orientation 6), which is ignored, as browsers do",
    )


@pytest.mark.parametrize(
    ("data", "dpi"),
    [
        (jpeg(dpi=(300, 200)), (300, 200)),
        (jpeg(), None),
        (jpeg(exif=camera_block(1)), (300, 200)),
        (saved("WEBP", exif=camera_block(1)), (300, 200)),
        (saved("BMP", dpi=(300, 300)), (300, 300)),
        (saved("PNG", dpi=(300, 300)), (300, 300)),
        (saved("TIFF", dpi=(300, 200)), (300, 200)),
        (saved("TIFF", x_resolution=100, y_resolution=50, resolution_unit=3), (254, 127)),
        (saved("TIFF", x_resolution=100, y_resolution=50, resolution_unit=1), None),
    ],
)
def test_resolution(data, dpi):
    assert image.read(data).dpi == (None if dpi is None else pytest.approx(dpi, rel=1e-3))


def test_a_resolution_that_is_none_is_not_kept():
    block = exif(
        [(0x011A, 5, 1, struct.pack("<I", 38)), (0x011B, 5, 1, struct.pack("<I", 38))],
        tail=bytes(8),
    )
    assert image.read(jpeg(exif=b"Exif\0\0" + block)).dpi is None
