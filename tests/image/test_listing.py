"""Which files of a folder are images."""

import os

import pytest

from jaxcodec.errors import DataError
from jaxcodec.image import READ_SUFFIXES, list_images


def test_every_known_suffix_in_any_case_and_no_folder(tmp_path):
    for suffix in READ_SUFFIXES:
        (tmp_path / f"a{suffix}").touch()
        (tmp_path / f"b{suffix.upper()}").touch()
        (tmp_path / f"folder{suffix}").mkdir()
    assert len(list_images(tmp_path)) == 2 * len(READ_SUFFIXES)
    for suffix in (".jfif", ".jpe", ".pnm", ".apng", ".mpo", ".tga"):
        assert suffix in READ_SUFFIXES


def test_sub_folders_on_demand(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").touch()
    with pytest.raises(DataError, match="holds no images"):
        list_images(tmp_path)
    assert list_images(tmp_path, recursive=True) == [tmp_path / "sub" / "a.png"]


def test_a_file_is_itself_whatever_it_is_called(tmp_path):
    (tmp_path / "letter.txt").touch()
    assert list_images(tmp_path / "letter.txt") == [tmp_path / "letter.txt"]


def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch):
    def scandir(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(DataError, match="Permission denied"):
        list_images(tmp_path)
