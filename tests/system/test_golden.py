"""Files of an earlier version of this project decode as they did: no format has changed by
accident.
"""

import dataclasses
import hashlib
import lzma
import pathlib

import numpy as np
import pytest
from PIL import Image
from reference import symbols as reference

import jaxcodec
from jaxcodec.artefact import codec_file
from jaxcodec.codec import encode, streams, tiles
from jaxcodec.codec.value import at_step
from jaxcodec.coding import coders, container

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
CODEC_IDS = {
    "autoregressive": "7d670a61058617fb",
    "checkerboard": "d953f67ab809be73",
    "factorized": "a0603cec3229a592",
    "four_step": "0d058718815a3efd",
    "mixture": "77a7bb860bca38f9",
    "normalised": "2e50b2d34b5ed324",
    "one_quality": "5f4f8e8dd97cb8b3",
    "scale": "42abf17df803febb",
    "tiny": "adc311f2f776465d",
}
FILES = {
    "autoregressive_lanes": "8a5ad749a289573c",
    "autoregressive_stepped_lanes": "625b9696f3d2cf42",
    "checkerboard_host": "e99c4abab8502d28",
    "checkerboard_lanes": "747f5ec97833f056",
    "checkerboard_stepped_host": "cd8fd154a954921f",
    "checkerboard_stepped_lanes": "08f0f808939dbcdf",
    "checkerboard_tfc": "0d9ff2d5f3590cca",
    "factorized_host": "ba43fd7da6915501",
    "factorized_lanes": "fd46837db5ba480c",
    "factorized_stepped_host": "9c2f02d221e1c6b7",
    "factorized_stepped_lanes": "56dd0687c880acee",
    "factorized_tfc": "63879f38c73f0f27",
    "mixture_lanes": "6d52dc51bd8f832b",
    "mixture_stepped_lanes": "8428c110a20d0498",
    "one_quality_host": "e9e4e006d0959ed7",
    "one_quality_lanes": "3794033055b44f54",
    "one_quality_stepped_host": "5797996a554a9ad5",
    "one_quality_stepped_lanes": "dea26dbe8889b37a",
    "one_quality_tfc": "23f23d90c6adbc75",
    "scale_host": "fe177c8abc70764a",
    "scale_lanes": "48f9236aa7037384",
    "scale_stepped_host": "5a32a4283dbfba86",
    "scale_stepped_lanes": "3b73a977199a5f84",
    "scale_tfc": "dd1af7500656ccd5",
    "tiny_host": "b91feba52d1ff3f7",
    "tiny_lanes": "3e0812c592234b20",
    "tiny_stepped_host": "500c6d1723f26e76",
    "tiny_stepped_lanes": "3cb5c19b7a55e6ea",
    "tiny_tfc": "ca86b20920da1462",
    "v4_autoregressive_lanes": "99e506f053939c57",
    "v4_autoregressive_stepped_lanes": "0071771c9e57d634",
    "v4_checkerboard_host": "c12265d17f6aca9e",
    "v4_checkerboard_lanes": "070fbd98a9479c42",
    "v4_checkerboard_stepped_host": "3a3dd3cd492380d1",
    "v4_checkerboard_stepped_lanes": "ae6cdc913ef89693",
    "v4_factorized_host": "5473ab2557ce3eb1",
    "v4_factorized_lanes": "83676392f93fa850",
    "v4_factorized_stepped_host": "7266176dcd1b5e70",
    "v4_factorized_stepped_lanes": "4f29927a2bcfd067",
    "v4_four_step_host": "5ca586fd522fbe7b",
    "v4_four_step_lanes": "1cdf38449c3ca277",
    "v4_four_step_stepped_host": "4e2654c9b7823499",
    "v4_four_step_stepped_lanes": "dbada3b1cd35760c",
    "v4_mixture_lanes": "348a9aeefa806a35",
    "v4_mixture_stepped_lanes": "b6e8fbd1dbd82c9d",
    "v4_normalised_host": "9bf864b6d54bf3d5",
    "v4_normalised_lanes": "61177eeec546931c",
    "v4_normalised_stepped_host": "1f72400fb70f5e51",
    "v4_normalised_stepped_lanes": "c42503b60a5c24ad",
    "v4_one_quality_host": "b8cb21f49f2ac7eb",
    "v4_one_quality_lanes": "7c078b592a731c1d",
    "v4_one_quality_stepped_host": "52f56e945830768a",
    "v4_one_quality_stepped_lanes": "02a6f840d34c8dc3",
    "v4_scale_host": "28ad7ec0e82bab66",
    "v4_scale_lanes": "bc3fe3a11c4a110f",
    "v4_scale_stepped_host": "86d30c022120316b",
    "v4_scale_stepped_lanes": "8850dfe30fb32f49",
    "v4_tiny_described_host": "7745687b16b740cd",
    "v4_tiny_described_lanes": "968c1ad9be24152c",
    "v4_tiny_grey_host": "c3a46c089f407680",
    "v4_tiny_grey_lanes": "7458acd848fd87f0",
    "v4_tiny_host": "319bd232de6617d9",
    "v4_tiny_lanes": "df766a05a4851180",
    "v4_tiny_stepped_host": "f5c40dc692552135",
    "v4_tiny_stepped_lanes": "9d18b72181342acb",
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


TWINS = sorted(
    name
    for name in FILES
    if name.startswith("v4_") and "_stepped_" in name and name.removeprefix("v4_") in FILES
)
"""Files of version 4 that hold just what a file of version 3 holds; the symbols in them are tested
there.
"""


@pytest.fixture(params=sorted(set(FILES) - set(TWINS)))
def file(request):
    """(name, coder, bytes) of each golden file with symbols of its own."""
    name, coder = request.param.rsplit("_", 1)
    if coder not in coders.installed():
        pytest.skip(f"the coder {coder} is not installed")
    return name, coder, (GOLDEN / f"{request.param}.jxc").read_bytes()


def kind_of(name: str) -> str:
    """The codec of a golden file."""
    name = name.removeprefix("v4_")
    for suffix in ("_stepped", "_described", "_grey"):
        name = name.removesuffix(suffix)
    return name


def test_every_golden_file_is_tested():
    assert {path.stem for path in GOLDEN.glob("*.jxc")} == set(FILES)
    assert {path.name for path in GOLDEN.glob("*.xz")} == {f"{kind}.codec.xz" for kind in CODEC_IDS}


def test_the_ids_of_the_codecs_are_as_they_were(content_of):
    assert {kind: content.id for kind, content in content_of.items()} == CODEC_IDS


@pytest.mark.parametrize("file_name", sorted(FILES))
def test_the_file_is_the_one_that_was_committed(file_name):
    name, coder = file_name.rsplit("_", 1)
    data = (GOLDEN / f"{file_name}.jxc").read_bytes()
    header = container.read_header(data)
    assert hashlib.sha256(data).hexdigest()[:16] == FILES[file_name]
    assert (header.codec_id, header.coder) == (CODEC_IDS[kind_of(name)], coder)
    assert header.step == (-1234 if name.endswith("_stepped") else 0)
    assert header.version == (4 if name.startswith("v4_") else 3)


@pytest.mark.parametrize("name", TWINS)
def test_version_4_holds_what_version_3_held(name):
    new, old = (
        container.read((GOLDEN / f"{each}.jxc").read_bytes())
        for each in (name, name.removeprefix("v4_"))
    )
    assert new[1:] == old[1:]
    assert dataclasses.replace(new[0], version=3) == old[0]


def test_it_decodes_within_a_grey_level(file, codecs):
    name, _, data = file
    expected = np.asarray(Image.open(GOLDEN / f"{name}.png"))
    decoded = jaxcodec.decode(codecs[kind_of(name)], data)
    expected = expected.reshape(decoded.shape)
    assert np.abs(decoded.astype(int) - expected).max() <= 1
    assert np.array_equal(decoded[:, :, 3:], expected[:, :, 3:])


def test_what_describes_the_picture_comes_back(codecs):
    data = (GOLDEN / "v4_tiny_described_host.jxc").read_bytes()
    picture = jaxcodec.decode_picture(codecs["tiny"], data)
    assert picture.icc == bytes(range(256))
    assert picture.exif == b"MM\0*\0\0\0\x08\0\1\1\x0f\0\2\0\0\0\4Jxc\0\0\0\0\0"
    assert picture.xmp == b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    assert picture.dpi == (300.0, 72.009)


def test_its_symbols_code_to_the_same_bytes(file, codecs):
    name, coder, data = file
    header, parts, _ = container.read(data)
    codec = at_step(codecs[kind_of(name)], header.step, decodes=True)
    quality = np.array([header.quality or 0], np.int32)
    size = tuple(side + -side % codec.geometry.stride for side in (header.height, header.width))
    decoded = streams.decode(codec, streams.Stream(coder, header.lanes, parts), size, quality)
    assert container.checksum(decoded, container.identity(header)) == header.symbol_crc
    side = codec.side(decoded.hyper, quality, tiles.run)
    again = streams.encode(codec, decoded, side, coder)
    assert again.lanes == header.lanes
    assert again.parts == parts


@pytest.mark.parametrize(
    "name", sorted({name.rsplit("_", 1)[0] for name in set(FILES) - set(TWINS)})
)
def test_a_second_implementation_reads_the_same_symbols(name, content_of, codecs):
    header, parts, _ = container.read((GOLDEN / f"{name}_lanes.jxc").read_bytes())
    kind = kind_of(name)
    geometry = codecs[kind].geometry
    strides = geometry.latent_stride, geometry.stride
    hyper, latent = reference.decode(content_of[kind], header, parts[0], strides, geometry.channels)
    assert container.checksum((hyper, latent), container.identity(header)) == header.symbol_crc


@pytest.mark.parametrize("kind", ["autoregressive", "checkerboard", "four_step", "tiny"])
@pytest.mark.parametrize("size", [(16, 200), (33, 65)])
def test_a_second_implementation_reads_odd_sizes(kind, size, content_of, codecs, photo):
    codec = codecs[kind]
    data = encode(codec, photo[: size[0], : size[1]], coder="lanes")
    header, parts, _ = container.read(data)
    strides = codec.geometry.latent_stride, codec.geometry.stride
    found = reference.decode(content_of[kind], header, parts[0], strides, codec.geometry.channels)
    assert container.checksum(found, container.identity(header)) == header.symbol_crc
