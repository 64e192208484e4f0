"""Many files through one command: a bad one is named and the others go on, whatever is bad. Needs
no JAX.
"""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from cli_fakes import Encoded
from painting import MAGIC, paint

import jaxcodec
from jaxcodec import cli, guard
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


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_a_folder_and_leaves_nothing_half_done(folder, fake, run, number, status):
    paint("in/a.png", "in/b.png", "in/c.png")

    def before(picture):
        if len(fake.calls) == 2:
            signal.raise_signal(number)

    fake.before = before
    found, output, errors = run("encode", "in", "out")
    assert (found, errors) == (status, "jaxcodec: interrupted\n")
    assert output.count("\n") == 1 and [path.name for path in (folder / "out").iterdir()] == [
        "a.jxc"
    ]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_an_interrupt_that_python_drops_is_not_lost(folder, fake, run):
    paint("in/a.png", "in/b.png", "in/c.png")

    class Dropping:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)  # its exception is only printed

    def before(picture):
        if len(fake.calls) == 1:
            Dropping()

    fake.before = before
    status, output, errors = run("encode", "in", "out")
    assert (status, errors) == (130, "jaxcodec: interrupted\n")
    assert [path.name for path in (folder / "out").iterdir()] == ["a.jxc"]


def test_a_signal_that_is_ignored_stays_so(folder, fake, run, monkeypatch):
    fake.before = lambda picture: signal.raise_signal(signal.SIGINT)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as under nohup
    try:
        assert run("encode", "photo.png", "a.jxc", "--quiet") == (0, "", "")
    finally:
        signal.signal(signal.SIGINT, before)


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


class Standard:
    """Standard streams of bytes, with an encoding of their own."""

    def __init__(
        self, monkeypatch, given: bytes = b"", encoding: str = "utf-8", errors: str = "strict"
    ):
        self.out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors)
        self.err = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        monkeypatch.setattr(sys, "stdout", self.out)
        monkeypatch.setattr(sys, "stderr", self.err)

    def printed(self) -> tuple[bytes, bytes]:
        for stream in (self.out, self.err):
            stream.flush()
        return self.out.buffer.getvalue(), self.err.buffer.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_any_file_name_can_be_printed(folder, fake, monkeypatch, encoding):
    names = [os.fsdecode("é.png".encode("latin-1")), "日本.png", "new\nline.png"]
    paint(*[f"in/{name}" for name in names])
    (folder / "in" / os.fsdecode(b"bad\xff.png")).write_bytes(b"no image")
    streams = Standard(monkeypatch, encoding=encoding)
    status = cli.main(["encode", "in", "out"])
    output, errors = streams.printed()
    assert status == 2 and output.count(b" -> ") == 3
    assert b"bad\\udcff.png is not an image" in errors and b"1 of 4 files failed" in errors
    assert sorted(os.listdir(b"out")) == sorted(
        os.fsencode(name).replace(b".png", b".jxc") for name in names
    )
    streams = Standard(monkeypatch, encoding=encoding)
    assert cli.main(["encode", "in", "out", "--force", "--json"]) == 2
    inputs = {json.loads(line)["input"] for line in streams.printed()[0].splitlines()}
    assert inputs == {f"in/{name}" for name in names}


def test_standard_input_and_output(folder, fake, monkeypatch):
    streams = Standard(monkeypatch, given=(folder / "photo.png").read_bytes())
    assert cli.main(["encode", "-", "-"]) == 0
    output, errors = streams.printed()
    assert output == MAGIC + bytes([90])
    assert errors.startswith(b"standard input -> standard output: 5 bytes")
    streams = Standard(monkeypatch, given=output)
    assert cli.main(["decode", "-", "-", "--quiet"]) == 0
    picture, errors = streams.printed()
    assert picture.startswith(b"\x89PNG") and errors == b""
    streams = Standard(monkeypatch, given=output)
    assert cli.main(["decode", "-", "-", "--format", "webp", "--json"]) == 0
    picture, errors = streams.printed()
    assert picture[8:12] == b"WEBP" and json.loads(errors)["output"] == "standard output"
    streams = Standard(monkeypatch, given=output)
    assert cli.main(["decode", "-", "again.png"]) == 0
    assert streams.printed()[0].startswith(b"standard input -> again.png")


def test_empty_standard_input_is_refused(folder, fake, monkeypatch):
    streams = Standard(monkeypatch)
    assert cli.main(["encode", "-", "a.jxc"]) == 2
    assert streams.printed() == (
        b"",
        b"jaxcodec: error: standard input is empty; send a file to it\n",
    )
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.main(["info", "-"]) == 2
    assert b"cannot read standard input" in streams.printed()[1]


def test_a_terminal_is_no_place_for_a_file(folder, fake, monkeypatch):
    streams = Standard(monkeypatch)
    streams.out.isatty = lambda: True
    assert cli.main(["encode", "photo.png", "-"]) == 2
    assert b"standard output is a terminal" in streams.printed()[1]


def process(*line, environment=None, **streams) -> subprocess.Popen:
    command = [sys.executable, "-m", "jaxcodec", *line]
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}, **streams
    )


@pytest.mark.parametrize("line", [["codecs"], ["--help"], ["info", "default"]])
def test_a_reader_that_has_gone_is_no_error(line):
    read, write = os.pipe()
    os.close(read)
    done = process(*line, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert done.communicate() == (None, b"") and done.returncode == 128 + signal.SIGPIPE


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_an_output_that_is_full_is_one_line():
    with open("/dev/full", "wb") as full:
        done = process("codecs", stdout=full, stderr=subprocess.PIPE)
        _, errors = done.communicate()
    assert done.returncode == 2
    assert errors == b"jaxcodec: error: cannot write to standard output: No space left on device\n"


def test_streams_that_are_closed(tmp_path):
    for line in (["codecs"], ["info", "missing.jxc"]):
        command = f"{sys.executable} -m jaxcodec {' '.join(line)} >&- 2>&- <&-"
        done = subprocess.run(["sh", "-c", command], env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == (0 if line == ["codecs"] else 2)


def test_names_and_languages_of_any_kind_in_a_process(tmp_path):
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    name = os.fsdecode(b"caf\xe9.png")
    done = process(
        "encode",
        name,
        "a.jxc",
        environment=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = done.communicate()
    assert (done.returncode, output) == (2, b"")
    assert errors == b"jaxcodec: error: caf\\udce9.png does not exist; give a file or a folder\n"
