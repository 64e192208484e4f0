import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.mark.long
def test_damaged_bytes_raise_nothing_but_bitstream_errors():
    code = "import sys; sys.path.append('tools'); import fuzz_coders; sys.exit(fuzz_coders.main())"
    command = [sys.executable, "-c", code, "--inputs", "4000", "--seed", "1"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "container: 1," in run.stdout
    assert "raised BitstreamError" in run.stdout
    assert "refused" in run.stdout
