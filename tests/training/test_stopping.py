"""Signals: the first asks for a stop whatever the process is at, a Ctrl-C after it ends at once."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from jaxcodec.training.stopping import Stop

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def wait_until(holds, timeout_s=20):
    """Fails unless `holds()` becomes true."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_for_a_stop_and_the_handlers_come_back(number):
    before = signal.getsignal(number)
    with Stop() as stop:
        assert not stop.requested(1)
        os.kill(os.getpid(), number)
        wait_until(lambda: stop.seen)
        assert stop.requested(1)
        assert stop.interrupted == (number == signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)  # managers of clusters repeat it
        time.sleep(0.05)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_ends_even_where_python_does_not_run():
    code = """if True:
        import os, signal, ctypes
        from jaxcodec.training.stopping import Stop
        with Stop():
            print("ready", flush=True)
            for _ in range(2):  # a sleep of the C library goes on after a signal only here
                ctypes.CDLL(None).sleep(60)
            ctypes.CDLL(None).sleep(60)
    """
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "SIGINT: stopping after this step" in errors
    assert "stopped at once; what was saved before is kept" in errors
    assert "Traceback" not in errors
