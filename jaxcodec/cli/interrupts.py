"""Ctrl-C and SIGTERM: both end a command in good order, with nothing half done."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

_came: list[int] = []


@contextlib.contextmanager
def handled() -> Iterator[None]:
    """SIGINT and SIGTERM raise KeyboardInterrupt, and are remembered.

    A signal that is ignored stays so.
    """
    _came.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {
        number: handler
        for number, handler in before.items()
        if handler not in (signal.SIG_IGN, None)
    }
    hook = sys.unraisablehook
    sys.unraisablehook = lambda lost: (
        None if isinstance(lost.exc_value, KeyboardInterrupt) else hook(lost)
    )
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook


def came() -> bool:
    """Whether a signal came since `handled` began."""
    return bool(_came)


def check() -> None:
    """Raise KeyboardInterrupt where a signal came and its KeyboardInterrupt was lost.

    Python drops exceptions in callbacks that it cannot raise from, and JAX has one that runs at
    every garbage collection.
    """
    if _came:
        raise KeyboardInterrupt


def status() -> int:
    """The exit status after an interrupt: 128 and the number of the signal."""
    return 128 + (_came[-1] if _came else signal.SIGINT)


def _interrupt(number: int, _) -> None:
    _came.append(number)
    raise KeyboardInterrupt
