"""Standard streams: any name can be printed, files go through them, and they may be closed."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from painting import MAGIC, paint

import jaxcodec
from jaxcodec import cli

ROOT = pathlib.Path(jaxcodec.__file__).parents[1]


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
