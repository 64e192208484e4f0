"""Which files a command takes: those that are named, and those in folders that are named."""

import argparse
import os
import pathlib
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from jaxcodec import folders
from jaxcodec.cli import console
from jaxcodec.errors import CodecError, DataError

_MOST_SUFFIXES = 5  # of files that were passed over are named


class Inputs(NamedTuple):
    """The inputs of a command.

    found: each file, None for standard input, with the folder below OUT that it belongs into.
    problems: names of those that cannot be, each with its sentence. remarks: what was passed over
      in folders, a sentence each.
    """

    found: list[tuple[pathlib.Path | None, pathlib.PurePath]]
    problems: list[tuple[str, CodecError]]
    remarks: list[str]


def find(options: argparse.Namespace, what: str, suffixes: Collection[str]) -> Inputs:
    """The inputs that options name.

    Args:
      options: with inputs, output and recursive.
      what: the inputs are, for people: "images".
      suffixes: by which an input is known in a folder (lower case).

    Raises:
      DataError: there are none.
      CodecError: standard input is one of several.
    """
    found: dict[pathlib.Path | None, pathlib.PurePath] = {}
    problems, passed_over, unentered = [], Counter(), 0
    if console.STANDARD in options.inputs and len(options.inputs) > 1:
        raise CodecError("standard input (-) goes with no other input; give it alone")
    for name in options.inputs:
        entry = pathlib.Path(name)
        if name == console.STANDARD:
            found[None] = pathlib.PurePath()
        elif not os.path.isdir(name):
            if (problem := _unreadable(name)) is None:
                found.setdefault(entry, pathlib.PurePath())
            else:
                problems.append((name, problem))
        else:
            listing = folders.scan(
                entry,
                suffixes,
                recursive=options.recursive,
                skip=_inside(options.output, entry),
            )
            problems += [(name, problem) for problem in listing.problems]
            passed_over += listing.passed_over
            unentered += listing.folders
            for file in listing.files:
                found.setdefault(file, file.parent.relative_to(entry))
    inner = f"{plural(unentered, 'sub-folder')}, which --recursive takes"
    if not found and not problems:
        known = " ".join(sorted(suffixes))
        but = f", but {inner}" if unentered and not options.recursive else ""
        raise DataError(f"the folder {options.inputs[0]} holds no {what} ({known}){but}")
    remarks = []
    if passed_over:
        remarks.append(f"passed over {_count_text(passed_over)} that are no {what}")
    if unentered:
        linked = f"{plural(unentered, 'link')} to folders, which are not followed"
        remarks.append(f"passed over {linked if options.recursive else inner}")
    return Inputs(list(found.items()), problems, remarks)


def plural(count: int, word: str) -> str:
    """How many of something there are, in words."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _count_text(passed_over: Counter[str]) -> str:
    """How many files, and of which suffixes the most."""
    most = sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SUFFIXES]
    others = passed_over.total() - sum(count for _, count in most)
    kinds = [f"{suffix} {count:,}" for suffix, count in most] + (
        [f"others {others:,}"] if others else []
    )
    return f"{plural(passed_over.total(), 'file')} ({', '.join(kinds)})"


def _unreadable(name: str) -> CodecError | None:
    try:
        os.stat(name)
    except OSError as problem:
        reason = (
            "does not exist"
            if isinstance(problem, FileNotFoundError)
            else f"cannot be read: {problem.strerror}"
        )
        return DataError(f"{name} {reason}; give a file or a folder")
    return None


def _inside(output: str, entry: pathlib.Path) -> pathlib.Path | None:
    """The output folder, unless it is the input folder itself: it is not searched for inputs."""
    if os.path.isdir(output) and not os.path.samefile(output, entry):
        return pathlib.Path(output)
    return None
