"""The fuzzer of container and coders, on a few inputs."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.mark.long
def test_damaged_bytes_raise_nothing_but_bitstream_errors():
    command = [sys.executable, "tools/fuzz_coders.py", "--inputs", "4000", "--seed", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "container: 1," in run.stdout
    assert "host, one table: 400 inputs" in run.stdout
    assert "raised BitstreamError" in run.stdout
    assert "refused" in run.stdout
