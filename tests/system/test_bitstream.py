"""A wrong file is an error, never a wrong picture."""

import dataclasses

import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import decode, encode
from jaxcodec.coding import container
from jaxcodec.errors import BitstreamError, CodecError, TooLargeError, VersionError, WrongCodecError

HEADER_BYTES = 33


@pytest.fixture(scope="module")
def data(tiny, face) -> bytes:
    return encode(tiny, face[:16, :16], quality=20)


def forged(data: bytes, parts=None, sections=None, **fields) -> bytes:
    """The file with other fields, parts or sections and a checksum that fits: what a hostile
    encoder could write.
    """
    header, own, side = container.read(data)
    return container.write(
        dataclasses.replace(header, **fields),
        own if parts is None else parts,
        side | (sections or {}),
    )


def test_truncated_at_every_byte_it_raises(tiny, data):
    for size in range(len(data)):
        with pytest.raises(BitstreamError):
            decode(tiny, data[:size])


def test_every_flipped_header_bit_and_hundreds_beyond_raise(tiny, data):
    rng = np.random.default_rng(0)
    bits = [*range(8 * HEADER_BYTES), *rng.integers(8 * HEADER_BYTES, 8 * len(data), 300)]
    for bit in bits:
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CodecError):
            decode(tiny, bytes(flipped))


def test_symbols_that_decode_otherwise_are_caught_though_the_file_is_whole(tiny, data):
    _, parts, _ = container.read(data)
    rng = np.random.default_rng(0)
    for place in range(2):
        for _ in range(40):
            changed = [bytearray(part) for part in parts]
            changed[place][rng.integers(len(parts[place]))] ^= 1 << rng.integers(8)
            try:
                pixels = decode(tiny, forged(data, parts=[bytes(part) for part in changed]))
            except BitstreamError:
                continue
            assert np.array_equal(
                pixels, decode(tiny, data)
            )  # a bit that the range decoder never looks at


@pytest.mark.parametrize(
    "fields", [{"quality": 7000}, {"step": 900}, {"width": 70}, {"height": 130}]
)
def test_forged_fields_change_the_symbols_and_are_caught(tiny, data, fields):
    with pytest.raises(BitstreamError):
        decode(tiny, forged(data, **fields))


def test_another_codecs_file_raises_and_names_both(tiny, data):
    other = small_codecs.build("one_quality")
    with pytest.raises(WrongCodecError) as caught:
        decode(other, data)
    assert tiny.id in str(caught.value)
    assert other.id in str(caught.value)


def test_a_newer_version_raises(tiny, data):
    with pytest.raises(VersionError, match="version 5"):
        decode(tiny, data[:4] + b"\x05" + data[5:])


def test_more_pixels_than_allowed_raise_before_anything_runs(tiny, data):
    idle = dataclasses.replace(tiny, order=None, networks=None, params=None)
    with pytest.raises(TooLargeError, match="65535 x 65535 .* 268000000"):
        decode(idle, forged(data, width=65_535, height=65_535))
    with pytest.raises(TooLargeError, match="16 x 16 .* 255"):
        decode(idle, data, max_pixels=255)
    assert decode(tiny, data, max_pixels=256).shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"precision": 12}, "tables of 12 bits"), ({"quality": None}, "quality does not fit")],
)
def test_fields_that_do_not_fit_the_codec_raise(tiny, data, fields, words):
    with pytest.raises(BitstreamError, match=words):
        decode(tiny, forged(data, **fields))


def test_parts_that_do_not_fit_the_codec_raise(tiny, data):
    _, parts, _ = container.read(data)
    for wrong in (parts[:1], parts[1:], (), (*parts, b"")):
        with pytest.raises(BitstreamError, match=f"in {len(wrong)} parts and its codec has 2"):
            decode(tiny, forged(data, parts=wrong))


def test_a_quality_for_a_codec_without_one_raises(face):
    fixed = small_codecs.build("one_quality")
    with pytest.raises(BitstreamError, match="quality does not fit"):
        decode(fixed, forged(encode(fixed, face), quality=5000))


def test_the_alpha_of_another_size_raises(tiny, face):
    pixels = np.concatenate([face, face[:, :, :1]], axis=-1)
    small = container.read(encode(tiny, pixels[:10]))[2]["alpha"]
    with pytest.raises(BitstreamError, match="alpha channel"):
        decode(tiny, forged(encode(tiny, pixels), sections={"alpha": small}))
