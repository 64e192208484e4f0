"""Running command lines in this process, with a codec that is none, which needs no JAX, or a small
one.
"""

import pathlib
import sys
import types

import numpy as np
import pytest
from cli_fakes import FakeCodec
from painting import SIZE, paint

from jaxcodec import cli, image
from jaxcodec.image import Picture
from jaxcodec.runtime import compile_cache


@pytest.fixture
def run(capsys):
    """Runs a command line; returns its status, its output and its errors."""

    def command(*arguments) -> tuple[int, str, str]:
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as end:  # --help and --version
            status = end.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


@pytest.fixture
def refused(run):
    """Runs a command line that must end with status 2, nothing on stdout, and one line on stderr
    with all of `words`.
    """

    def command(*arguments, words) -> None:
        status, output, errors = run(*arguments)
        assert (status, output) == (2, ""), errors
        assert errors.startswith("jaxcodec: error: ") and errors.count("\n") == 1, errors
        for word in words:
            assert word in errors

    return command


@pytest.fixture
def folder(tmp_path, monkeypatch) -> pathlib.Path:
    """The working folder, with photo.png in it."""
    monkeypatch.setenv(compile_cache.SWITCH, "0")
    monkeypatch.chdir(tmp_path)
    paint("photo.png")
    return tmp_path


@pytest.fixture(scope="session")
def codec(tmp_path_factory) -> pathlib.Path:
    """The file of a small untrained codec with a range of qualities."""
    import small_codecs  # loads JAX, which the fake does without

    from jaxcodec.artefact import codec_file

    path = tmp_path_factory.mktemp("codec") / "small.codec"
    codec_file.save(path, small_codecs.content("tiny"))
    return path


@pytest.fixture(scope="session")
def picture(photo) -> np.ndarray:
    """A photograph, uint8 (40, 48, 3)."""
    return photo[100 : 100 + SIZE[0], 200 : 200 + SIZE[1]]


@pytest.fixture
def photographed(folder, picture) -> None:
    """The photo.png of the working folder is that photograph."""
    image.write(folder / "photo.png", Picture(picture))


@pytest.fixture
def fake(monkeypatch) -> FakeCodec:
    """Stands in for what needs JAX."""
    codec = FakeCodec()
    monkeypatch.setattr("jaxcodec.cli.picture_files.load_codec", lambda options: codec)
    monkeypatch.setattr(
        "jaxcodec.cli.picture_files.codec_finder", lambda options: lambda data: codec
    )
    encoding = types.SimpleNamespace(encode_pictures=codec.encode_pictures)
    decoding = types.SimpleNamespace(decode_picture=codec.decode_picture)
    monkeypatch.setitem(sys.modules, "jaxcodec.targets.encode", encoding)
    monkeypatch.setitem(sys.modules, "jaxcodec.codec", decoding)
    return codec
