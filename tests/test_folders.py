"""What lies in a folder."""

import os

import pytest

from jaxcodec.errors import DataError
from jaxcodec.folders import scan


@pytest.fixture
def tree(tmp_path):
    for name in (
        "b.PNG",
        "a.png",
        "c.txt",
        "README",
        ".hidden.png",
        "sub/d.png",
        "sub/e.mov",
        ".git/f.png",
        "x.png/g.jpg",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    os.symlink(".", tmp_path / "again")
    os.symlink("nowhere", tmp_path / "broken.png")
    os.symlink("a.png", tmp_path / "linked.png")
    os.symlink("self.png", tmp_path / "self.png")
    os.mkfifo(tmp_path / "pipe.png")
    return tmp_path


def names(tree, listing) -> list[str]:
    return [str(path.relative_to(tree)) for path in listing.files]


def test_files_of_a_folder(tree):
    listing = scan(tree, {".png", ".jpg"})
    assert names(tree, listing) == ["a.png", "b.PNG", "linked.png"]
    assert listing.passed_over == {".txt": 1, "no suffix": 1, "hidden": 2, ".png": 3}
    assert (listing.folders, listing.problems) == (3, [])


def test_files_of_its_sub_folders(tree):
    listing = scan(tree, {".png", ".jpg"}, recursive=True)
    assert names(tree, listing) == ["a.png", "b.PNG", "linked.png", "sub/d.png", "x.png/g.jpg"]
    assert listing.passed_over[".mov"] == 1
    assert listing.folders == 1  # the link to a folder


def test_a_folder_to_skip(tree):
    listing = scan(tree, {".png", ".jpg"}, recursive=True, skip=tree / "sub" / ".." / "sub")
    assert names(tree, listing) == ["a.png", "b.PNG", "linked.png", "x.png/g.jpg"]


def test_folders_that_cannot_be_read(tree, monkeypatch):
    read = os.scandir

    def scandir(path):
        if os.path.basename(path) in ("sub", "locked"):
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(os, "scandir", scandir)
    listing = scan(tree, {".png", ".jpg"}, recursive=True)
    assert names(tree, listing) == ["a.png", "b.PNG", "linked.png", "x.png/g.jpg"]
    assert [str(problem) for problem in listing.problems] == [
        f"cannot read the folder {tree / 'sub'}: Permission denied"
    ]
    with pytest.raises(DataError, match="cannot read the folder .*locked: Permission denied"):
        scan(tree / "locked", {".png"})
