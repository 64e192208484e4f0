"""Ending a run early without losing it: SIGTERM, and Ctrl-C."""

import os
import signal
import socket
import sys
import threading
from typing import Self

import jax
from absl import logging
from jax.experimental import multihost_utils


class Stop:
    """Whether a SIGTERM or a Ctrl-C (SIGINT) has come to any process of a run.

    For a `with` statement in the main thread; the handlers that were there come back at its end.
    The first signal asks for a stop, at whatever the process is: compiling, training or saving. A
    Ctrl-C after that ends the process at once, with status 130, even in the middle of compilation,
    where Python's own handlers wait.
    """

    def __init__(self):
        self._seen: set[int] = set()
        self._alone = jax.process_count() == 1

    def __enter__(self) -> Self:
        self._wakes, wake = socket.socketpair()
        wake.setblocking(False)
        self._wake = wake
        self._before_fd = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        # With several processes JAX's own service listens to SIGTERM, and agrees on one step for
        # all.
        signals = (signal.SIGINT, signal.SIGTERM) if self._alone else (signal.SIGINT,)
        self._before = {number: signal.signal(number, self._handle) for number in signals}
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._before_fd)
        self._wake.close()

    def _handle(self, number: int, _) -> None:
        """Python's own handler, which the main thread calls when it is back from a library."""
        self._seen.add(number)

    def _watch(self) -> None:
        """Reads the numbers of signals as they come.

        The interpreter writes them whatever the main thread is doing.
        """
        stopping = False
        with self._wakes:
            while numbers := self._wakes.recv(1):
                if numbers[0] not in self._before:
                    continue
                if stopping and numbers[0] == signal.SIGINT:
                    print(
                        "stopped at once; what was saved before is kept",
                        file=sys.stderr,
                        flush=True,
                    )
                    os._exit(130)
                if not stopping:
                    self._announce(signal.Signals(numbers[0]))
                stopping = True

    def _announce(self, number: signal.Signals) -> None:
        self._seen.add(number)
        logging.warning("%s: stopping after this step, to save; Ctrl-C ends at once", number.name)
        if not self._alone:
            os.kill(os.getpid(), signal.SIGTERM)  # informs the others

    @property
    def interrupted(self) -> bool:
        """Whether it was a Ctrl-C in this process."""
        return signal.SIGINT in self._seen

    @property
    def seen(self) -> bool:
        """Whether a signal has come to this process."""
        return bool(self._seen)

    def requested(self, step: int) -> bool:
        """Whether to stop before the step after `step`; with several processes all agree."""
        return (
            bool(self._seen) if self._alone else multihost_utils.reached_preemption_sync_point(step)
        )
