"""Reading and writing whole files, with errors that a user can act on."""

import contextlib
import errno
import os
import pathlib
import re
import secrets

from jaxcodec.errors import CodecError

MAX_PIXELS = 268_000_000
"""Pixels (width times height) that a file may claim before it is refused, unless the caller allows
more.
"""

_PROBE_BYTES = 4096
_NO_HARD_LINKS = (errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS)


def local_folder(
    path: str | os.PathLike[str], error: type[CodecError] = CodecError
) -> pathlib.Path:
    """`path` as a folder of this machine; raises `error` for an address such as gs://bucket/run.

    A path that has been a `pathlib.Path` already has lost one of the strokes.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", os.fspath(path)):
        raise error(
            f"{path} is an address, not a folder of this machine; mount it (with gcsfuse or s3fs, "
            "say) and give that"
        )
    return pathlib.Path(path)


def read_bytes(path: str | os.PathLike[str], error: type[CodecError] = CodecError) -> bytes:
    """All bytes of the file at `path`; raises `error` where the operating system refuses."""
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as problem:
        raise error(f"cannot read {path}: {problem.strerror or problem}") from problem


def write_atomic(
    path: str | os.PathLike[str],
    data: bytes | memoryview,
    error: type[CodecError] = CodecError,
    *,
    overwrite: bool = True,
) -> None:
    """Write `data` to `path` so that `path` never holds a part of it.

    The bytes go to a temporary file beside `path`, which then takes its place; on any failure (a
    full disk, an interrupt) the temporary file is removed and an older file at `path` stays as it
    was. A device or a pipe, such as /dev/stdout, cannot be replaced and is written to directly.

    Args:
      path: where to.
      data: what it is to hold.
      error: what is raised.
      overwrite: whether a file that is there may be replaced. Without it, one that appears at the
        last moment stays.

    Raises:
      error: the operating system refused (a missing folder, no permission, a full disk), or `path`
        is there already.
    """
    path = pathlib.Path(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with open(path, "wb") as device:
                device.write(data)
            return
        place = pathlib.Path(os.path.realpath(path))
        with _beside(place, data) as written:
            if overwrite:
                os.replace(written, place)
            else:
                _take_place(written, place)
    except FileExistsError as problem:
        raise error(f"{path} exists already and is left as it is; give another name") from problem
    except OSError as problem:
        raise error(f"cannot write {path}: {problem.strerror or problem}") from problem


def probe_folder(folder: str | os.PathLike[str]) -> bool:
    """Check that results can be written to `folder`, by a small file that is removed again.

    Returns:
      Whether names that differ only in upper and lower case are one file there.

    Raises:
      OSError: there is no such folder, it cannot be written to, or its disk is full.
    """
    with _beside(pathlib.Path(folder) / "probe", bytes(_PROBE_BYTES)) as written:
        return written.with_name(written.name.upper()).exists()


@contextlib.contextmanager
def _beside(path: pathlib.Path, data: bytes | memoryview):
    """A temporary file with `data` in the folder of `path`, under a short name; gone in the end,
    whatever happens.
    """
    beside = path.with_name(f".jaxcodec-{secrets.token_hex(6)}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(data)
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _take_place(written: pathlib.Path, place: pathlib.Path) -> None:
    """Give the file the name `place` unless something has it, in one step; raises FileExistsError
    where it has.
    """
    try:
        os.link(written, place)
    except OSError as problem:
        if problem.errno not in _NO_HARD_LINKS:
            raise
        # A file system without hard links: the name is taken by an empty file, which is then
        # replaced.
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.replace(written, place)
