"""Files of an earlier version of this project decode as they did: no format has changed by accident."""

import hashlib
import lzma
import pathlib

import numpy as np
import pytest
from PIL import Image
from reference import symbols as reference

import jaxcodec
from jaxcodec import codec_file
from jaxcodec.codec import encode, streams, symbols
from jaxcodec.coding import coders, container

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
CODEC_IDS = {
    "autoregressive": "7d670a61058617fb",
    "checkerboard": "d953f67ab809be73",
    "factorized": "a0603cec3229a592",
    "mixture": "77a7bb860bca38f9",
    "one_quality": "5f4f8e8dd97cb8b3",
    "scale": "42abf17df803febb",
    "tiny": "adc311f2f776465d",
}
FILES = {
    "autoregressive_lanes": "e35e7f3b1270f3f0",
    "checkerboard_host": "d52586408d151232",
    "checkerboard_lanes": "6ea748a33e70ae25",
    "checkerboard_tfc": "f28a185c7808eafa",
    "factorized_host": "47956b5791d0e426",
    "factorized_lanes": "f877dd0b2511ee85",
    "factorized_tfc": "1910898635e8b24d",
    "mixture_lanes": "b15a6c29bc0b1753",
    "one_quality_host": "913a26147327341d",
    "one_quality_lanes": "f7b32aef06f50dcc",
    "one_quality_tfc": "859c31702e531bca",
    "scale_host": "fcc6a47416387ec7",
    "scale_lanes": "d3b3ff3eb5efa41b",
    "scale_tfc": "8d5ea9751b425609",
    "tiny_host": "498fddb56fbbfad9",
    "tiny_lanes": "0f366eb3b3030e20",
    "tiny_tfc": "dba55536f6238987",
}


@pytest.fixture(scope="module")
def content_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")

    def content(kind):
        path = folder / f"{kind}.codec"
        path.write_bytes(lzma.decompress((GOLDEN / f"{kind}.codec.xz").read_bytes()))
        return codec_file.read(path)

    return {kind: content(kind) for kind in CODEC_IDS}


@pytest.fixture(scope="module")
def codecs(content_of):
    return {kind: jaxcodec.codec.create(content) for kind, content in content_of.items()}


@pytest.fixture(params=sorted(FILES))
def file(request):
    """(kind, coder, bytes) of each golden file."""
    kind, coder = request.param.rsplit("_", 1)
    if coder not in coders.installed():
        pytest.skip(f"the coder {coder} is not installed")
    return kind, coder, (GOLDEN / f"{request.param}.jxc").read_bytes()


def test_every_golden_file_is_tested():
    assert {path.stem for path in GOLDEN.glob("*.jxc")} == set(FILES)
    assert {path.name for path in GOLDEN.glob("*.xz")} == {f"{kind}.codec.xz" for kind in CODEC_IDS}


def test_the_ids_of_the_codecs_are_as_they_were(content_of):
    assert {kind: content.id for kind, content in content_of.items()} == CODEC_IDS


def test_the_file_is_the_one_that_was_committed(file):
    kind, coder, data = file
    header = container.read_header(data)
    assert hashlib.sha256(data).hexdigest()[:16] == FILES[f"{kind}_{coder}"]
    assert (header.codec_id, header.coder) == (CODEC_IDS[kind], coder)


def test_it_decodes_within_a_grey_level(file, codecs):
    kind, _, data = file
    expected = np.asarray(Image.open(GOLDEN / f"{kind}.png"))
    decoded = jaxcodec.decode(codecs[kind], data)
    assert np.abs(decoded.astype(int) - expected).max() <= 1
    assert np.array_equal(decoded[:, :, 3], expected[:, :, 3])


def test_its_symbols_code_to_the_same_bytes(file, codecs):
    kind, coder, data = file
    codec = codecs[kind]
    header, parts = container.read(data)
    quality = np.array([header.quality or 0], np.int32)
    size = tuple(side + -side % codec.geometry.stride for side in (header.height, header.width))
    decoded = streams.decode(codec, streams.Stream(coder, header.lanes, parts), size, quality)
    assert symbols.checksum(decoded, container.identity(header)) == header.symbol_crc
    again = streams.encode(codec, decoded, quality, coder)
    assert again.lanes == header.lanes
    assert again.sections == {name: part for name, part in parts.items() if name != "alpha"}


@pytest.mark.parametrize("kind", sorted({name.rsplit("_", 1)[0] for name in FILES}))
def test_a_second_implementation_reads_the_same_symbols(kind, content_of, codecs):
    header, parts = container.read((GOLDEN / f"{kind}_lanes.jxc").read_bytes())
    geometry = codecs[kind].geometry
    strides = geometry.latent_stride, geometry.stride
    hyper, latent = reference.decode(content_of[kind], header, parts["latent"], strides, geometry.channels)
    assert symbols.checksum((hyper, latent), container.identity(header)) == header.symbol_crc


@pytest.mark.parametrize("kind", ["autoregressive", "checkerboard", "tiny"])
@pytest.mark.parametrize("size", [(16, 200), (90, 20), (33, 65)])
def test_a_second_implementation_reads_odd_sizes(kind, size, content_of, codecs, photo):
    codec = codecs[kind]
    data = encode(codec, photo[: size[0], : size[1]], coder="lanes")
    header, parts = container.read(data)
    strides = codec.geometry.latent_stride, codec.geometry.stride
    found = reference.decode(content_of[kind], header, parts["latent"], strides, codec.geometry.channels)
    assert symbols.checksum(found, container.identity(header)) == header.symbol_crc
