"""Whole files: nothing half written, nothing left behind, nothing replaced that is to stay."""

import errno
import os

import pytest

from jaxcodec import files
from jaxcodec.errors import ImageError


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "a"
    files.write_atomic(path, b"old", overwrite=False)
    with pytest.raises(ImageError, match="a exists already"):
        files.write_atomic(path, b"new", ImageError, overwrite=False)
    assert path.read_bytes() == b"old"
    files.write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_so_it_does_without_hard_links(tmp_path, monkeypatch, number):
    def link(source, target):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    files.write_atomic(tmp_path / "a", b"old", overwrite=False)
    with pytest.raises(ImageError, match="exists already"):
        files.write_atomic(tmp_path / "a", b"new", ImageError, overwrite=False)
    assert (tmp_path / "a").read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


def test_other_errors_of_links_are_told(tmp_path, monkeypatch):
    def link(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(ImageError, match="No space left"):
        files.write_atomic(tmp_path / "a", b"new", ImageError, overwrite=False)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("overwrite", [True, False])
def test_links_are_written_through(tmp_path, overwrite):
    os.symlink("real", tmp_path / "link")
    files.write_atomic(tmp_path / "link", b"x", overwrite=overwrite)
    assert (tmp_path / "real").read_bytes() == b"x" and (tmp_path / "link").is_symlink()


def test_a_loop_of_links_and_a_name_too_long_are_told(tmp_path):
    os.symlink("loop", tmp_path / "loop")
    for name, words in (("loop", "exists already"), ("n" * 300, "name too long")):
        with pytest.raises(ImageError, match=words):
            files.write_atomic(tmp_path / name, b"x", ImageError, overwrite=False)
    assert os.listdir(tmp_path) == ["loop"]


def test_a_probe_leaves_nothing(tmp_path):
    assert files.probe_folder(tmp_path) in (False, True)
    assert os.listdir(tmp_path) == []
    with pytest.raises(OSError):
        files.probe_folder(tmp_path / "nowhere")


def test_a_probe_tells_whether_case_counts(tmp_path):
    (tmp_path / "a").touch()
    assert files.probe_folder(tmp_path) == (tmp_path / "A").exists()
