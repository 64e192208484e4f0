"""Boxes of files that are made by hand."""

import io
import struct

import pytest

from jaxcodec.image import iso


def box(name: bytes, content: bytes, wide: bool = False) -> bytes:
    if wide:
        return struct.pack(">I4sQ", 1, name, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), name) + content


def test_every_box_at_the_top_is_named_with_its_place():
    parts = [box(b"ftyp", b"avif"), box(b"meta", b"12345", wide=True), box(b"mdat", b"")]
    last = struct.pack(">I4s", 0, b"free") + b"to the end"  # a size of 0
    data = b"".join(parts) + last
    contents = {
        name: data[start : start + size] for name, start, size in iso.boxes(io.BytesIO(data))
    }
    assert contents == {b"ftyp": b"avif", b"meta": b"12345", b"mdat": b"", b"free": b"to the end"}


@pytest.mark.parametrize("size", [2, 7, 1000])
def test_a_box_of_a_size_that_cannot_be_ends_the_list_or_the_file(size):
    data = struct.pack(">I4s", size, b"odd ") + b"abc"
    found = list(iso.boxes(io.BytesIO(data)))
    assert found == ([(b"odd ", 8, 3)] if size == 1000 else [])


@pytest.mark.parametrize(
    ("data", "bits"),
    [
        (box(b"pixi", bytes(4) + b"\x03\x0a\x0a\x0a"), 10),
        (box(b"ihdr", bytes(10) + b"\x0b\x07\0\0"), 12),
        (box(b"ihdr", bytes(10) + b"\xff\x07\0\0") + box(b"bpcc", b"\x07\x87\x0f"), 16),
        (b"\xff\x4f\xff\x51" + bytes(38) + b"\x87", 8),  # signed
        (b"nothing", None),
    ],
)
def test_bits_a_channel(data, bits):
    assert iso.bits(io.BytesIO(data)) == bits


def test_colours_by_code_points_or_luma_and_chroma():
    coded = io.BytesIO(box(b"colr", b"nclx" + struct.pack(">HHH", 12, 16, 1)))
    assert iso.coded_colours(coded) == (12, 16)
    assert not iso.is_jpeg_2000_ycc(coded)
    luma = io.BytesIO(box(b"colr", b"\x01\0\0" + struct.pack(">I", 18)))
    assert iso.is_jpeg_2000_ycc(luma) and iso.coded_colours(luma) is None


def test_an_exif_item_can_be_hidden_and_nothing_else_changes():
    data = box(b"infe", b"\x02\0\0\0\0\x02\0\0Exif\0") + box(b"mdat", b"Exif here stays")
    hidden = iso.without_exif(io.BytesIO(data)).read()
    assert hidden == data.replace(b"Exif\0", b"none\0")
