"""jaxcodec info: every field of a file, and of a codec."""

import json

import pytest
from PIL import Image

import jaxcodec
from jaxcodec.artefact import codec_file
from jaxcodec.image import Picture, standard_profiles

pytestmark = pytest.mark.usefixtures("photographed")


def test_info_shows_every_field(folder, run, codec):
    run("encode", "photo.png", "photo.jxc", "--codec", codec, "--quality", 30)
    status, output, _ = run("info", "photo.jxc")
    assert status == 0
    shown = dict(line.split(maxsplit=1) for line in output.splitlines())
    status, output, _ = run("info", "photo.jxc", "--json")
    fields = json.loads(output)
    assert status == 0 and shown.keys() == fields.keys()
    assert (fields["width"], fields["height"], fields["channels"], fields["quality"]) == (
        48,
        40,
        3,
        30,
    )
    assert fields["codec_id"] == shown["codec_id"] == jaxcodec.load(codec).id
    assert fields["bytes"] == (folder / "photo.jxc").stat().st_size


def test_info_says_which_codec_decodes_a_file(folder, run, codec, monkeypatch):
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    monkeypatch.setenv("JAXCODEC_CODECS", str(folder))
    assert json.loads(run("info", "photo.jxc", "--json")[1])["codec"] is None
    monkeypatch.setenv("JAXCODEC_CODECS", str(codec.parent))
    assert json.loads(run("info", "photo.jxc", "--json")[1])["codec"] == str(codec)
    monkeypatch.setattr("jaxcodec.artefact.bundled.FOLDER", codec.parent)
    assert json.loads(run("info", "photo.jxc", "--json")[1])["codec"] == "small"


def test_info_shows_what_describes_the_picture(folder, run, codec, picture):
    srgb = standard_profiles.content(1)
    described = Picture(picture, icc=srgb, xmp=b"<x:xmpmeta/>", dpi=(300.0, 72.009))
    (folder / "described.jxc").write_bytes(jaxcodec.encode(jaxcodec.load(codec), described))
    fields = json.loads(run("info", "described.jxc", "--json")[1])
    assert (fields["profile"], fields["dpi"]) == ("sRGB", [300, 72.009])
    assert fields["section_bytes"].keys() == {"profile", "xmp", "dpi"}
    assert fields["section_bytes"]["profile"] == 1
    assert sum(fields["part_bytes"]) < fields["bytes"]
    assert "300.0 72.009" in run("info", "described.jxc")[1]


def test_metadata_is_carried_and_shown_unless_it_is_stripped(folder, run, codec, picture):
    tags = Image.Exif()
    tags[271], tags[306] = "Maker", "2026:11:01 10:20:30"  # Make, DateTime
    tags.get_ifd(0x8769)[0x829A] = 0.005  # ExposureTime
    tags.get_ifd(0x8769)[0x927C] = bytes(1000)  # MakerNote
    profile = standard_profiles.content(1)
    Image.fromarray(picture).save(
        "full.jpg", exif=tags, xmp=b"<x:xmpmeta>\n</x:xmpmeta>", dpi=(300, 300), icc_profile=profile
    )
    run("encode", "full.jpg", "full.jxc", "--codec", codec)
    fields = json.loads(run("info", "full.jxc", "--json")[1])
    assert (fields["exif"]["Make"], fields["exif"]["ExposureTime"]) == ("Maker", "0.005")
    assert "MakerNote" not in fields["exif"] and "ExifOffset" not in fields["exif"]
    assert (
        fields["xmp"].startswith("<x:xmpmeta")
        and fields["dpi"] == [300, 300]
        and fields["profile"] == "sRGB"
    )
    assert "Make Maker, " in run("info", "full.jxc")[1]
    assert run("decode", "full.jxc", "full.png", "--codec", codec)[0] == 0
    assert Image.open("full.png").getexif()[271] == "Maker"
    run("encode", "full.jpg", "bare.jxc", "--codec", codec, "--strip")
    fields = json.loads(run("info", "bare.jxc", "--json")[1])
    assert not {"exif", "xmp"} & fields.keys() and (fields["dpi"], fields["profile"]) == (
        None,
        "sRGB",
    )
    run("encode", "full.jpg", "plain.jxc", "--codec", codec, "--strip", "--no-icc")
    fields = json.loads(run("info", "plain.jxc", "--json")[1])
    assert fields["profile"] is None and fields["section_bytes"] == {}


def test_info_of_a_codec_file(folder, run, codec, monkeypatch):
    status, output, _ = run("info", codec, "--json")
    fields = json.loads(output)
    assert status == 0 and fields["id"] == jaxcodec.load(codec).id
    assert (fields["name"], fields["format"], fields["bpp_range"]) == (
        "tiny",
        codec_file.FORMAT,
        [0.2, 2.0],
    )
    assert fields["bytes"] == codec.stat().st_size and fields["model"]["entropy"] == "mean_scale"
    _, output, _ = run("info", codec)
    assert "bpp_range  0.2 2.0\n" in output and fields["id"] in output
    monkeypatch.setattr("jaxcodec.artefact.bundled.FOLDER", codec.parent)
    assert run("info", "small") == (0, output, "")  # by the name that --codec takes


def test_bad_info_names_the_file(folder, refused):
    (folder / "half.codec").write_bytes(b"half")
    refused("info", "photo.png", words=["photo.png: ", "not a .jxc file"])
    refused("info", "missing.jxc", words=["missing.jxc", "No such file"])
    refused("info", ".", words=[".", "Is a directory"])
    refused("info", "half.codec", words=["half.codec is not a codec file"])
