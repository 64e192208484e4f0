"""The command line: what it prints, writes and returns, and that errors are one line and status 2."""

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
from jaxcodec import cli, codec_file, compile_cache, image
from jaxcodec.image import Picture

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
def folder(tmp_path, monkeypatch, picture) -> pathlib.Path:
    """The working folder, with photo.png in it."""
    monkeypatch.setenv(compile_cache.SWITCH, "0")
    monkeypatch.chdir(tmp_path)
    image.write("photo.png", Picture(picture))
    return tmp_path


@pytest.fixture
def run(capsys):
    """Runs a command line; returns its status, its output and its errors."""

    def command(*arguments) -> tuple[int, str, str]:
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            status = end.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


def assert_refused(result: tuple[int, str, str], *words: str) -> None:
    """Status 2, nothing on stdout, and one line on stderr with all of `words`."""
    status, output, errors = result
    assert status == 2 and output == ""
    assert errors.startswith("jaxcodec: error: ") and errors.count("\n") == 1
    for word in words:
        assert word in errors


def test_round_trip_says_bytes_bpp_quality_and_seconds(folder, run, codec, picture):
    status, output, errors = run("encode", "photo.png", "photo.jxc", "--codec", codec, "--quality", 30)
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
    assert ", step " in output


def test_refine_makes_a_file_that_decodes(folder, run, codec, picture):
    status, output, errors = run("encode", "photo.png", "a.jxc", "--codec", codec, "--quality", "60", "--refine", "5")
    assert (status, errors) == (0, "") and "quality 60" in output
    assert run("decode", "a.jxc", "a.png", "--codec", codec)[0] == 0
    assert image.read("a.png").pixels.shape == picture.shape


def test_a_folder_is_refined_together_and_a_bad_file_is_named(folder, run, codec, picture):
    (folder / "in").mkdir()
    for name, pixels in (("a", picture), ("b", picture[::-1]), ("d", picture[:, ::-1])):
        image.write(f"in/{name}.png", Picture(np.ascontiguousarray(pixels)))
    (folder / "in" / "c.png").write_bytes(b"no picture")
    status, output, errors = run("encode", "in", "out", "--codec", codec, "--quality", 60, "--refine", 2)
    assert status == 2 and "c.png" in errors and "1 of 4 files failed" in errors
    assert [line.split(" -> ")[0] for line in output.splitlines()] == ["in/a.png", "in/b.png", "in/d.png"]
    for name, pixels in (("a", picture), ("b", picture[::-1]), ("d", picture[:, ::-1])):
        decoded = jaxcodec.decode(jaxcodec.load(codec), (folder / "out" / f"{name}.jxc").read_bytes())
        assert decoded.shape == pixels.shape
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jxc", "b.jxc", "d.jxc"]


def test_json_lines(folder, run, codec):
    _, output, _ = run("encode", "photo.png", "photo.jxc", "--codec", codec, "--json")
    facts = json.loads(output)
    assert facts.keys() == {"input", "output", "bytes", "bpp", "quality", "step", "seconds", "notes"}
    assert facts["bytes"] == (folder / "photo.jxc").stat().st_size
    _, output, _ = run("decode", "photo.jxc", "again.png", "--codec", codec, "--json")
    facts = json.loads(output)
    assert (facts["width"], facts["height"], facts["channels"]) == (48, 40, 3)


def test_quiet_prints_nothing(folder, run, codec):
    assert run("encode", "photo.png", "photo.jxc", "--codec", codec, "--quiet") == (0, "", "")
    assert run("decode", "photo.jxc", "again.png", "--codec", codec, "--quiet") == (0, "", "")


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
    assert (fields["width"], fields["height"], fields["channels"], fields["quality"]) == (48, 40, 3, 30)
    assert fields["codec_id"] == shown["codec_id"] == jaxcodec.load(codec).id
    assert fields["bytes"] == (folder / "photo.jxc").stat().st_size


def test_codecs_lists_what_is_bundled(folder, run, codec, monkeypatch):
    monkeypatch.setattr("jaxcodec.bundled.FOLDER", codec.parent)
    status, output, _ = run("codecs")
    assert status == 0
    assert output.startswith("small") and jaxcodec.load(codec).id in output and "0.20 to 2.00 bpp" in output
    _, output, _ = run("codecs", "--json")
    (listed,) = json.loads(output)
    assert (listed["name"], listed["size_bytes"]) == ("small", codec.stat().st_size)


def test_folder_in_folder_out_and_back(folder, run, codec, picture):
    (folder / "in").mkdir()
    for name in ("a.png", "b.webp"):
        image.write(folder / "in" / name, Picture(picture))
    status, output, errors = run("encode", "in", "packed", "--codec", codec)
    assert (status, errors) == (0, "")
    assert [line.split(":")[0] for line in output.splitlines()] == ["in/a.png -> packed/a.jxc", "in/b.webp -> packed/b.jxc"]
    status, *_ = run("decode", "packed", "out", "--codec", codec)
    assert status == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.png", "b.png"]


def test_one_bad_file_of_several_is_named_and_the_others_go_on(folder, run, codec):
    (folder / "bad.png").write_text("no image")
    status, output, errors = run("encode", "bad.png", "photo.png", "packed", "--codec", codec)
    assert status == 2
    assert [path.name for path in (folder / "packed").iterdir()] == ["photo.jxc"]
    assert output.startswith("photo.png -> packed/photo.jxc")
    assert "bad.png is not an image" in errors.splitlines()[0]
    assert errors.splitlines()[1:] == ["jaxcodec: error: 1 of 2 files failed"]


def test_two_inputs_for_one_output_are_refused(folder, run, codec):
    image.write("photo.webp", image.read("photo.png"))
    assert_refused(run("encode", "photo.png", "photo.webp", "out", "--codec", codec), "photo.png", "photo.webp", "rename")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.png", "a.jxc"], ["missing.png", "does not exist"]),
        (["text.png", "a.jxc"], ["text.png is not an image"]),
        (["photo.png", "nowhere/a.jxc"], ["nowhere/a.jxc", "No such file or directory"]),
        (["photo.png", "text.png", "nowhere/out"], ["nowhere/out", "No such file or directory"]),
        (["photo.png", "text.png", "photo.png"], ["output folder photo.png", "exists"]),
        (["empty", "out"], ["empty", "holds no images"]),
        (["photo.png", "photo.png"], ["is the input itself"]),
        (["photo.png", "/dev/full"], ["/dev/full", "No space left on device"]),
        (["photo.png", "a.jxc", "--max-pixels", "100"], ["photo.png is 48 x 40 pixels", "100"]),
        (["photo.png", "a.jxc", "--quality", "101"], ["101"]),
        (["photo.png", "a.jxc", "--quality", "nan"], ["nan"]),
        (["photo.png", "a.jxc", "--bpp", "-1"], ["-1"]),
        (["photo.png", "a.jxc", "--bpp", ".001"], ["0.001"]),
        (["photo.png", "a.jxc", "--refine", "0"], ["0 steps"]),
        (["photo.png", "a.jxc", "--refine", "5", "--ms-ssim", ".9"], ["ms_ssim and a refinement"]),
        (["photo.png", "a.jxc", "--codec", "nothing"], ["nothing", "codec"]),
        (["photo.png", "a.jxc", "--codec", "photo.png"], ["photo.png is not a codec file"]),
    ],
)
def test_bad_encode_is_one_line_and_leaves_no_file(folder, run, codec, arguments, words):
    (folder / "text.png").write_text("no image")
    (folder / "empty").mkdir()
    before = sorted(folder.rglob("*"))
    if "--codec" not in arguments:
        arguments = [*arguments, "--codec", codec]
    assert_refused(run("encode", *arguments), *words)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.jxc", "a.png"], ["missing.jxc", "No such file"]),
        (["photo.png", "a.png"], ["photo.png: ", "not a .jxc file"]),
        (["short.jxc", "a.png"], ["short.jxc: ", "cut short"]),
        (["damaged.jxc", "a.png"], ["damaged.jxc: ", "damaged"]),
        (["photo.jxc", "a.gif"], ["a.gif", "suffixes"]),
        (["photo.jxc", "nowhere/a.png"], ["nowhere/a.png", "No such file or directory"]),
        (["photo.jxc", "a.png", "--max-pixels", "100"], ["photo.jxc: ", "100"]),
        (["empty", "out"], ["empty", "no .jxc files"]),
    ],
)
def test_bad_decode_is_one_line_and_leaves_no_file(folder, run, codec, arguments, words):
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    whole = (folder / "photo.jxc").read_bytes()
    (folder / "short.jxc").write_bytes(whole[:-1])
    (folder / "damaged.jxc").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (folder / "empty").mkdir()
    before = sorted(folder.rglob("*"))
    assert_refused(run("decode", *arguments, "--codec", codec), *words)
    assert sorted(folder.rglob("*")) == before


def test_another_codec_is_refused_with_both_ids(folder, run, codec):
    other = folder / "other.codec"
    codec_file.save(other, dataclasses.replace(codec_file.read(codec), name="other"))
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    ids = [jaxcodec.load(path).id for path in (codec, other)]
    assert_refused(run("decode", "photo.jxc", "a.png", "--codec", other), "photo.jxc", *ids)
    assert not (folder / "a.png").exists()


def test_bad_info_names_the_file(folder, run):
    assert_refused(run("info", "photo.png"), "photo.png: ", "not a .jxc file")
    assert_refused(run("info", "missing.jxc"), "missing.jxc", "No such file")


def test_export_says_what_it_wrote(folder, run, monkeypatch):
    content = small_codecs.content("tiny")

    def export(workdir, path, images):
        codec_file.save(path, content)
        return content

    monkeypatch.setattr("jaxcodec.training.export.export", export)
    status, output, errors = run("export", "workdir", "a.codec")
    size = (folder / "a.codec").stat().st_size
    assert (status, errors) == (0, "")
    assert output == f"workdir -> a.codec: {size:,} bytes, id {content.id}, 0.20 to 2.00 bpp\n"


def test_export_of_a_missing_folder_is_refused(folder, run):
    assert_refused(run("export", "nowhere", "a.codec"), "nowhere")
    assert not (folder / "a.codec").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["polish"], ["encode", "photo.png"], ["encode", "a", "b", "--bpp", "1", "--quality", "2"], ["info", "a", "--js"]],
)
def test_wrong_usage_ends_with_status_2(run, arguments):
    status, output, errors = run(*arguments)
    assert status == 2 and output == "" and "usage: jaxcodec" in errors


def test_interrupt_ends_with_status_130(folder, run, codec, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("jaxcodec.rate.encode.encode_pictures", interrupt)
    assert run("encode", "photo.png", "photo.jxc", "--codec", codec) == (130, "", "jaxcodec: interrupted\n")
    assert not (folder / "photo.jxc").exists()


def test_an_interrupted_refinement_is_written_and_ends_the_command(
    folder, run, codec, picture, monkeypatch, interrupted_refinement
):
    monkeypatch.setattr("jaxcodec.cli._REFINED_TOGETHER", 2)
    for name in "abc":
        image.write(f"{name}.png", Picture(picture))
    status, output, errors = run("encode", "a.png", "b.png", "c.png", "out", "--codec", codec, "--refine", 5)
    assert (status, errors) == (130, "jaxcodec: interrupted\n")
    assert output.count("note: its refinement was interrupted") == 2
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jxc", "b.jxc"]


def test_compile_cache_is_on_unless_switched_off(folder, run, codec, monkeypatch):
    calls = []
    monkeypatch.setattr(compile_cache, "enable", lambda: calls.append(1))
    run("encode", "photo.png", "photo.jxc", "--codec", codec, "--no-compile-cache")
    assert calls == []
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    assert calls == [1]


@pytest.mark.parametrize("arguments", [["--help"], ["info", "photo.jxc"], ["codecs"]])
def test_quick_commands_import_no_jax(folder, run, codec, arguments):
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    code = (
        "import atexit, sys; from jaxcodec import cli; "
        "atexit.register(lambda: print('loaded', 'jax' in sys.modules)); sys.exit(cli.main(sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(jaxcodec.__file__).parents[1])}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("loaded False\n")


def test_a_set_keeps_to_its_budget(photo, tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, pixels in (("busy", photo[:192, 128:320]), ("calm", photo[300:492, :192])):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    status = cli.main(["encode-set", str(folder), str(tmp_path / "out"), "--mean-bpp", "0.5", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 0
    assert [pathlib.Path(line["output"]).name for line in lines[:2]] == ["busy.jxc", "calm.jxc"]
    sizes = [path.stat().st_size for path in sorted((tmp_path / "out").glob("*.jxc"))]
    assert sizes == [line["bytes"] for line in lines[:2]]
    assert lines[2]["total_bytes"] == sum(sizes) <= 0.5 * 2 * 192 * 192 / 8
    assert lines[2]["mse_255"] <= lines[2]["same_rate_mse_255"]


def test_a_set_that_cannot_be_leaves_no_files(photo, tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(photo[:64, :64]).save(folder / "good.png")
    (folder / "bad.png").write_bytes(b"not a picture")
    for budget in (["--total-bytes", "4000"], ["--total-bytes", "10"]):
        assert cli.main(["encode-set", str(folder), str(tmp_path / "out"), *budget]) == 2
        assert "bad.png" in capsys.readouterr().err
        assert not list((tmp_path / "out").glob("*"))
