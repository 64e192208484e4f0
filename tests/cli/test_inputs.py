"""Which files a command takes."""

import argparse
import pathlib

import pytest

from jaxcodec.cli import inputs
from jaxcodec.errors import CodecError, DataError


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Finds .png files in a folder with some, and others."""
    monkeypatch.chdir(tmp_path)
    for name in ("in/b.png", "in/A.PNG", "in/note.txt", "in/below/c.png", "single.gif"):
        path = pathlib.Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def find(*names, recursive=False, output="out"):
        options = argparse.Namespace(inputs=list(names), output=output, recursive=recursive)
        return inputs.find(options, "images", {".png"})

    return find


def test_a_folder_gives_its_files_of_known_suffixes_and_tells_of_the_others(found):
    result = found("in")
    assert sorted(str(path) for path, _ in result.found) == ["in/A.PNG", "in/b.png"]
    assert result.problems == []
    assert result.remarks == [
        "passed over 1 file (.txt 1) that are no images",
        "passed over 1 sub-folder, which --recursive takes",
    ]


def test_sub_folders_keep_their_place(found):
    result = found("in", recursive=True)
    assert dict(result.found)[pathlib.Path("in/below/c.png")] == pathlib.PurePath("below")


def test_a_file_that_is_named_is_taken_whatever_its_suffix_and_once(found):
    result = found("single.gif", "in/b.png", "in/b.png")
    assert [str(path) for path, _ in result.found] == ["single.gif", "in/b.png"]
    assert result.remarks == []


def test_what_is_missing_is_a_problem_of_its_own(found):
    result = found("in/b.png", "gone.png")
    ((name, problem),) = result.problems
    assert name == "gone.png" and len(result.found) == 1
    assert str(problem) == "gone.png does not exist; give a file or a folder"


def test_standard_input_stands_alone(found):
    assert found("-").found == [(None, pathlib.PurePath())]
    with pytest.raises(CodecError, match="goes with no other input"):
        found("-", "in")


def test_the_output_folder_below_is_not_searched(found):
    assert [str(path) for path, _ in found("in", recursive=True, output="in/below").found] == [
        "in/A.PNG",
        "in/b.png",
    ]


def test_a_folder_without_any_says_what_was_wanted(found):
    pathlib.Path("empty/deeper").mkdir(parents=True)
    with pytest.raises(DataError, match=r"empty holds no images \(\.png\), but 1 sub-folder"):
        found("empty")


@pytest.mark.parametrize(("count", "words"), [(0, "0 files"), (1, "1 file"), (1234, "1,234 files")])
def test_plural(count, words):
    assert inputs.plural(count, "file") == words
