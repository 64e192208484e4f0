"""Work on one file of many, whose failure must not end the work on the others."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from jaxcodec.errors import CodecError

TRACEBACK = "JAXCODEC_TRACEBACK"
"""Environment variable: 1 prints the traceback of an unforeseen error, too."""


def attempt(work: Callable, *arguments: Any, **named: Any) -> Any:
    """What `work` returns, or the CodecError that says why it failed, whatever was raised.

    An interrupt ends everything, and so does a reader of our output that has gone
    (BrokenPipeError).
    """
    try:
        return work(*arguments, **named)
    except CodecError as problem:
        return problem
    except BrokenPipeError:
        raise
    except Exception as problem:
        return as_codec_error(problem)


def as_codec_error(problem: Exception) -> CodecError:
    """A sentence for users about an error that no part of jaxcodec foresaw, or about memory that
    ran out.

    The new error does not refer to the old one, whose frames hold on to the arrays that filled the
    memory.
    """
    if os.environ.get(TRACEBACK, "0") not in ("", "0"):
        traceback.print_exception(problem, file=sys.stderr)
    if isinstance(problem, MemoryError) or "RESOURCE_EXHAUSTED" in str(
        problem
    ):  # XLA's error has no class of its own
        return CodecError(
            "the memory did not suffice; close other programs, or scale the picture down"
        )
    reason = f"{type(problem).__name__}: {problem}".removesuffix(": ")
    return CodecError(
        f"an unforeseen error, {reason}; please report it ({TRACEBACK}=1 shows where it arose)"
    )
