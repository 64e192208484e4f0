"""Many files through one command: a bad one is named and the others go on, whatever is bad. Needs
no JAX.
"""

import json
import pathlib

import pytest
from cli_fakes import Encoded
from painting import MAGIC, paint

import jaxcodec
from jaxcodec import guard
from jaxcodec.errors import RateError

ROOT = pathlib.Path(jaxcodec.__file__).parents[1]


class XlaRuntimeError(RuntimeError):
    """As JAX raises it."""


PROBLEMS = [
    (RateError("2 bpp cannot be met"), "2 bpp cannot be met"),
    (MemoryError("Unable to allocate 9 GiB"), "memory did not suffice"),
    (
        XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 123 bytes."),
        "memory did not suffice",
    ),
    (KeyError("gone"), "KeyError: 'gone'"),
    (AssertionError(), "unforeseen error, AssertionError;"),
    (OSError(5, "Input/output error"), "Input/output error"),
]


@pytest.mark.parametrize(
    ("problem", "words"), PROBLEMS, ids=[type(problem).__name__ for problem, _ in PROBLEMS]
)
def test_whatever_is_raised_at_one_picture_the_others_go_on(folder, fake, run, problem, words):
    paint("in/a.png", "in/c.png", level=1)
    paint("in/b.png", level=2)

    def before(picture):
        if picture.pixels[0, 0, 0] == 2:
            raise problem

    fake.before = before
    for options in ([], ["--refine", "3"]):  # one by one, and together
        status, output, errors = run("encode", "in", "out", "--force", *options)
        assert status == 2
        assert [line.split(" -> ")[0] for line in output.splitlines()] == ["in/a.png", "in/c.png"]
        first, last = errors.splitlines()
        assert first.startswith("jaxcodec: error: in/b.png: ") and words in first
        assert last == "jaxcodec: error: 1 of 3 files failed"
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jxc", "c.jxc"]


def test_a_damaged_stream_is_named_and_the_others_go_on(folder, fake, run):
    (folder / "in").mkdir()
    for name, data in (("a", MAGIC + b"a"), ("b", b"no stream"), ("c", MAGIC + b"c")):
        (folder / "in" / f"{name}.jxc").write_bytes(data)
    status, output, errors = run("decode", "in", "out")
    assert status == 2 and "in/b.jxc: this is not a .jxc file" in errors
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.png", "c.png"]


def test_a_traceback_is_shown_on_demand(folder, fake, run, monkeypatch):
    def before(picture):
        raise KeyError("gone")

    fake.before = before
    assert "Traceback" not in run("encode", "photo.png", "a.jxc")[2]
    monkeypatch.setenv(guard.TRACEBACK, "1")
    status, _, errors = run("encode", "photo.png", "a.jxc")
    assert status == 2 and "Traceback" in errors and "in before" in errors


def test_an_unforeseen_error_of_a_command_is_one_line(folder, refused, monkeypatch):
    def broken():
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("jaxcodec.artefact.bundled.available", broken)
    refused("codecs", words=["ZeroDivisionError: division by zero", f"{guard.TRACEBACK}=1"])


def test_a_large_folder_is_read_picture_by_picture(folder, fake, run):
    paint(*[f"in/{number:03}.png" for number in range(40)])
    held = []

    def before(picture):
        held.append(len(fake.given))
        fake.given.clear()

    fake.before = before
    assert run("encode", "in", "out", "--quiet") == (0, "", "")
    assert held == [1] * 40
    held.clear()
    assert run("encode", "in", "out", "--quiet", "--force", "--refine", "5")[0] == 0
    assert max(held) == 16 and len(held) == 40
    held.clear()
    assert run("encode", "in", "out", "--quiet", "--force", "--effort", "3")[0] == 0
    assert max(held) == 16 and len(held) == 40


def test_an_interrupted_file_is_written_and_ends_the_command(folder, fake, run):
    paint("in/a.png", "in/b.png", "in/c.png")
    fake.before = lambda picture: Encoded(MAGIC, interrupted=len(fake.calls) == 2)
    status, output, errors = run("encode", "in", "out")
    assert (status, errors) == (130, "jaxcodec: interrupted\n")
    assert output.count("\n") == 3 and output.endswith("  note: its refinement was interrupted\n")
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jxc", "b.jxc"]


def test_json_and_quiet(folder, fake, run):
    _, output, _ = run("encode", "photo.png", "a.jxc", "--json", "--max-bytes", "50")
    facts = json.loads(output)
    assert facts.keys() == {
        "input",
        "output",
        "bytes",
        "bpp",
        "quality",
        "step",
        "seconds",
        "notes",
    }
    assert (facts["input"], facts["output"], facts["bytes"]) == ("photo.png", "a.jxc", 5)
    assert run("encode", "photo.png", "b.jxc", "--quiet") == (0, "", "")
    assert run("decode", "a.jxc", "b.png", "--quiet") == (0, "", "")


def test_answers_in_the_unit_of_the_question(folder, fake, run):
    fake.before = lambda picture: Encoded(MAGIC + bytes(996), quality=30.5, step=1.25, bpp=0.5)
    _, output, _ = run("encode", "photo.png", "a.jxc", "--max-bytes", "2000")
    told = "a.jxc: 1,000 bytes (50.0 % of 2,000), 0.5000 bpp, quality 30.5, quantiser step 1.25, "
    assert output.startswith(f"photo.png -> {told}") and output.endswith(" s\n")


def test_options_of_the_encoder_are_handed_on(folder, fake, run):
    line = [
        "--psnr",
        "38",
        "--refine",
        "7",
        "--nearest",
        "--coder",
        "lanes",
        "--keep-hidden-colour",
    ]
    assert run("encode", "photo.png", "a.jxc", *line)[0] == 0
    (options,) = fake.calls
    assert options["target"] == jaxcodec.AtLeast("psnr", 38)
    assert (options["refine"], options["coder"]) == (7, "lanes")
    assert options["nearest"] is True and options["keep_hidden_colour"] is True
    assert run("encode", "photo.png", "b.jxc", "--effort", "0")[0] == 0
    assert (fake.calls[-1]["effort"], fake.calls[-1]["refine"]) == (0, None)
