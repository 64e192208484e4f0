"""jaxcodec encode, with a small codec."""

import json

import numpy as np
import pytest
import small_codecs
from painting import SIZE
from PIL import Image

import jaxcodec
from jaxcodec import image
from jaxcodec.artefact import codec_file
from jaxcodec.image import Picture
from jaxcodec.targets import effort

pytestmark = pytest.mark.usefixtures("photographed")


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


def test_effort_is_that_of_the_library(folder, run, codec, picture):
    for level, options in ((0, ["--effort", "0"]), (3, ["--effort", "3"]), (effort.DEFAULT, [])):
        line = ["photo.png", "a.jxc", "--codec", codec, "--quality", "90", "--force", *options]
        assert run("encode", *line)[0] == 0
        expected = jaxcodec.encode(jaxcodec.load(codec), picture, quality=90, effort=level)
        assert (folder / "a.jxc").read_bytes() == expected


def test_refinement_weighs_the_distortion_that_is_named(folder, run, codec, picture):
    line = ["photo.png", "a.jxc", "--codec", codec, "--refine", "5", "--distortion"]
    assert run("encode", *line, "ssim")[0] == 0
    expected = jaxcodec.encode(
        jaxcodec.load(codec), picture, quality=50, refine=5, distortion="ssim"
    )
    assert (folder / "a.jxc").read_bytes() == expected
    status, _, errors = run("encode", *line[:4], "--distortion", "ssim", "--force")
    assert status == 2 and "SSIM is weighed by refinement alone; give an effort of 3" in errors
    status, _, errors = run("encode", *line, "psnr", "--force")
    assert status == 2 and "there is no distortion 'psnr'; choose from" in errors


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


def test_an_interrupted_refinement_is_written_and_ends_the_command(
    folder, run, codec, picture, interrupted_refinement
):
    for name in "ab":
        image.write(f"{name}.png", Picture(picture))
    status, output, errors = run("encode", "a.png", "b.png", "out", "--codec", codec, "--refine", 5)
    assert output.count("note: its refinement was interrupted") == 2
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jxc", "b.jxc"]


def test_a_codec_of_one_quality_takes_a_size_and_no_quality(folder, run, refused):
    codec_file.save(folder / "one.codec", small_codecs.content("normalised"))
    given = ("encode", "photo.png", "a.jxc", "--codec", "one.codec")
    refused(*given, "--quality", "50", words=["normalised has one quality", "leave the quality"])
    assert not (folder / "a.jxc").exists()
    status, _, errors = run(*given, "--max-bytes", "240")
    assert status == 0, errors
    assert 120 < (folder / "a.jxc").stat().st_size <= 240
