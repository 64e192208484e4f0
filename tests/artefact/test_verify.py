"""Symbols of a file, decoded and checked without a network."""

import dataclasses

import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec.artefact import verify
from jaxcodec.codec import pictures
from jaxcodec.codec.value import at_step
from jaxcodec.coding import container
from jaxcodec.errors import BitstreamError, CoderError, TooLargeError, WrongCodecError
from jaxcodec.image import Picture
from jaxcodec.models import presets
from jaxcodec.models.build import stride
from jaxcodec.transforms import network_table

STATIC = pytest.mark.parametrize("name", ["factorized", "normalised", "bounded"])


@pytest.mark.parametrize(
    ("name", "step_index"),
    [
        ("factorized", 0),
        ("factorized", 843),
        ("normalised", 0),
        ("normalised", 843),
        ("bounded", 0),
    ],
)
def test_a_file_as_it_was_written_passes(name, step_index, photo):
    codec = small_codecs.build(name)
    file = pictures.encode(at_step(codec, step_index), Picture(photo[:70, :90]), coder="host")
    found = verify.verify(small_codecs.content(name), file)
    assert (found.header.width, found.header.height, found.header.step) == (90, 70, step_index)
    sizes = {"factorized": 5 * 6 * 12, "normalised": 6 * 6 * 6 + 3 * 3 * 4, "bounded": 5 * 6 * 12}
    assert found.symbols == sizes[name]


@STATIC
def test_other_symbols_are_found_whatever_the_checksum_of_the_file_says(name, photo):
    data = jaxcodec.encode(small_codecs.build(name), photo[:64, :64], coder="host")
    header, parts, sections = container.read(data)
    content = small_codecs.content(name)
    other = bytearray(parts[-1])
    other[len(other) // 2] ^= 1
    changed = container.write(header, [*parts[:-1], bytes(other)], sections)
    with pytest.raises(BitstreamError):
        verify.verify(content, changed)
    moved = container.write(dataclasses.replace(header, width=header.width - 1), parts, sections)
    with pytest.raises(BitstreamError, match="not those that were encoded"):
        verify.verify(content, moved)
    with pytest.raises(BitstreamError, match="damaged"):
        verify.verify(content, data[:-1] + bytes([data[-1] ^ 1]))


def test_what_cannot_be_checked_here_is_told(photo):
    pixels = photo[:64, :64]
    tiny = jaxcodec.encode(small_codecs.build("tiny"), pixels)
    with pytest.raises(CoderError, match="may follow from networks, which need JAX; `jaxcodec d"):
        verify.verify(small_codecs.content("tiny"), tiny)
    with pytest.raises(WrongCodecError, match="and not with normalised"):
        verify.verify(small_codecs.content("normalised"), tiny)
    lanes = jaxcodec.encode(small_codecs.build("normalised"), pixels, coder="lanes")
    with pytest.raises(CoderError, match="by the coder 'lanes'"):
        verify.verify(small_codecs.content("normalised"), lanes)
    host = jaxcodec.encode(small_codecs.build("normalised"), pixels, coder="host")
    with pytest.raises(TooLargeError, match="64 x 64 pixels, more than the limit of 100"):
        verify.verify(small_codecs.content("normalised"), host, max_pixels=100)


DESCRIPTIONS = [
    presets.factorized_model(4, 6),
    presets.resnet_factorized_model(4, 6),
    presets.shrinkage_model(4, 6),
    presets.patch_model(8, 8, 1, 8, 2, 1.0, 2.0),
    presets.cheng2020_model(4),
    presets.mean_scale_model(4, 6),
]


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda each: each["analysis"]["kind"])
def test_strides_are_those_of_the_networks(description):
    whole = 1
    for part in ("analysis", "hyper_analysis"):
        if part in description:
            own = verify.stride(description[part])
            assert own == network_table.create(description[part], part).stride
            whole *= own
    assert whole == stride(description)


def test_a_network_from_outside_has_no_known_stride():
    with pytest.raises(CoderError, match="'mine:Network' from outside the package"):
        verify.stride({"kind": "mine:Network"})


def test_the_table_of_a_symbol_is_known_from_the_start():
    """What `verify` takes for granted."""
    order = small_codecs.build("normalised").order
    decoding = order.decode({}, (1, 2, 2, 4), (1, 4, 4, 6), np.zeros(1, np.int32), None)
    assert next(decoding).name == "hyper"
    request = decoding.send(np.zeros((1, 2, 2, 4), np.int32))
    assert request.name == "latent" and not np.any(request.indices)
