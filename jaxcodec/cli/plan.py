"""Which file becomes which, decided and checked before any work.

Nothing is overwritten unasked, and no input ever is.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import stat
import unicodedata
from collections.abc import Callable, Collection, Iterator

from jaxcodec import files
from jaxcodec.cli import console, inputs
from jaxcodec.errors import CodecError, DataError

_MISNAMED = "that is a name for a file; end it with / if a folder is to be called so"


@dataclasses.dataclass(frozen=True)
class Job:
    """A file to make of another; None for a path stands for standard input or output."""

    source: pathlib.Path | None
    target: pathlib.Path | None

    @property
    def source_name(self) -> str:
        """The input as a user knows it."""
        return "standard input" if self.source is None else str(self.source)

    @property
    def target_name(self) -> str:
        """The output as a user knows it."""
        return "standard output" if self.target is None else str(self.target)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a command makes of what.

    Attributes:
      what: the inputs, for people: "images".
      suffixes: by which an input is known in a folder (lower case).
      output: what the outputs are, for people: "a .jxc file".
      suffix: of an output that is named after its input.
      inner: suffixes that are taken off an input's name, too, behind its own: those of a.jpg.jxc.
      misnames: suffixes that an output cannot have, as it would pass for something that it is not.
      replaceable: whether an existing file may be overwritten at all: only what the command itself
        could have made.
    """

    what: str
    suffixes: Collection[str]
    output: str
    suffix: str
    inner: Collection[str] = ()
    misnames: Collection[str] = ()
    replaceable: Callable[[pathlib.Path], bool] = lambda path: True

    def name(self, source: pathlib.Path, keep_suffix: bool) -> str:
        """What the output is called that is made of `source`."""
        name = source.name if keep_suffix and not self.inner else source.stem
        if not keep_suffix and pathlib.Path(name).suffix.lower() in self.inner:
            name = pathlib.Path(name).stem
        return name + self.suffix


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
      jobs: in the order of the inputs, sorted within each folder.
      problems: inputs that cannot be, or whose outputs cannot, each with its sentence.
      skipped: how many inputs were left out as their outputs exist.
      remarks: what was ignored in folders, one sentence each.
      overwrite: whether outputs may replace files.
    """

    jobs: list[Job]
    problems: list[tuple[str, CodecError]]
    skipped: int
    remarks: list[str]
    overwrite: bool

    @property
    def to_standard_output(self) -> bool:
        """Whether the output goes where reports would."""
        return any(job.target is None for job in self.jobs)

    def deliver(self, job: Job, data: bytes | memoryview) -> None:
        """Write the output of a job, whole or not at all; raises CodecError."""
        if job.target is None:
            console.write_output(data)
            return
        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise CodecError(
                f"cannot make the folder {job.target.parent}: {problem.strerror}"
            ) from problem
        files.write_atomic(job.target, data, overwrite=self.overwrite)


@contextlib.contextmanager
def plan(options: argparse.Namespace, kind: Kind, many: bool = False) -> Iterator[Plan]:
    """The jobs that `options` ask for; makes the output folder.

    Removes the folder again if nothing was put into it in the end.

    Args:
      options: with inputs, output, recursive, keep_suffix, force and skip_existing.
      kind: what is made of what.
      many: whether the output is a folder in any case.

    Raises:
      CodecError: nothing can be done: there are no inputs, outputs would collide or exist, or the
        place for them cannot be written to.
    """
    sources, problems, remarks = inputs.find(options, kind.what, kind.suffixes)
    output = options.output
    if console.is_standard_output(output) or not _is_folder(options, many):
        jobs = [_single(sources, output, kind)] if sources else []
        folder = None
    else:
        folder = pathlib.Path(output)
        _check_folder_name(folder, output, kind)
        jobs = [
            _into(folder, source, below, kind, options.keep_suffix) for source, below in sources
        ]
    made = folder is not None and bool(jobs) and _make(folder)
    try:
        jobs, refused, skipped = _without_obstacles(jobs, kind, options)
        _check_places(jobs, below=folder is not None)
        yield Plan(jobs, problems + refused, skipped, remarks, options.force)
    finally:
        if folder is not None and made:
            with contextlib.suppress(OSError):  # it holds something, as it should
                folder.rmdir()


def check_output_file(
    path: pathlib.Path, inputs: Collection[pathlib.Path], kind: Kind, overwrite: bool
) -> None:
    """That a command can write its only output, and may; raises CodecError."""
    identities = {identity for source in inputs if (identity := _identity(source)) is not None}
    if path.suffix.lower() in kind.misnames:
        raise CodecError(f"{path} is no name for {kind.output}; end it with {kind.suffix}")
    problem, exists = _obstacle(path, identities, kind, overwrite)
    if problem is not None:
        raise CodecError(problem + ("; --force overwrites it" if exists else ""))
    _check_places([Job(None, path)], below=False)


def _is_folder(options, many: bool) -> bool:
    """Whether OUT is a folder: it is one, or ends as one, or there may be several outputs."""
    many = many or len(options.inputs) > 1 or os.path.isdir(options.inputs[0])
    return many or options.output.endswith("/") or os.path.isdir(options.output)


def _check_folder_name(folder: pathlib.Path, output: str, kind: Kind) -> None:
    """That OUT is no slip: a file name where several inputs, or a folder of them, need a folder."""
    if os.path.isdir(output):
        return
    if os.path.lexists(output):
        raise CodecError(
            f"the outputs need a folder, and {folder} exists and is none; give a folder as the "
            "last name"
        )
    if folder.suffix.lower() in {
        kind.suffix,
        *kind.suffixes,
        *kind.misnames,
    } and not output.endswith("/"):
        raise CodecError(
            f"the outputs need a folder, and {folder} does not look like one: {_MISNAMED}"
        )


def _single(sources, output: str, kind: Kind) -> Job:
    """The job whose output is named by the user."""
    if len(sources) > 1:
        raise CodecError(
            f"standard output takes one file, and there are {len(sources)} inputs; give a folder"
        )
    ((source, _),) = sources
    if console.is_standard_output(output):
        return Job(source, None)
    target = pathlib.Path(output)
    if target.suffix.lower() in kind.misnames and _identity(target) is None:
        raise CodecError(
            f"{target} is no name for {kind.output}, and the last name is where the output goes; "
            f"end it with {kind.suffix}"
        )
    return Job(source, target)


def _into(
    folder: pathlib.Path,
    source: pathlib.Path | None,
    below: pathlib.PurePath,
    kind: Kind,
    keep_suffix: bool,
) -> Job:
    """The job whose output is named after its input."""
    if source is None:
        raise CodecError(
            f"standard input has no name that its output in {folder} could have; give the name of "
            "a file"
        )
    return Job(source, folder / below / kind.name(source, keep_suffix))


def _without_obstacles(
    jobs: list[Job], kind: Kind, options
) -> tuple[list[Job], list[tuple[str, CodecError]], int]:
    """The jobs that can be done, why others cannot, and how many are skipped.

    Raises:
      CodecError: two jobs have one output, or outputs exist and nothing was said about that.
    """
    inputs = {
        identity
        for job in jobs
        if job.source is not None and (identity := _identity(job.source)) is not None
    }
    _refuse_collisions(jobs, options.keep_suffix)
    free, refused, existing = [], [], []
    for job in jobs:
        problem, exists = (
            (None, False)
            if job.target is None
            else _obstacle(job.target, inputs, kind, options.force)
        )
        if exists:
            existing.append((job, problem))
        elif problem is not None:
            refused.append((job.source_name, CodecError(problem)))
        else:
            free.append(job)
    if existing and not options.skip_existing:
        _, sentence = existing[0]
        more = (
            f", and so do {len(existing) - 1:,} more of {len(jobs):,} outputs"
            if len(existing) > 1
            else ""
        )
        raise CodecError(
            f"{sentence}{more}; --force overwrites, --skip-existing goes on with what is missing"
        )
    return free, refused, len(existing)


def _refuse_collisions(jobs: list[Job], keep_suffix: bool) -> None:
    """Raise DataError where two jobs have the same output.

    On a file system that ignores case, also where only the case differs.
    """
    key = _folded if _ignores_case(jobs) else str
    taken: dict[str, Job] = {}
    for job in jobs:
        other = taken.setdefault(key(job.target), job)
        if other is not job:
            # What is read or written in standard streams is a job alone.
            assert job.source and other.source and other.target
            cure = "rename one of them, or give them apart"
            if not keep_suffix and job.source.name != other.source.name:
                cure = (
                    f"--keep-suffix makes {other.source.name}{other.target.suffix} of the first, "
                    f"or {cure}"
                )
            raise DataError(
                f"{other.source} and {job.source} would both become {job.target}; {cure}"
            )


def _folded(path: pathlib.Path | None) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _ignores_case(jobs: list[Job]) -> bool:
    """Whether the file system of the outputs does; looked up only where it matters."""
    targets = [job.target for job in jobs if job.target is not None]
    if len(set(targets)) == len({_folded(target) for target in targets}):
        return False
    try:
        return files.probe_folder(_existing(targets[0].parent))
    except OSError:  # reported where the places are checked
        return False


def _obstacle(
    target: pathlib.Path, inputs: set, kind: Kind, overwrite: bool
) -> tuple[str | None, bool]:
    """Why `target` cannot be written, if so, and whether that is only because it exists."""
    try:
        there = os.stat(target)
    except FileNotFoundError:
        return None, False
    except OSError as problem:
        return f"cannot write {target}: {problem.strerror}", False
    if (there.st_dev, there.st_ino) in inputs:
        return (
            f"the output {target} is an input itself, which is never overwritten; give it another "
            "name",
            False,
        )
    if stat.S_ISDIR(there.st_mode):
        return f"cannot write {target}: it is a folder", False
    if not stat.S_ISREG(there.st_mode):
        return None, False
    if not kind.replaceable(target):
        return (
            f"{target} exists and is not {kind.output}, and nothing else is ever overwritten; the "
            "last name is where the "
            "output goes: give another one"
        ), False
    return (None, False) if overwrite else (f"{target} exists already", True)


def _identity(path: pathlib.Path) -> tuple[int, int] | None:
    """The identity of the file that a path leads to.

    It is the same through links, other spellings, or ignored case.
    """
    try:
        there = os.stat(path)
    except OSError:
        return None
    return there.st_dev, there.st_ino


def _make(folder: pathlib.Path) -> bool:
    """Make the output folder where it is missing; returns whether it was."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except OSError as problem:
        raise CodecError(f"cannot make the output folder {folder}: {problem.strerror}") from problem
    return True


def _check_places(jobs: list[Job], below: bool) -> None:
    """Check that the folder of every output can be written to.

    For an output `below` the output folder, that part of the path that is there is checked.
    """
    places: dict[pathlib.Path | None, pathlib.Path] = {}
    for job in jobs:
        if job.target is not None:
            places.setdefault(_place(job.target), job.target)
    for place, target in places.items():
        if place is None:
            continue
        try:
            files.probe_folder(_existing(place) if below else place)
        except OSError as problem:
            raise CodecError(f"cannot write {target}: {problem.strerror}") from problem


def _place(target: pathlib.Path) -> pathlib.Path | None:
    """The folder in which a file will be made for `target`; None for a device or a pipe."""
    if target.exists() and not target.is_file():
        return None
    return pathlib.Path(os.path.realpath(target)).parent


def _existing(folder: pathlib.Path) -> pathlib.Path:
    """The nearest folder above, or itself, that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
