"""The codec as a value: what it prints, equals, and becomes when it is copied, pickled or
exported.
"""

import copy
import os
import pathlib
import pickle
import subprocess
import sys

import jax
import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec.artefact import codec_file
from jaxcodec.codec import value
from jaxcodec.codec.value import at_step
from jaxcodec.errors import BitstreamError, CodecError, CodecFileError

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(pathlib.Path(jaxcodec.__file__).parent.parent)}


def test_it_prints_as_one_short_line(any_codec):
    text = repr(any_codec)
    assert len(text) < 120 and "\n" not in text
    assert any_codec.name in text and any_codec.id in text and "0.20" in text
    assert "step 2" in repr(at_step(any_codec, 1443)) and ", step" not in text
    assert len(repr(any_codec.host.content)) < 200
    assert len(str(jax.tree.structure(any_codec))) < 20_000


def test_it_survives_pickling_whole(any_codec, face):
    again = pickle.loads(pickle.dumps(any_codec))
    data = jaxcodec.encode(any_codec, face)
    assert again == any_codec and hash(again) == hash(any_codec)
    assert jaxcodec.encode(again, face) == data
    assert np.array_equal(jaxcodec.decode(again, data), jaxcodec.decode(any_codec, data))
    assert (
        len(pickle.dumps(any_codec))
        < 1.1 * sum(array.nbytes for array in any_codec.host.content.tensors().values()) + 20_000
    )


@pytest.mark.parametrize(
    "name", ["tiny", "autoregressive", "factorized", "four_step", "normalised"]
)
@pytest.mark.parametrize("step_index", [-1000, 700])
def test_it_keeps_its_step_when_pickled(name, step_index):
    stepped = at_step(small_codecs.build(name), step_index, decodes=True)
    again = pickle.loads(pickle.dumps(stepped))
    assert again == stepped and again != small_codecs.build(name) and again.step_index == step_index
    for mine, theirs in zip(jax.tree.leaves(again), jax.tree.leaves(stepped), strict=True):
        assert np.array_equal(mine, theirs)


def test_copies_are_the_codec_itself(tiny):
    assert copy.copy(tiny) is tiny and copy.deepcopy({"codec": tiny})["codec"] is tiny


def test_it_reaches_another_process(tiny, face, tmp_path):
    """As multiprocessing does it, with a pickle that a process reads that has nothing but the
    package.
    """
    with open(tmp_path / "codec.pickle", "wb") as file:
        pickle.dump({"codec": tiny, "face": face}, file)
    script = "import pickle, jaxcodec, sys; sent = pickle.load(open('codec.pickle', 'rb')); "
    script += "sys.stdout.buffer.write(jaxcodec.encode(sent['codec'], sent['face']))"
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
    )
    assert process.stdout == jaxcodec.encode(tiny, face)


def test_codecs_are_equal_that_have_the_same_content_and_step(tiny):
    other = jaxcodec.codec.create(small_codecs.content("tiny"))
    assert other == tiny and len({tiny, other}) == 1
    assert tiny != small_codecs.build("scale") and tiny != at_step(tiny, 1) and tiny != "tiny"
    assert at_step(tiny, 5) == at_step(other, 5)


def test_programs_are_kept_by_model_and_spec_and_not_by_weights_or_step(tiny, monkeypatch):
    made, other = [], small_codecs.build("four_step")

    def kept(function, identity):
        made.append(identity)
        return jax.jit(function)

    monkeypatch.setattr(value.programs, "kept", kept)

    @value.kept
    def bound(codec, factor):
        return factor * codec.step * codec.precision

    assert bound(tiny, 2.0) == 2 * tiny.precision
    assert bound(at_step(tiny, 843), 2.0) == pytest.approx(3 * tiny.precision, rel=1e-3)
    assert len(made) == 1 and tiny.host.content.spec in made[0]
    assert bound(other, 1.0) == other.precision
    assert len(made) == 2 and other.host.content.model in made[1]


def test_inside_jit_it_prints_and_cannot_be_pickled(tiny):
    def inside(codec):
        assert "tiny" in repr(codec) and codec == codec and codec != tiny
        with pytest.raises(CodecError, match="pickle it outside"):
            pickle.dumps(codec)
        return codec.step

    assert jax.jit(inside)(tiny) == 1


def test_the_codec_of_a_file_is_found_by_its_id(tmp_path, monkeypatch, face):
    tiny = small_codecs.build("tiny")
    data = jaxcodec.encode(tiny, face)
    monkeypatch.setenv("JAXCODEC_CODECS", str(tmp_path))
    with pytest.raises(CodecFileError, match=f"no codec {tiny.id}.*put its .codec file into"):
        jaxcodec.codec_of(data)
    codec_file.save(tmp_path / "any name.codec", small_codecs.content("tiny"))
    found = jaxcodec.codec_of(memoryview(data))
    assert found == tiny
    assert np.array_equal(jaxcodec.decode(found, data), jaxcodec.decode(tiny, data))
    with pytest.raises(BitstreamError, match="damaged"):
        jaxcodec.codec_of(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BitstreamError, match="read the file first"):
        jaxcodec.codec_of("photo.jxc")


@pytest.mark.parametrize("other", ["default", None, 3, small_codecs.content])
def test_what_is_no_codec_is_named_with_the_remedy(other, face):
    calls = [
        lambda: jaxcodec.encode(other, face),
        lambda: jaxcodec.encode(other, face, bpp=1),
        lambda: jaxcodec.decode(other, b""),
        lambda: jaxcodec.encode_fn(other, face),
        lambda: jaxcodec.decode_fn(other, np.zeros(9, np.uint16), 5, (48, 60)),
        lambda: jaxcodec.pack(other, np.zeros(9, np.uint16), 5, (48, 60)),
        lambda: jaxcodec.unpack(other, b""),
    ]
    for call in calls:
        with pytest.raises(
            CodecError, match=r"is not a codec; give what jaxcodec\.load\(.*\) returns"
        ):
            call()


@pytest.fixture(scope="module")
def exported(tmp_path_factory, face):
    """A folder with codec files, and functions that `jax.export` has serialised for each."""
    folder = tmp_path_factory.mktemp("exported")
    for name in ("tiny", "autoregressive", "factorized"):
        path = folder / f"{name}.codec"
        codec_file.save(path, small_codecs.content(name))
        codec = jaxcodec.load(path)
        words, length = jax.jit(jaxcodec.encode_fn)(codec, face)
        encode = jax.export.export(jax.jit(jaxcodec.encode_fn))(codec, face)
        decode = jax.jit(jaxcodec.decode_fn, static_argnames="size")
        pixels, _ = decode(codec, words, length, size=(48, 60))
        decode = jax.export.export(decode)(codec, words, length, size=(48, 60))
        (folder / f"{name}.encode").write_bytes(encode.serialize())
        (folder / f"{name}.decode").write_bytes(decode.serialize())
        np.savez(folder / f"{name}.npz", face=face, words=words, length=length, pixels=pixels)
    return folder


def test_exported_functions_take_the_codec_in_another_process(exported):
    script = """
import pathlib, jax, jax.export, jaxcodec, numpy as np
for name in ("tiny", "autoregressive", "factorized"):
    codec, sent = jaxcodec.load(name + ".codec"), np.load(name + ".npz")
    encode, decode = (jax.export.deserialize(pathlib.Path(f"{name}.{way}").read_bytes()) for way in ("encode", "decode"))
    words, length = encode.call(codec, sent["face"])
    assert length == sent["length"] and np.array_equal(words, sent["words"])
    pixels, intact = decode.call(codec, words, length)
    assert intact and np.array_equal(pixels, sent["pixels"])
    print(name)
"""  # noqa: E501
    command = [sys.executable, "-c", script]
    process = subprocess.run(
        command, cwd=exported, env=ENVIRONMENT, check=True, capture_output=True, text=True
    )
    assert process.stdout.split() == ["tiny", "autoregressive", "factorized"]


def test_an_exported_function_refuses_another_codec(exported):
    decode = jax.export.deserialize((exported / "tiny.decode").read_bytes())
    sent = np.load(exported / "tiny.npz")
    with pytest.raises(ValueError, match="structural differences"):
        decode.call(jaxcodec.load(exported / "factorized.codec"), sent["words"], sent["length"])
