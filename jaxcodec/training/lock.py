"""One run in a work folder at a time."""

import contextlib
import datetime
import errno
import fcntl
import json
import os
import pathlib
import socket
from collections.abc import Iterator

from absl import logging

from jaxcodec.errors import TrainingError

LOCK_FILE = "run.lock"


@contextlib.contextmanager
def locked(workdir: pathlib.Path) -> Iterator[None]:
    """Keeps `workdir`, which is made if need be, from other runs.

    The lock is the operating system's (flock): it ends with the process, however that ends. Where a
    file system has no locks, a warning says so. A folder that was made here and is still empty at
    the end is removed.

    Raises:
      TrainingError: another process has the folder, which is named; or the folder cannot be made or
        written to.
    """
    made = not workdir.exists()
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(workdir)
    except OSError as problem:
        reason = problem.strerror or problem
        raise TrainingError(
            f"cannot write to the work folder {workdir}: {reason}; give another --workdir, or mend "
            "that"
        ) from problem
    try:
        yield
    finally:
        (workdir / LOCK_FILE).unlink(missing_ok=True)
        os.close(descriptor)
        if made:
            with contextlib.suppress(OSError):
                workdir.rmdir()


def _acquire(workdir: pathlib.Path) -> int:
    """The descriptor of the lock file, locked, with this process's name in it."""
    path = workdir / LOCK_FILE
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            owner = os.pread(descriptor, 1000, 0)
            os.close(descriptor)
            raise TrainingError(
                f"{workdir} is in use by another run ({_describe(owner)}); wait for it, stop it, "
                "or give another --workdir"
            ) from held
        except OSError as problem:
            if problem.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
            logging.warning(
                "the file system of %s has no locks: see to it that no other run uses this folder",
                workdir,
            )
        # Its owner may have removed the file after it was opened here: then it locks nothing any
        # more.
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            break
        os.close(descriptor)
    now = datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    os.ftruncate(descriptor, 0)
    os.pwrite(
        descriptor,
        json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now}).encode(),
        0,
    )
    return descriptor


def _describe(owner: bytes) -> str:
    try:
        known = json.loads(owner)
        return f"process {known['pid']} on {known['host']}, since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "which has only just begun"
