"""jaxcodec decode, with a small codec."""

import pytest
import small_codecs

import jaxcodec
from jaxcodec import image
from jaxcodec.artefact import codec_file

pytestmark = pytest.mark.usefixtures("photographed")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["photo.png", "a.png"], ["photo.png: ", "not a .jxc file"]),
        (["short.jxc", "a.png"], ["short.jxc: ", "cut short"]),
        (["damaged.jxc", "a.png"], ["damaged.jxc: ", "damaged"]),
        (["photo.jxc", "a.png", "--max-pixels", "100"], ["photo.jxc: ", "100"]),
    ],
)
def test_bad_decode_is_one_line_and_leaves_no_file(folder, run, refused, codec, arguments, words):
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    whole = (folder / "photo.jxc").read_bytes()
    (folder / "short.jxc").write_bytes(whole[:-1])
    (folder / "damaged.jxc").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    before = sorted(folder.rglob("*"))
    refused("decode", *arguments, "--codec", codec, words=words)
    assert sorted(folder.rglob("*")) == before


def test_another_codec_is_refused_with_both_ids(folder, run, refused, codec):
    other = folder / "other.codec"
    codec_file.save(other, small_codecs.content("one_quality"))
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    ids = [jaxcodec.load(path).id for path in (codec, other)]
    refused("decode", "photo.jxc", "a.png", "--codec", other, words=["photo.jxc", *ids])
    assert not (folder / "a.png").exists()


@pytest.fixture
def mine(folder, monkeypatch):
    """The user's folder of codecs, with one in it."""
    (folder / "mine").mkdir()
    codec_file.save(folder / "mine" / "other.codec", small_codecs.content("one_quality"))
    monkeypatch.setenv("JAXCODEC_CODECS", str(folder / "mine"))
    return folder / "mine"


def test_a_folder_of_files_of_several_codecs(folder, run, codec, mine, picture, monkeypatch):
    (mine / "small.codec").write_bytes(codec.read_bytes())
    (mine / "damaged.codec").write_bytes(codec.read_bytes()[:100])
    loads, load = [], jaxcodec.load
    expected = {}
    (folder / "in").mkdir()
    for number, path in enumerate((codec, mine / "other.codec") * 2):
        data = jaxcodec.encode(load(path), picture)
        (folder / "in" / f"{number}.jxc").write_bytes(data)
        expected[f"{number}.png"] = jaxcodec.decode(load(path), data)

    def counting(path, **options):
        loads.append(path)
        return load(path, **options)

    monkeypatch.setattr(jaxcodec, "load", counting)
    status, output, errors = run("decode", "in", "out")
    assert (status, errors) == (0, "") and output.count("\n") == 4
    assert loads == [mine / "small.codec", mine / "other.codec"]
    for name, pixels in expected.items():
        assert (image.read(folder / "out" / name).pixels == pixels).all()


def test_a_file_without_its_codec_is_named_and_the_others_go_on(folder, run, codec, mine):
    run("encode", "photo.png", "in/", "--codec", codec)
    run("encode", "photo.png", "in/x.jxc", "--codec", mine / "other.codec")
    status, output, errors = run("decode", "in", "out")
    assert status == 2 and output.startswith("in/x.jxc -> out/x.png")
    first, last = errors.splitlines()
    assert first.startswith("jaxcodec: error: in/photo.jxc: there is no codec ")
    for word in (jaxcodec.load(codec).id, str(mine), "--codec"):
        assert word in first
    assert last == "jaxcodec: error: 1 of 2 files failed"
    assert run("decode", "in/photo.jxc", "out", "--codec", codec)[0] == 0


def test_a_codec_that_is_named_is_used_as_given(folder, run, refused, codec, mine):
    run("encode", "photo.png", "photo.jxc", "--codec", mine / "other.codec")
    refused("decode", "photo.jxc", "a.png", "--codec", codec, words=["was encoded with the codec"])
    refused("decode", "photo.jxc", "a.png", "--codec", "default", words=["decode it with that"])
    assert run("decode", "photo.jxc", "a.png")[0] == 0


def test_a_codec_with_the_right_head_and_a_damaged_body_is_named(folder, run, refused, mine):
    run("encode", "photo.png", "photo.jxc", "--codec", mine / "other.codec")
    whole = (mine / "other.codec").read_bytes()
    (mine / "other.codec").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused("decode", "photo.jxc", "a.png", words=["photo.jxc: ", "other.codec is damaged"])
