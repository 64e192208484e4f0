"""XLA's alarm about slow compilation, kept from the user's eyes."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# XLA logs it as an error from C++, between two lines of stars, after two minutes and again at the
# end. No setting turns it off alone. The filter is a process of its own, so that the last words of
# one that crashes still come through.
_FILTER = r"""
import re, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
alarm = re.compile(rb"slow_operation_alarm|Very slow compile|The operation took|^\*{20,}\s*$")
for line in sys.stdin.buffer:
    if not alarm.search(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


@contextlib.contextmanager
def without_compile_alarm() -> Iterator[None]:
    """Hides the alarm, which asks to file a bug, from stderr meanwhile; every other line passes."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no stderr at all
        yield
        return
    command = [sys.executable, "-S", "-E", "-c", _FILTER]
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, kept)
        passing = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        )
        assert passing.stdin is not None  # it is a pipe
        os.dup2(passing.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
