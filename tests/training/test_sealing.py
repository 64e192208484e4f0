"""Checksums of the files of a checkpoint."""

import json
import zlib

import pytest

from jaxcodec.training import sealing


@pytest.fixture
def checkpoint(tmp_path):
    """A sealed folder of two parts, and a file that belongs to none."""
    for name in ("state/deep/a", "host/b", "other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    sealing.seal(tmp_path)
    return tmp_path


def test_a_seal_tells_size_and_crc_of_every_file(checkpoint):
    assert json.loads((checkpoint / sealing.SEAL_FILE).read_text()) == {
        name: [len(name), zlib.crc32(name.encode())] for name in ("state/deep/a", "host/b")
    }
    assert sealing.damage(checkpoint) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "host/b").unlink(), "host/b is missing"),
        (lambda folder: (folder / "host/b").write_bytes(b"host/c"), "host/b is not what was"),
        (lambda folder: (folder / "state/new").touch(), "state/new is not what was written"),
        (lambda folder: (folder / sealing.SEAL_FILE).write_text("{"), "it cannot be read"),
        (lambda folder: (folder / sealing.SEAL_FILE).write_text("[]"), "it cannot be read"),
    ],
)
def test_damage_is_named(checkpoint, change, words):
    change(checkpoint)
    assert words in sealing.damage(checkpoint)


def test_what_lies_beside_and_a_folder_without_a_seal_are_no_damage(checkpoint):
    (checkpoint / "other").write_bytes(b"changed")
    assert sealing.damage(checkpoint) is None
    (checkpoint / sealing.SEAL_FILE).unlink()
    assert sealing.damage(checkpoint) is None


def test_a_seal_is_set_once(checkpoint):
    (checkpoint / "host/b").write_bytes(b"changed")
    sealing.seal(checkpoint)
    assert "host/b is not what was written" in sealing.damage(checkpoint)
