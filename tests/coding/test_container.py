"""The container: what is written is read, in both versions, and nothing else is."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import container as reference

from jaxcodec.coding import container
from jaxcodec.coding.container import Header
from jaxcodec.errors import BitstreamError, VersionError

HEADER = Header(4, "0123456789abcdef", 768, 512, 3, 5025, -77, 16, "host", 1, 0xDEADBEEF)
PARTS = b"h" * 300, bytes(range(256)) * 3
SECTIONS = {"icc": b"i" * 20, "exif": b"", "dpi": b"dddd"}
CONTENT_AT, CODER_AT = 5, 8

headers = st.builds(
    Header,
    version=st.just(4),
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
)
contents = st.binary(max_size=300)
few_parts = st.lists(contents, min_size=1, max_size=3)


def with_alpha(header: Header, sections: dict, alpha: bytes) -> tuple[Header, dict]:
    """Sometimes a picture with alpha."""
    if len(alpha) % 2:
        return dataclasses.replace(header, channels=4), sections | {"alpha": alpha}
    return header, sections


def mended(data: bytes, place: int, value: int) -> bytes:
    """The file with another byte and a checksum that fits."""
    changed = data[:place] + bytes([value]) + data[place + 1 :]
    return reference.checked(changed[:29], changed[33:])


def test_a_file_that_is_mended_has_the_checksum_of_its_bytes():
    data = container.write(HEADER, PARTS, SECTIONS)
    assert container.mended(data) == data
    changed = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(BitstreamError, match="checksum"):
        container.read(changed)
    assert container.mended(changed) == reference.checked(changed[:29], changed[33:])
    assert container.read(container.mended(changed))[2] != SECTIONS


@given(
    headers,
    st.lists(contents, max_size=127),
    st.dictionaries(st.sampled_from(list(SECTIONS)), contents),
    st.binary(),
)
def test_what_is_written_is_read(header, parts, sections, alpha):
    header, sections = with_alpha(header, sections, alpha)
    data = container.write(header, parts, sections)
    read, found, side = container.read(data)
    assert (found, side) == (tuple(parts), sections)
    assert read.part_bytes == tuple(map(len, parts))
    assert read.section_bytes == {name: len(content) for name, content in sections.items()}
    assert dataclasses.replace(read, part_bytes=(), section_bytes={}) == header
    tagged = sorted((reference.TAGS[name], content) for name, content in sections.items())
    assert data == reference.write_4(header, parts, tagged)


@given(headers, few_parts, st.dictionaries(st.just("icc"), contents), st.binary())
def test_version_3_is_read_and_becomes_4_with_the_same_identity(header, parts, sections, alpha):
    header, sections = with_alpha(header, sections, alpha)
    data = reference.write_3(header, parts, sections)
    read, found, side = container.read(data)
    assert (read.version, found, side) == (3, tuple(parts), sections)
    again = container.write(read, found, side)
    assert container.read(again) == (dataclasses.replace(read, version=4), found, side)
    assert container.identity(read) == container.identity(header)
    assert len(again) == len(data) + len(sections)  # a tag for each


@pytest.mark.parametrize("version", [3, 4])
@given(headers, few_parts, st.dictionaries(st.just("icc"), contents), st.binary(), st.data())
def test_a_flipped_bit_or_a_cut_is_an_error(version, header, parts, sections, alpha, data):
    header, sections = with_alpha(header, sections, alpha)
    tagged = sorted((reference.TAGS[name], content) for name, content in sections.items())
    file = (
        reference.write_3(header, parts, sections)
        if version == 3
        else reference.write_4(header, parts, tagged)
    )
    bit = data.draw(st.integers(0, 8 * len(file) - 1))
    flipped = bytearray(file)
    flipped[bit // 8] ^= 1 << bit % 8
    for damaged in (bytes(flipped), file[: data.draw(st.integers(0, len(file) - 1))]):
        with pytest.raises(BitstreamError):
            container.read(damaged)


@pytest.mark.parametrize(
    "file",
    [
        container.write(HEADER, PARTS, SECTIONS),
        reference.write_3(HEADER, PARTS, {"icc": b"profile"}),
    ],
    ids=["4", "3"],
)
def test_every_flipped_bit_and_every_cut_of_a_file_is_an_error(file):
    for bit in range(8 * len(file)):
        flipped = bytearray(file)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BitstreamError):
            container.read(bytes(flipped))
    for size in range(len(file)):
        with pytest.raises(BitstreamError):
            container.read(file[:size])


@pytest.mark.parametrize("size", [0, 127, 128, 1 << 20])
def test_an_rgb_picture_takes_no_more_than_in_version_3(size):
    parts = (bytes(size),) * 2
    assert (
        len(container.write(HEADER, parts, {}))
        == len(reference.write_3(HEADER, parts, {}))
        <= 2 * size + 39
    )


def test_as_dict_is_plain_values():
    fields = container.read_header(container.write(HEADER, PARTS, SECTIONS)).as_dict()
    assert fields["quality"] == 50.25
    assert fields["symbol_crc"] == "deadbeef"
    assert fields["part_bytes"] == [300, 768]
    assert fields["section_bytes"] == {"icc": 20, "exif": 0, "dpi": 4}


@given(st.binary(max_size=80), st.booleans())
def test_arbitrary_bytes_raise(data, with_magic):
    with pytest.raises(BitstreamError):
        container.read(container.MAGIC + data if with_magic else data)


def test_any_kind_of_bytes_is_read_and_nothing_else():
    data = container.write(HEADER, PARTS, SECTIONS)
    assert (
        container.read(bytearray(data)) == container.read(memoryview(data)) == container.read(data)
    )
    for wrong, remedy in (
        ("photo.jxc", "read_bytes"),
        ([1, 2], "give its bytes"),
        (None, "give its bytes"),
    ):
        with pytest.raises(
            BitstreamError, match=f"a {type(wrong).__name__} is no .jxc file, .*{remedy}"
        ):
            container.read_header(wrong)


@pytest.mark.parametrize(
    "file",
    [
        container.write(HEADER, PARTS, SECTIONS),
        container.write(HEADER, PARTS, {}),
        reference.write_3(HEADER, PARTS, {}),
    ],
)
def test_trailing_bytes_raise_and_are_counted(file):
    with pytest.raises(BitstreamError, match="3 bytes after its end"):
        container.read(file + b"\0\0\0")


def test_foreign_and_empty_files_are_told_apart_from_damaged_ones():
    for data in (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n" + bytes(100), b"J"):
        with pytest.raises(BitstreamError, match=r"not a \.jxc file"):
            container.read(data)


def test_a_newer_version_says_so_whatever_follows():
    data = bytearray(container.write(HEADER, PARTS, SECTIONS))
    data[4] = 5
    for size in (5, len(data)):
        with pytest.raises(VersionError, match="version 5 .* up to 4"):
            container.read(bytes(data[:size]))


def test_an_older_version_says_what_can_read_it():
    data = bytearray(container.write(HEADER, PARTS, SECTIONS))
    for version, release in ((0, "0.1"), (1, "0.1"), (2, "0.2")):
        data[4] = version
        with pytest.raises(VersionError, match=f"version {version} .* jaxcodec {release}"):
            container.read(bytes(data))


@pytest.mark.parametrize("tag", [64 + 30, 127])
def test_unknown_sections_that_may_be_are_passed_over(tag):
    data = reference.write_4(
        HEADER, PARTS, [(2, b"profile"), (66, b"dpi"), (tag, b"what is to come")]
    )
    header, parts, sections = container.read(data)
    assert (parts, sections) == (PARTS, {"icc": b"profile", "dpi": b"dpi"})
    assert header.section_bytes == {"icc": 7, "dpi": 3}


@pytest.mark.parametrize("tag", [0, 4, 63])
def test_unknown_sections_that_matter_are_refused(tag):
    with pytest.raises(VersionError, match=f"section {tag}, .* update jaxcodec"):
        container.read(reference.write_4(HEADER, PARTS, [(tag, b"what is to come")]))


@pytest.mark.parametrize("tags", [(3, 2), (2, 2), (64, 64), (90, 2)])
def test_sections_twice_or_out_of_order_are_refused(tags):
    with pytest.raises(BitstreamError, match="out of order"):
        container.read(reference.write_4(HEADER, PARTS, [(tag, b"") for tag in tags]))


@pytest.mark.parametrize("lanes", [1, 2, 64, 1 << 15])
def test_the_number_of_lanes_round_trips(lanes):
    header = dataclasses.replace(HEADER, coder="lanes", lanes=lanes)
    assert container.read_header(container.write(header, PARTS, {})).lanes == lanes


def test_an_unknown_coder_and_lanes_of_a_coder_without_raise_though_the_checksum_fits():
    data = container.write(HEADER, PARTS, {})
    for coding, words in ((len(container.CODERS), "no entropy coder"), (0x10, "lanes cannot be 2")):
        with pytest.raises(BitstreamError, match=words):
            container.read(mended(data, CODER_AT, coding))


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
        container.read(container.write(dataclasses.replace(HEADER, **fields), PARTS, {}))


@pytest.mark.parametrize("flags", [0b100011, 0b1000011, 0b101, 0b110])
def test_flags_of_version_3_that_cannot_be_raise_though_the_checksum_fits(flags):
    count = flags.bit_count()
    body = b"".join(reference.varint(3) + b"abc" for _ in range(count)) if flags < 32 else b"\0\0"
    with pytest.raises(BitstreamError, match="flags cannot be"):
        container.read(reference.checked(reference.fixed(3, flags, HEADER), body))


def test_a_length_without_end_raises():
    for version, content in ((3, 2), (4, 1)):
        with pytest.raises(BitstreamError, match="length of a section"):
            container.read(
                reference.checked(reference.fixed(version, content, HEADER), b"\xff" * 5)
            )
