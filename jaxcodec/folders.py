"""The files of a folder: those that are read, and those that are ignored."""

import collections
import os
import pathlib
from collections.abc import Collection
from typing import NamedTuple

from jaxcodec.errors import DataError


class Listing(NamedTuple):
    """What `scan` found.

    Attributes:
      files: those wanted, sorted by path.
      passed_over: how many others there are, by suffix ("hidden" and "no suffix" among them).
      folders: sub-folders that were not entered.
      problems: sub-folders that cannot be read.
    """

    files: list[pathlib.Path]
    passed_over: collections.Counter[str]
    folders: int
    problems: list[DataError]


def scan(
    folder: str | os.PathLike[str],
    suffixes: Collection[str],
    *,
    recursive: bool = False,
    skip: str | os.PathLike[str] | None = None,
) -> Listing:
    """List the files of `folder` that have one of `suffixes` (lower case, with the dot), whatever
    case they are in.

    Nothing is opened. Hidden files and folders are passed over, and what has the suffix and is no
    file (a folder called x.png, a pipe, a link to nothing). Links to folders are not followed, so
    that no loop is entered.

    Args:
      folder: where to look.
      suffixes: which files are wanted.
      recursive: whether to enter sub-folders.
      skip: a folder that is never entered: where the results go, say.

    Raises:
      DataError: `folder` itself cannot be read.
    """
    files, passed_over, unentered, problems = [], collections.Counter(), 0, []
    waiting = [pathlib.Path(folder)]
    while waiting:
        current = waiting.pop()
        try:
            entries = list(os.scandir(current))
        except OSError as problem:
            refused = DataError(f"cannot read the folder {current}: {problem.strerror}")
            if current == pathlib.Path(folder):
                raise refused from problem
            problems.append(refused)
            continue
        for entry in entries:
            path = current / entry.name
            kind, suffix = _kind(entry), path.suffix.lower()
            if (
                kind == "folder"
                and skip is not None
                and os.path.exists(skip)
                and path.samefile(skip)
            ):
                continue
            if entry.name.startswith("."):
                passed_over["hidden"] += 1
            elif kind == "folder" and recursive and not entry.is_symlink():
                waiting.append(path)
            elif kind == "folder":
                unentered += 1
            elif kind == "file" and suffix in suffixes:
                files.append(path)
            else:
                passed_over[suffix or "no suffix"] += 1
    return Listing(sorted(files), passed_over, unentered, problems)


def _kind(entry: os.DirEntry) -> str:
    """What an entry is, links followed: "file", "folder", or "" for anything else."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else ""
    except OSError:  # a link to itself
        return ""
