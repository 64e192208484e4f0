"""encode-set: files in a budget, from a small codec."""

import json

import pytest
from PIL import Image


@pytest.fixture
def photos(folder, photo):
    """A folder of two photographs of one size."""
    (folder / "in").mkdir()
    for name, pixels in (("busy", photo[:96, 128:224]), ("calm", photo[300:396, :96])):
        Image.fromarray(pixels).save(folder / "in" / f"{name}.png")
    return folder


def sizes(folder) -> list[int]:
    return [path.stat().st_size for path in sorted((folder / "out").glob("*.jxc"))]


def test_a_set_keeps_to_its_budget(photos, run, codec):
    status, output, _ = run("encode-set", "in", "out", "--codec", codec, "--mean-bpp", 2, "--json")
    lines = [json.loads(line) for line in output.splitlines()]
    assert status == 0
    assert [line["output"] for line in lines[:2]] == ["out/busy.jxc", "out/calm.jxc"]
    assert sizes(photos) == [line["bytes"] for line in lines[:2]]
    assert lines[2]["total_bytes"] == sum(sizes(photos)) <= 2 * 2 * 96 * 96 / 8
    assert lines[2]["mse_255"] <= lines[2]["same_rate_mse_255"]


def test_a_broken_picture_is_named_and_the_others_have_the_budget(photos, run, codec):
    (photos / "in" / "bad.png").write_bytes(b"not a picture")
    status, output, errors = run("encode-set", "in", "out", "--codec", codec, "--total-bytes", 1200)
    assert status == 2 and "bad.png is not an image" in errors and "1 of 3 files failed" in errors
    assert (
        len(sizes(photos)) == 2 and 800 < sum(sizes(photos)) <= 1200
    )  # more than two of three parts
    assert "\n2 files: " in output


def test_a_set_of_broken_pictures_leaves_nothing(folder, run, codec):
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(b"not a picture")
    status, output, errors = run(
        "encode-set", "a.png", "b.png", "out", "--codec", codec, "--total-bytes", 4000
    )
    assert (status, output) == (2, "") and "2 of 2 files failed" in errors
    assert not (folder / "out").exists()


def test_a_budget_that_is_too_small_leaves_nothing(photos, refused, codec):
    refused(
        "encode-set",
        "in",
        "out",
        "--codec",
        codec,
        "--total-bytes",
        10,
        words=["at least", "10 allowed"],
    )
    assert not (photos / "out").exists()


def test_existing_outputs_are_found_before_the_work(photos, refused, codec, monkeypatch):
    monkeypatch.setattr(
        "jaxcodec.cli.picture_files.load_codec", lambda options: pytest.fail("the codec was loaded")
    )
    (photos / "out").mkdir()
    (photos / "out" / "calm.jxc").touch()
    refused(
        "encode-set", "in", "out", "--mean-bpp", 1, words=["out/calm.jxc exists already", "--force"]
    )
