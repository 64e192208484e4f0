"""jaxcodec decode, with a small codec."""

import pytest
import small_codecs

import jaxcodec
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
