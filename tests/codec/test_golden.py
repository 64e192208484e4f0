"""Files of an earlier version of this project decode as they did: the format has not changed by accident."""

import gzip
import pathlib

import numpy as np
import pytest
from PIL import Image

import jaxcodec
from jaxcodec.codec import symbols
from jaxcodec.coding import container
from jaxcodec.image import pad_to_multiple

HEADER = {
    "version": 1,
    "codec_id": "623f778565b9f0d7",
    "width": 60,
    "height": 48,
    "channels": 4,
    "quality": 51.75,
    "precision": 16,
    "symbol_crc": "63da5a02",
    "section_bytes": {"hyper": 12, "latent": 100, "alpha": 2105},
}
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    path = tmp_path_factory.mktemp("golden") / "tiny.codec"
    path.write_bytes(gzip.decompress((GOLDEN / "tiny.codec.gz").read_bytes()))
    return jaxcodec.load(path)


@pytest.fixture(scope="module")
def data() -> bytes:
    return (GOLDEN / "face.jxc").read_bytes()


def test_the_header_reads_as_it_was_written(codec, data):
    assert jaxcodec.read_header(data).as_dict() == HEADER
    assert codec.id == HEADER["codec_id"]


def test_the_picture_decodes_within_a_grey_level(codec, data):
    expected = np.asarray(Image.open(GOLDEN / "face.png"))
    decoded = jaxcodec.decode(codec, data)
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).max() <= 1
    assert np.array_equal(decoded[:, :, 3], expected[:, :, 3])


def test_the_symbols_code_to_the_same_bytes(codec, data):
    header, parts = container.read(data)
    quality = np.array([header.quality / 10_000], np.float32)
    size = pad_to_multiple(np.zeros((header.height, header.width, 1)), codec.networks.stride).shape[:2]
    decoded = symbols.decode(codec, parts, size, quality)
    assert decoded.crc == header.symbol_crc
    hyper_index = np.broadcast_to(np.arange(4), (1, size[0] // 32, size[1] // 32, 4))
    hyper = codec.coders["prior"].decode(parts["hyper"], hyper_index)
    index = np.asarray(codec.networks.condition(codec.params, hyper, quality)[1])
    assert codec.coders["prior"].encode(hyper, hyper_index) == parts["hyper"]
    assert codec.coders["conditional"].encode(decoded.symbols, index) == parts["latent"]
