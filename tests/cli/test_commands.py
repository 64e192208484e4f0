"""Commands with a small codec: what they print, write and return. What needs no JAX is in the other
modules here.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import small_codecs
from PIL import Image

import jaxcodec
from jaxcodec import image
from jaxcodec.artefact import codec_file
from jaxcodec.image import Picture, standard_profiles
from jaxcodec.runtime import compile_cache

SIZE = (40, 48)  # height, width of every picture here, so that each network is compiled once


@pytest.fixture(scope="module")
def codec(tmp_path_factory) -> pathlib.Path:
    """The file of a small untrained codec with a range of qualities."""
    path = tmp_path_factory.mktemp("codec") / "small.codec"
    codec_file.save(path, small_codecs.content("tiny"))
    return path


@pytest.fixture(scope="module")
def picture(photo) -> np.ndarray:
    return photo[100 : 100 + SIZE[0], 200 : 200 + SIZE[1]]


@pytest.fixture
def folder(folder, picture) -> pathlib.Path:
    """The working folder, with a photograph in it."""
    image.write("photo.png", Picture(picture))
    return folder


def test_round_trip_says_bytes_bpp_quality_and_seconds(folder, run, codec, picture):
    status, output, errors = run(
        "encode", "photo.png", "photo.jxc", "--codec", codec, "--quality", 30
    )
    size = (folder / "photo.jxc").stat().st_size
    bpp = size * 8 / (SIZE[0] * SIZE[1])
    assert (status, errors) == (0, "")
    assert output.startswith(f"photo.png -> photo.jxc: {size:,} bytes, {bpp:.4f} bpp, quality 30, ")
    assert output.endswith(" s\n")
    status, output, errors = run("decode", "photo.jxc", "again.png", "--codec", codec)
    assert (status, errors) == (0, "")
    assert output.startswith("photo.jxc -> again.png: 48 x 40, 3 channels, ")
    expected = jaxcodec.decode(jaxcodec.load(codec), (folder / "photo.jxc").read_bytes())
    np.testing.assert_array_equal(image.read("again.png").pixels, expected)


def test_bpp_is_kept_to_and_said(folder, run, codec):
    status, output, _ = run("encode", "photo.png", "photo.jxc", "--codec", codec, "--bpp", 1)
    assert status == 0
    assert (folder / "photo.jxc").stat().st_size * 8 / (SIZE[0] * SIZE[1]) <= 1
    assert ", quantiser step " in output


def test_refine_makes_a_file_that_decodes(folder, run, codec, picture):
    status, output, errors = run(
        "encode", "photo.png", "a.jxc", "--codec", codec, "--quality", "60", "--refine", "5"
    )
    assert (status, errors) == (0, "") and "quality 60" in output
    assert run("decode", "a.jxc", "a.png", "--codec", codec)[0] == 0
    assert image.read("a.png").pixels.shape == picture.shape


def test_a_folder_is_refined_together_and_a_bad_file_is_named(folder, run, codec, picture):
    (folder / "in").mkdir()
    for name, pixels in (("a", picture), ("b", picture[::-1]), ("d", picture[:, ::-1])):
        image.write(f"in/{name}.png", Picture(np.ascontiguousarray(pixels)))
    (folder / "in" / "c.png").write_bytes(b"no picture")
    status, output, errors = run(
        "encode", "in", "out", "--codec", codec, "--quality", 60, "--refine", 2
    )
    assert status == 2 and "c.png" in errors and "1 of 4 files failed" in errors
    assert [line.split(" -> ")[0] for line in output.splitlines() if " -> " in line] == [
        "in/a.png",
        "in/b.png",
        "in/d.png",
    ]
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jxc", "b.jxc", "d.jxc"]
    status, output, _ = run("decode", "out", "back", "--codec", codec, "--json")
    sizes = [(facts["height"], facts["width"]) for facts in map(json.loads, output.splitlines())]
    assert status == 0 and sizes == [SIZE] * 3


def test_notes_of_the_conversion_are_printed(folder, run, codec):
    Image.open("photo.png").convert("CMYK").save("inks.tif")
    _, output, _ = run("encode", "inks.tif", "inks.jxc", "--codec", codec)
    assert output.splitlines()[1] == "  note: converted from CMYK to RGB"


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


def test_hidden_colour_is_forgotten_unless_it_is_kept(folder, run, codec, picture):
    alpha = np.zeros((*SIZE, 1), np.uint8)
    image.write("clear.png", Picture(np.concatenate([picture, alpha], axis=2)))
    sizes = []
    for options in ([], ["--keep-hidden-colour"]):
        assert (
            run(
                "encode",
                "clear.png",
                "clear.jxc",
                "--codec",
                codec,
                "--quality",
                90,
                "--force",
                *options,
            )[0]
            == 0
        )
        sizes.append((folder / "clear.jxc").stat().st_size)
    assert sizes[0] < 0.9 * sizes[1]


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


def test_codecs_lists_what_is_bundled(folder, run, codec, monkeypatch):
    monkeypatch.setattr("jaxcodec.artefact.bundled.FOLDER", codec.parent)
    status, output, _ = run("codecs")
    assert status == 0
    assert (
        output.startswith("small")
        and jaxcodec.load(codec).id in output
        and "0.20 to 2.00 bpp" in output
    )
    _, output, _ = run("codecs", "--json")
    (listed,) = json.loads(output)
    assert (listed["name"], listed["size_bytes"]) == ("small", codec.stat().st_size)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["text.png", "a.jxc"], ["text.png is not an image"]),
        (["photo.png", "/dev/full"], ["/dev/full", "No space left on device"]),
        (["photo.png", "a.jxc", "--max-pixels", "100"], ["photo.png is 48 x 40 pixels", "100"]),
        (["photo.png", "a.jxc", "--bpp", ".001"], ["0.001", "--nearest"]),
        (["photo.png", "a.jxc", "--psnr", "99"], ["99", "--nearest"]),
        (["photo.png", "a.jxc", "--refine", "5", "--ms-ssim", ".9"], ["ms_ssim and a refinement"]),
    ],
)
def test_bad_encode_is_one_line_and_leaves_no_file(folder, refused, codec, arguments, words):
    (folder / "text.png").write_text("no image")
    before = sorted(folder.rglob("*"))
    refused("encode", *arguments, "--codec", codec, words=words)
    assert sorted(folder.rglob("*")) == before


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
    codec_file.save(other, dataclasses.replace(codec_file.read(codec), name="other"))
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    ids = [jaxcodec.load(path).id for path in (codec, other)]
    refused("decode", "photo.jxc", "a.png", "--codec", other, words=["photo.jxc", *ids])
    assert not (folder / "a.png").exists()


def test_bad_info_names_the_file(folder, refused):
    (folder / "half.codec").write_bytes(b"half")
    refused("info", "photo.png", words=["photo.png: ", "not a .jxc file"])
    refused("info", "missing.jxc", words=["missing.jxc", "No such file"])
    refused("info", ".", words=[".", "Is a directory"])
    refused("info", "half.codec", words=["half.codec is not a codec file"])


def test_an_interrupted_refinement_is_written_and_ends_the_command(
    folder, run, codec, picture, interrupted_refinement
):
    for name in "ab":
        image.write(f"{name}.png", Picture(picture))
    status, output, errors = run("encode", "a.png", "b.png", "out", "--codec", codec, "--refine", 5)
    assert output.count("note: its refinement was interrupted") == 2
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jxc", "b.jxc"]


def test_compile_cache_is_on_unless_switched_off(folder, run, codec, monkeypatch):
    calls = []
    monkeypatch.setattr(compile_cache, "enable", lambda: calls.append(1))
    run("encode", "photo.png", "photo.jxc", "--codec", codec, "--no-compile-cache")
    assert calls == []
    run("encode", "photo.png", "photo.jxc", "--codec", codec, "--force")
    assert calls == [1]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["encode", "--help"], 0),
        (["info", "photo.jxc"], 0),
        (["info", "default"], 0),
        (["codecs"], 0),
        (["encode", "photo.png", "a.jxc", "--quality", "101"], 2),
        (["encode", "missing.png", "a.jxc"], 2),
        (["encode", "photo.png", "nowhere/a.jxc"], 2),
        (["encode", "photo.png", "a.jxc", "--codec", "nothing"], 2),
        (["decode", "photo.jxc", "a.gif"], 2),
    ],
)
def test_quick_answers_import_no_jax(folder, run, codec, arguments, status):
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    code = (
        "import atexit, sys; from jaxcodec import cli; "
        "atexit.register(lambda: print('loaded', 'jax' in sys.modules)); "
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(jaxcodec.__file__).parents[1])}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert done.stdout.endswith("loaded False\n")
