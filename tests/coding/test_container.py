import dataclasses
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcodec.coding import container
from jaxcodec.coding.container import Header
from jaxcodec.errors import BitstreamError, VersionError

HEADER = Header(3, "0123456789abcdef", 768, 512, 3, 5025, -77, 16, "host", 1, 0xDEADBEEF, {})
SECTIONS = {"hyper": b"h" * 300, "latent": bytes(range(256)) * 3}
QUALITY_AT = 21
CODER_AT = 8


def with_fields(header=HEADER, sections=SECTIONS, flags=None, **fields) -> bytes:
    """A file with a right checksum and, it may be, wrong fields."""
    data = bytearray(container.write(dataclasses.replace(header, **fields), sections))
    if flags is not None:
        data[5] = flags
    data[29:33] = struct.pack("<I", zlib.crc32(data[33:], zlib.crc32(data[:29])))
    return bytes(data)


headers = st.builds(
    Header,
    version=st.just(3),
    codec_id=st.binary(min_size=8, max_size=8).map(bytes.hex),
    width=st.integers(1, 65_535),
    height=st.integers(1, 65_535),
    channels=st.sampled_from([1, 3]),
    quality=st.none() | st.integers(0, 10_000),
    step=st.integers(-5768, 5768),
    precision=st.integers(1, 24),
    coder=st.sampled_from(["host", "tfc"]),
    lanes=st.just(1),
    symbol_crc=st.integers(0, 2**32 - 1),
    section_bytes=st.just({}),
)


@given(headers, st.dictionaries(st.sampled_from(["hyper", "latent", "icc"]), st.binary(max_size=300)), st.binary())
def test_headers_and_sections_round_trip(header, sections, alpha):
    if len(alpha) % 2:
        header, sections = dataclasses.replace(header, channels=4), sections | {"alpha": alpha}
    data = container.write(header, sections)
    read, parts = container.read(data)
    assert parts == sections
    assert read.section_bytes == {name: len(content) for name, content in sections.items()}
    assert dataclasses.replace(read, section_bytes={}) == header


def test_the_header_takes_at_most_43_bytes():
    for size in (0, 127, 128, 1 << 20):
        data = container.write(HEADER, {"hyper": bytes(size), "latent": bytes(size)})
        assert len(data) - 2 * size <= 39
    assert container._FIXED.size + 2 * len(container._varint(2**35 - 1)) == 43


def test_as_dict_is_plain_values():
    fields = container.read_header(container.write(HEADER, SECTIONS)).as_dict()
    assert fields["quality"] == 50.25
    assert fields["symbol_crc"] == "deadbeef"
    assert fields["section_bytes"] == {"hyper": 300, "latent": 768}


def test_every_truncation_raises():
    data = container.write(HEADER, SECTIONS)
    for size in range(len(data)):
        with pytest.raises(BitstreamError):
            container.read(data[:size])


def test_every_flipped_bit_raises():
    data = container.write(HEADER, SECTIONS)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BitstreamError):
            container.read(bytes(flipped))


@given(st.binary(max_size=80), st.booleans())
def test_arbitrary_bytes_raise(data, with_magic):
    with pytest.raises(BitstreamError):
        container.read(container.MAGIC + data if with_magic else data)


def test_trailing_bytes_raise_and_are_counted():
    with pytest.raises(BitstreamError, match="3 bytes after its end"):
        container.read(container.write(HEADER, SECTIONS) + b"\0\0\0")


def test_foreign_and_empty_files_are_told_apart_from_damaged_ones():
    for data in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" + bytes(100), b"J"):
        with pytest.raises(BitstreamError, match=r"not a \.jxc file"):
            container.read(data)


def test_a_newer_version_says_so_whatever_follows():
    data = bytearray(container.write(HEADER, SECTIONS))
    data[4] = 4
    for size in (5, len(data)):
        with pytest.raises(VersionError, match="version 4 .* up to 3"):
            container.read(bytes(data[:size]))


def test_an_older_version_says_what_can_read_it():
    data = bytearray(container.write(HEADER, SECTIONS))
    for version, release in ((0, "0.1"), (1, "0.1"), (2, "0.2")):
        data[4] = version
        with pytest.raises(VersionError, match=f"version {version} .* jaxcodec {release}"):
            container.read(bytes(data))


@pytest.mark.parametrize("lanes", [1, 2, 64, 1 << 15])
def test_the_number_of_lanes_round_trips(lanes):
    header = dataclasses.replace(HEADER, coder="lanes", lanes=lanes)
    assert container.read_header(container.write(header, SECTIONS)).lanes == lanes


def test_an_unknown_coder_and_lanes_of_a_coder_without_raise_though_the_checksum_fits():
    for coding, words in ((len(container.CODERS), "no entropy coder"), (0x10, "lanes cannot be 2")):
        data = bytearray(with_fields())
        data[CODER_AT] = coding
        data[29:33] = struct.pack("<I", zlib.crc32(data[33:], zlib.crc32(data[:29])))
        with pytest.raises(BitstreamError, match=words):
            container.read(bytes(data))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"width": 0}, "width"),
        ({"height": 0}, "height"),
        ({"channels": 2}, "channels"),
        ({"channels": 4}, "channels"),  # without an alpha section
        ({"quality": 10_001}, "quality"),
        ({"step": 5769}, "step"),
        ({"step": -5769}, "step"),
    ],
)
def test_fields_that_cannot_be_raise_though_the_checksum_fits(fields, name):
    with pytest.raises(BitstreamError, match=f"header's {name} cannot be"):
        container.read(with_fields(**fields))


def test_unknown_flags_raise_though_the_checksum_fits():
    with pytest.raises(BitstreamError, match="flags cannot be"):
        container.read(with_fields(flags=0b100011))


def test_a_section_length_without_end_raises():
    data = container.write(HEADER, {})[:-4]
    data = data[:5] + b"\x01" + data[6:] + bytes(4) + b"\xff" * 5
    with pytest.raises(BitstreamError, match="length of a section"):
        container.read(data)
