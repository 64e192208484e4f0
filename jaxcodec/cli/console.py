"""What a command prints, and the bytes that it takes from and gives to standard streams."""

import contextlib
import os
import sys
from typing import NoReturn

from jaxcodec.errors import CodecError

STANDARD = "-"
"""The argument that stands for standard input or output."""


def prepare() -> None:
    """Make output print characters that the terminal lacks as escapes, not fail at them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(line: str, to_errors: bool = False) -> None:
    """Print a line on standard output, or on standard error.

    Raises:
      BrokenPipeError: nobody reads standard output any more.
      CodecError: standard output cannot be written to: it is a file on a full disk, say.
    """
    if to_errors:
        if sys.stderr is not None:
            print(line, file=sys.stderr)
        return
    with _OutputErrors():
        print(line)


def complain(problem: CodecError | str, about: object = None) -> None:
    """Print one line of error, which names what it is about unless the sentence does."""
    sentence = " ".join(str(problem).split())
    if about is not None and str(about) not in sentence:
        sentence = f"{about}: {sentence}"
    say(f"jaxcodec: error: {sentence}", to_errors=True)


def flush() -> None:
    """Hand on what was printed; raises as `say`."""
    if sys.stdout is not None:
        with _OutputErrors():
            sys.stdout.flush()


def abandon_output() -> None:
    """Make what is still to be printed go nowhere, so that Python does not complain at its end."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def end_process(status: int) -> NoReturn:
    """End the process at once, with what was printed."""
    with contextlib.suppress(OSError, CodecError):
        flush()
    os._exit(status)


def is_standard_output(path: str) -> bool:
    """Whether an argument names standard output: "-", or /dev/stdout and its like."""
    if path == STANDARD:
        return True
    if not path.startswith(("/dev/", "/proc/")) or os.path.realpath(path) == os.devnull:
        return False
    try:
        return os.path.samestat(os.stat(path), os.fstat(sys.stdout.fileno()))
    except (AttributeError, OSError, ValueError):
        return False


def read_input() -> bytes:
    """All of standard input; raises CodecError where it cannot be read, or is empty."""
    try:
        data = sys.stdin.buffer.read()
    except (AttributeError, OSError) as problem:
        reason = getattr(problem, "strerror", None) or "it is closed"
        raise CodecError(f"cannot read standard input: {reason}") from problem
    if not data:
        raise CodecError("standard input is empty; send a file to it")
    return data


def write_output(data: bytes | memoryview) -> None:
    """Write a file to standard output.

    Raises as `say`, and CodecError where it is a terminal, or closed.
    """
    if sys.stdout is None:
        raise CodecError("cannot write to standard output: it is closed")
    if sys.stdout.isatty():
        raise CodecError(
            "standard output is a terminal, which cannot show a file; redirect it to a file or a "
            "program"
        )
    with _OutputErrors():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


class _OutputErrors:
    """Turns an OSError at standard output into a CodecError, but for one without a reader."""

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, _):
        if isinstance(problem, OSError) and not isinstance(problem, BrokenPipeError):
            raise CodecError(f"cannot write to standard output: {problem.strerror}") from problem
