"""XLA's alarm is hidden; what else is written to stderr from C++ passes, a crash's last words as
well.
"""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ALARM = """E0000 00:00:1764 123 slow_operation_alarm.cc:73]
********************************
[Compiling module jit_train_step for CPU] Very slow compile? If you want to file a bug, run with envvar XLA_FLAGS=... .
********************************
"""  # noqa: E501


@pytest.mark.parametrize("end", ["", "os.abort()"])
def test_only_the_alarm_is_hidden(end):
    code = f"""if True:
        import os
        from jaxcodec.training.quiet import without_compile_alarm
        with without_compile_alarm():
            os.write(2, b"E0000 a real error\\n" + {ALARM.encode()!r} + b"the last word\\n")
            {end}
        os.write(2, {b"after" + ALARM.encode()!r})
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stderr.startswith("E0000 a real error\nthe last word\n")
    assert done.stderr[len("E0000 a real error\nthe last word\n") :] == (
        "" if end else "after" + ALARM
    )
