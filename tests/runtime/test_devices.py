"""A device that is not there is one sentence with a remedy."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURE = (
    "from PIL import Image; Image.new('RGB', (8, 8)).save('a.png'); from jaxcodec import cli; "
    "import sys; "
)
COMMAND = PICTURE + "sys.exit(cli.main(['encode', 'a.png', 'a.jxc']))"


@pytest.mark.parametrize("platforms", ["cuda", "tpu", "abacus"])
def test_a_platform_that_is_not_here_is_named_with_what_to_do(tmp_path, platforms):
    environment = {
        **os.environ,
        "JAX_PLATFORMS": platforms,
        "PYTHONPATH": str(ROOT),
        "JAXCODEC_COMPILE_CACHE": "0",
    }
    command = [sys.executable, "-c", COMMAND]
    process = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    lines = [line for line in process.stderr.splitlines() if line.startswith("jaxcodec: error: ")]
    assert process.returncode == 2 and "Traceback" not in process.stderr
    assert (
        len(lines) == 1
        and "JAX_PLATFORMS" in lines[0]
        and repr(platforms) in lines[0]
        and "unset" in lines[0]
    )
    assert not (tmp_path / "a.jxc").exists()
