"""Which codec decodes a file: found by the id in the heads of codec files, whatever lies beside."""

import json
import os
import pathlib
import sys

import numpy as np
import pytest
import safetensors.numpy

from jaxcodec.artefact import bundled, lookup
from jaxcodec.errors import CodecFileError

ID, OTHER = "0123456789abcdef", "fedcba9876543210"


def put(path: pathlib.Path, codec_id: str = ID, version: int = 3) -> pathlib.Path:
    """A codec file without content: as much of one as a search reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = json.dumps({"format": version, "id": codec_id})
    path.write_bytes(safetensors.numpy.save({"a": np.zeros(1)}, {"jaxcodec": metadata}))
    return path


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """The bundled codecs are one file, and the user has no folder."""
    monkeypatch.setattr(bundled, "FOLDER", tmp_path / "package")
    monkeypatch.delenv(lookup.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return put(tmp_path / "package" / "own.codec", OTHER)


@pytest.fixture
def search_in(monkeypatch):
    """Sets the user's folders."""

    def set_folders(*folders):
        monkeypatch.setenv(lookup.VARIABLE, os.pathsep.join(map(str, folders)))

    return set_folders


def test_a_bundled_codec_comes_first(tmp_path, package, search_in):
    put(tmp_path / "mine" / "a.codec", OTHER)
    search_in(tmp_path / "mine")
    assert lookup.find(OTHER) == package


def test_the_folder_of_data_is_searched_where_no_other_is_named(tmp_path, search_in):
    mine = put(tmp_path / "data" / "jaxcodec" / "codecs" / "a.CODEC")
    assert lookup.find(ID) == mine
    search_in("")
    assert lookup.find(ID) == mine
    search_in(tmp_path / "elsewhere")
    with pytest.raises(CodecFileError):
        lookup.find(ID)


@pytest.mark.parametrize(
    ("platform", "below"),
    [
        ("linux", ".local/share"),
        ("darwin", "Library/Application Support"),
        ("win32", "AppData/Local"),
    ],
)
@pytest.mark.parametrize("named", ["", "relative"])
def test_each_system_has_its_folder_of_data(tmp_path, monkeypatch, platform, below, named):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(pathlib.Path, "home", lambda: tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", named)
    assert lookup.user_folders() == [tmp_path / below / "jaxcodec" / "codecs"]


def test_without_a_home_there_is_no_folder_and_the_remedy_names_the_variable(monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pathlib.Path, "home", nowhere)
    monkeypatch.delenv("XDG_DATA_HOME")
    assert lookup.user_folders() == []
    with pytest.raises(
        CodecFileError, match=f"bundled ones; .*or name its folder in {lookup.VARIABLE}"
    ):
        lookup.find(ID)


def test_of_files_with_one_id_the_first_is_taken(tmp_path, search_in):
    for name in ("b/x", "a/z", "a/y", "a/sub/a", "a/.hidden"):
        put(tmp_path / f"{name}.codec")
    search_in(tmp_path / "a", tmp_path / "b")
    assert lookup.find(ID) == tmp_path / "a" / "y.codec"
    search_in(tmp_path / "b", tmp_path / "a")
    assert lookup.find(ID) == tmp_path / "b" / "x.codec"


def test_what_is_no_codec_file_is_passed_over(tmp_path, search_in):
    mine = tmp_path / "mine"
    put(mine / "0_newer.codec", version=9)
    for name, content in (("1_damaged", put(mine / "d.codec").read_bytes()[:40]), ("2_empty", b"")):
        (mine / f"{name}.codec").write_bytes(content)
    (mine / "3_foreign.codec").write_bytes(safetensors.numpy.save({"a": np.zeros(1)}))
    (mine / "4_folder.codec").mkdir()
    (mine / "letter.txt").write_text("no codec")
    search_in(mine)
    found = lookup.search(ID)
    assert found.path == mine / "d.codec"
    assert [path.name[:1] for path in found.passed_over] == ["0", "1", "2", "3"]


def test_an_unknown_id_is_one_sentence_with_all_that_helps(tmp_path, search_in):
    put(tmp_path / "a" / "other.codec", OTHER)
    search_in(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b").mkdir()
    with pytest.raises(CodecFileError) as caught:
        lookup.find(ID)
    assert str(caught.value) == (
        f"there is no codec {ID}, which wrote this file, among the bundled ones or in "
        f"{tmp_path / 'a'} or {tmp_path / 'b'}; put its .codec file into {tmp_path / 'a'}, or give "
        "it (--codec, jaxcodec.load)"
    )


def test_what_could_not_be_read_and_may_be_the_codec_is_named(tmp_path, search_in):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.codec").write_bytes(b"damaged")
    search_in(mine, tmp_path / "missing")
    with pytest.raises(CodecFileError) as caught:
        lookup.find(ID)
    assert f", where {mine / 'a.codec'} and {tmp_path / 'missing'} cannot be read" in str(
        caught.value
    )
    for name in "bcd":
        (mine / f"{name}.codec").write_bytes(b"damaged")
    with pytest.raises(CodecFileError, match=r"a\.codec and .*b\.codec and 3 more cannot be read"):
        lookup.find(ID)


def test_a_missing_folder_of_data_is_no_fault(tmp_path):
    with pytest.raises(CodecFileError) as caught:
        lookup.find(ID)
    assert "cannot be read" not in str(caught.value)
    assert f"put its .codec file into {tmp_path / 'data' / 'jaxcodec' / 'codecs'}" in str(
        caught.value
    )


def test_an_unreadable_folder_is_passed_over_and_named(tmp_path, search_in, monkeypatch):
    good = put(tmp_path / "good" / "a.codec")
    scan = os.scandir

    def scandir(path):
        if pathlib.Path(path).name in ("closed", "codecs"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    search_in(tmp_path / "closed", tmp_path / "good")
    assert lookup.find(ID) == good
    with pytest.raises(CodecFileError, match="closed cannot be read"):
        lookup.find("0" * 16)
    monkeypatch.delenv(lookup.VARIABLE)
    with pytest.raises(CodecFileError, match="codecs cannot be read"):
        lookup.find(ID)


def test_a_file_whose_folder_refuses_is_passed_over(tmp_path, search_in, monkeypatch):
    put(tmp_path / "closed" / "a.codec")
    good = put(tmp_path / "good" / "a.codec")
    is_file = pathlib.Path.is_file

    def refuse(path, **options):
        if path.parent.name == "closed":
            raise PermissionError(13, "Permission denied")
        return is_file(path, **options)

    monkeypatch.setattr(pathlib.Path, "is_file", refuse)
    search_in(tmp_path / "closed", tmp_path / "good")
    assert lookup.search(ID).path == good
    assert lookup.search(ID).passed_over == [tmp_path / "closed" / "a.codec"]
