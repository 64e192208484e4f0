"""A wrong file is an error, never a wrong picture."""

import dataclasses

import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import decode, encode
from jaxcodec.coding import container
from jaxcodec.errors import BitstreamError, CodecError, TooLargeError, VersionError, WrongCodecError

HEADER_BYTES = 30


@pytest.fixture(scope="module")
def data(codec, face) -> bytes:
    return encode(codec, face[:16, :16], quality=20)


def forged(data: bytes, sections=None, **fields) -> bytes:
    """The file with other fields or sections and a checksum that fits: what a hostile encoder could write."""
    header, parts = container.read(data)
    return container.write(dataclasses.replace(header, **fields), parts if sections is None else parts | sections)


def test_truncated_at_every_byte_it_raises(codec, data):
    for size in range(len(data)):
        with pytest.raises(BitstreamError):
            decode(codec, data[:size])


def test_every_flipped_header_bit_and_hundreds_beyond_raise(codec, data):
    rng = np.random.default_rng(0)
    bits = [*range(8 * HEADER_BYTES), *rng.integers(8 * HEADER_BYTES, 8 * len(data), 300)]
    for bit in bits:
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CodecError):
            decode(codec, bytes(flipped))


def test_symbols_that_decode_otherwise_are_caught_though_the_file_is_whole(codec, data):
    header, parts = container.read(data)
    rng = np.random.default_rng(0)
    for name in ("hyper", "latent"):
        for _ in range(40):
            section = bytearray(parts[name])
            section[rng.integers(len(section))] ^= 1 << rng.integers(8)
            try:
                pixels = decode(codec, forged(data, {name: bytes(section)}))
            except BitstreamError:
                continue
            assert np.array_equal(pixels, decode(codec, data))  # a bit that the range decoder never looks at


def test_a_table_index_that_differs_between_devices_is_caught(codec, data):
    def other_device(params, hyper, quality):
        mean, index = codec.networks.condition(params, hyper, quality)
        index = np.array(index)
        index[0, 0, 0, 0] ^= 1
        return mean, index

    other = dataclasses.replace(codec, networks=codec.networks._replace(condition=other_device))
    with pytest.raises(BitstreamError, match="this device|on this device"):
        decode(other, data)


def test_a_mean_that_differs_between_devices_costs_no_symbol(codec, data):
    def other_device(params, hyper, quality):
        mean, index = codec.networks.condition(params, hyper, quality)
        return mean + np.float32(1e-5), index

    other = dataclasses.replace(codec, networks=codec.networks._replace(condition=other_device))
    difference = decode(other, data).astype(int) - decode(codec, data)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("fields", [{"quality": 7000}, {"width": 70}, {"height": 130}])
def test_forged_fields_change_the_symbols_and_are_caught(codec, data, fields):
    with pytest.raises(BitstreamError):
        decode(codec, forged(data, **fields))


def test_another_codecs_file_raises_and_names_both(codec, data):
    other = small_codecs.build("factorized")
    with pytest.raises(WrongCodecError) as caught:
        decode(other, data)
    assert codec.id in str(caught.value)
    assert other.id in str(caught.value)


def test_a_newer_version_raises(codec, data):
    with pytest.raises(VersionError, match="version 2"):
        decode(codec, data[:4] + b"\x02" + data[5:])


def test_more_pixels_than_allowed_raise_before_anything_runs(codec, data):
    never = codec.networks._replace(condition=None, pixels=None, hyper=print)
    idle = dataclasses.replace(codec, networks=never, coders={"prior": codec.coders["prior"]})
    with pytest.raises(TooLargeError, match="65535 x 65535 .* 268000000"):
        decode(idle, forged(data, width=65_535, height=65_535))
    with pytest.raises(TooLargeError, match="16 x 16 .* 255"):
        decode(idle, data, max_pixels=255)
    assert decode(codec, data, max_pixels=256).shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"precision": 12}, "tables of 12 bits"), ({"quality": None}, "quality does not fit")],
)
def test_fields_that_do_not_fit_the_codec_raise(codec, data, fields, words):
    with pytest.raises(BitstreamError, match=words):
        decode(codec, forged(data, **fields))


def test_sections_that_do_not_fit_the_codec_raise(codec, data):
    header, parts = container.read(data)
    for name in ("hyper", "latent"):
        fewer = {key: part for key, part in parts.items() if key != name}
        with pytest.raises(BitstreamError, match="sections do not fit"):
            decode(codec, container.write(header, fewer))


def test_a_quality_for_a_codec_without_one_raises(face):
    fixed = small_codecs.build("factorized")
    with pytest.raises(BitstreamError, match="quality does not fit"):
        decode(fixed, forged(encode(fixed, face), quality=5000))


def test_the_alpha_of_another_size_raises(codec, face):
    pixels = np.concatenate([face, face[:, :, :1]], axis=-1)
    small = container.read(encode(codec, pixels[:10]))[1]["alpha"]
    with pytest.raises(BitstreamError, match="alpha channel"):
        decode(codec, forged(encode(codec, pixels), {"alpha": small}))
