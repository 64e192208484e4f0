"""Reading and writing whole files, with errors that a user can act on."""

import os
import pathlib
import secrets

from jaxcodec.errors import CodecError

MAX_PIXELS = 268_000_000
"""Pixels (width times height) that a file may claim before it is refused, unless the caller allows more."""


def read_bytes(path: str | os.PathLike, error: type[CodecError] = CodecError) -> bytes:
    """All bytes of the file at `path`; raises `error` where the operating system refuses."""
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as problem:
        raise error(f"cannot read {path}: {problem.strerror or problem}") from problem


def write_atomic(path: str | os.PathLike, data: bytes | memoryview, error: type[CodecError] = CodecError) -> None:
    """Write `data` to `path` so that `path` never holds a part of it.

    The bytes go to a temporary file beside `path`, which then takes its place; on any failure (a full disk, an
    interrupt) the temporary file is removed and an older file at `path` stays as it was. A device or a pipe, such as
    /dev/stdout, cannot be replaced and is written to directly.

    Raises:
      error: the operating system refused: a missing folder, no permission, a full disk.
    """
    path = pathlib.Path(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with open(path, "wb") as device:
                device.write(data)
        else:
            _replace(path.resolve(), data)
    except OSError as problem:
        raise error(f"cannot write {path}: {problem.strerror or problem}") from problem


def _replace(path: pathlib.Path, data: bytes | memoryview) -> None:
    beside = path.with_name(f".jaxcodec-{secrets.token_hex(6)}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(data)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
