import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest
import safetensors.numpy
import small_codecs

import jaxcodec
from jaxcodec.artefact import bundled, codec_file
from jaxcodec.errors import CodecError, CodecFileError, VersionError


@pytest.fixture(scope="module")
def content():
    return small_codecs.content("tiny")


@pytest.fixture
def path(tmp_path, content):
    path = tmp_path / "tiny.codec"
    codec_file.save(path, content)
    return path


def test_content_round_trips_and_saves_to_the_same_bytes(path, content, tmp_path):
    read = codec_file.read(path)
    assert read.id == content.id
    assert read.metadata() == content.metadata()
    assert read.tensors().keys() == content.tensors().keys()
    for name, array in content.tensors().items():
        assert read.tensors()[name].dtype == array.dtype
        assert np.array_equal(read.tensors()[name], array)
    codec_file.save(tmp_path / "again.codec", read)
    assert (tmp_path / "again.codec").read_bytes() == path.read_bytes()


def test_a_loaded_codec_has_the_models_parameters(path):
    codec = jaxcodec.load(path)

    def check(where, loaded, trained):
        rounding = (
            2**-11 if "kernel" in jax.tree_util.keystr(where) else 0
        )  # kernels are stored as float16
        assert loaded.dtype == np.float32
        assert np.allclose(loaded, trained, rtol=rounding, atol=rounding / 2**14)

    jax.tree_util.tree_map_with_path(check, codec.params, dict(small_codecs.params("tiny")))
    assert codec.id == small_codecs.build("tiny").id
    assert codec.variable


@pytest.mark.parametrize("field", ["model", "weights", "tables", "spec", "integer"])
def test_the_id_covers_what_decides_symbols_and_pixels(content, field):
    weight, network = next(iter(content.weights)), next(iter(content.integer))
    table = content.tables["prior"]
    shifted = dataclasses.replace(table, minimum=table.minimum + np.int32(1))
    other = {
        "model": content.model.replace("conv_analysis", "conv_synthesis"),
        "weights": content.weights | {weight: content.weights[weight] + np.float32(1e-6)},
        "tables": content.tables | {"prior": shifted},
        "spec": content.spec.replace("zeros", "edge"),
        "integer": content.integer | {network: content.integer[network] + np.int8(1)},
    }
    assert dataclasses.replace(content, **{field: other[field]}).id != content.id


@pytest.mark.parametrize(
    "label", [{"name": "other"}, {"summary": "other"}, {"bpp_range": (0.2, 3.0)}]
)
def test_another_label_is_another_file_of_the_same_id(path, content, label):
    other = dataclasses.replace(content, **label)
    assert other.id == content.id
    before = path.read_bytes()
    codec_file.save(path, other)
    assert path.read_bytes() != before
    assert codec_file.read(path).metadata() == other.metadata()


def test_a_changed_label_is_damage(path):
    data = path.read_bytes()
    path.write_bytes(data.replace(b'\\"name\\":\\"tiny', b'\\"name\\":\\"tidy'))
    assert path.read_bytes() != data
    with pytest.raises(CodecFileError, match="damaged"):
        codec_file.read(path)


def test_a_codec_of_format_2_keeps_its_id_when_it_is_written_again(tmp_path):
    """Files made with it carry that id, which was made of the labels too."""
    former = codec_file.read(bundled.find("patch-2026"))
    assert codec_file.read_metadata(bundled.find("patch-2026"))["format"] == 2
    assert former.id == "59d8616bb63373c4"
    again = tmp_path / "again.codec"
    codec_file.save(again, dataclasses.replace(former, name="photographs"))
    assert codec_file.read_metadata(again)["format"] == 3
    assert codec_file.read(again).id == former.id
    assert codec_file.read(again).name == "photographs"
    codec_file.save(again, codec_file.read(again))
    assert codec_file.read(again).id == former.id


def test_an_id_that_is_not_the_contents_is_damage(path, content):
    tensors = content.tensors()
    metadata = content.metadata() | {"id": "0" * 16, "id_is_given": False}
    metadata["digest"] = codec_file.content_digest(metadata, tensors)
    path.write_bytes(safetensors.numpy.save(tensors, {"jaxcodec": json.dumps(metadata)}))
    with pytest.raises(CodecFileError, match="damaged"):
        codec_file.read(path)


def test_arrays_of_a_later_kind_leave_the_id_as_it_is(path, content):
    """Further decoders will have digests of their own."""
    tensors = content.tensors() | {"decoders/other/kernel": np.zeros(3, np.float32)}
    metadata = content.metadata() | {"id": content.id, "id_is_given": False}
    metadata["digest"] = codec_file.content_digest(metadata, tensors)
    path.write_bytes(safetensors.numpy.save(tensors, {"jaxcodec": json.dumps(metadata)}))
    assert codec_file.read(path).id == content.id


def test_a_flipped_bit_anywhere_raises(path):
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    head = int.from_bytes(data[:8], "little") + 8
    positions = [
        *rng.integers(0, 8, 8),
        *rng.integers(8, head, 120),
        *rng.integers(head, len(data), 40),
    ]
    for position in positions:
        damaged = bytearray(data)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(CodecError):
            codec_file.read(path)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, -1])
def test_a_truncated_file_raises(path, size):
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CodecFileError, match=str(path)):
        jaxcodec.load(path)


def test_foreign_files_raise(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    with pytest.raises(CodecFileError, match="not a codec file"):
        jaxcodec.load(path)
    path.write_bytes(safetensors.numpy.save({"weight": np.zeros(3)}, {"format": "pt"}))
    with pytest.raises(CodecFileError, match="not a codec file"):
        jaxcodec.load(path)


@pytest.mark.parametrize("name", ["missing.codec", "nonesuch", ".", "../bundled"])
def test_a_missing_file_raises(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CodecFileError, match="there is no codec file"):
        jaxcodec.load(name)


def test_a_newer_file_raises(path, content):
    metadata = content.metadata() | {"format": 4, "id": content.id}
    path.write_bytes(safetensors.numpy.save(content.tensors(), {"jaxcodec": json.dumps(metadata)}))
    with pytest.raises(VersionError, match="version 4 .* up to 3"):
        jaxcodec.load(path)


def test_an_older_file_says_what_to_do(path, content):
    metadata = content.metadata() | {"format": 1, "id": content.id}
    path.write_bytes(safetensors.numpy.save(content.tensors(), {"jaxcodec": json.dumps(metadata)}))
    with pytest.raises(VersionError, match="version 1 .* export the training run anew"):
        jaxcodec.load(path)


def test_an_integer_network_of_floats_raises(path, content):
    wrong = dataclasses.replace(
        content, integer={name: array.astype(np.float32) for name, array in content.integer.items()}
    )
    codec_file.save(path, wrong)
    with pytest.raises(CodecFileError, match="not of integers"):
        jaxcodec.load(path)


def test_saving_to_a_missing_folder_raises(tmp_path, content):
    with pytest.raises(CodecFileError, match="cannot write"):
        codec_file.save(tmp_path / "none" / "tiny.codec", content)


def test_bundled_codecs_are_listed_and_loaded_by_name(path, content, monkeypatch):
    monkeypatch.setattr(bundled, "FOLDER", path.parent)
    (info,) = bundled.available()
    assert info == bundled.CodecInfo(
        "tiny", path, content.id, path.stat().st_size, (0.2, 2.0), content.summary
    )
    assert jaxcodec.load("tiny").id == content.id


def test_listing_codecs_and_reading_headers_need_no_jax(tmp_path):
    script = (
        "import sys, jaxcodec, jaxcodec.artefact.bundled; jaxcodec.read_header; "
        "jaxcodec.artefact.bundled.available(); print(*sys.modules)"
    )
    root = pathlib.Path(jaxcodec.__file__).parent.parent
    process = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(root)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert not {"jax", "flax", "scipy"} & set(process.stdout.split())
