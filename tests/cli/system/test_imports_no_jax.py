"""Commands that need no network answer at once: they import no JAX."""

import lzma
import os
import pathlib
import subprocess
import sys

import pytest

import jaxcodec

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden"
pytestmark = pytest.mark.usefixtures("photographed")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["encode", "--help"], 0),
        (["info", "photo.jxc"], 0),
        (["info", "default"], 0),
        (["codecs"], 0),
        (["verify", "static.jxc", "--codec", "static.codec"], 0),
        (["encode", "photo.png", "a.jxc", "--quality", "101"], 2),
        (["encode", "missing.png", "a.jxc"], 2),
        (["encode", "photo.png", "nowhere/a.jxc"], 2),
        (["encode", "photo.png", "a.jxc", "--codec", "nothing"], 2),
        (["decode", "photo.jxc", "a.gif"], 2),
        (["decode", "photo.jxc", "a.png"], 2),  # a codec that is nowhere to be found
    ],
)
def test_quick_answers_import_no_jax(folder, run, codec, arguments, status):
    run("encode", "photo.png", "photo.jxc", "--codec", codec)
    if "static.jxc" in arguments:
        packed = (GOLDEN / "normalised.codec.xz").read_bytes()
        (folder / "static.codec").write_bytes(lzma.decompress(packed))
        (folder / "static.jxc").write_bytes((GOLDEN / "v4_normalised_host.jxc").read_bytes())
    code = (
        "import atexit, sys; from jaxcodec import cli; "
        "atexit.register(lambda: print('loaded', 'jax' in sys.modules)); "
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(jaxcodec.__file__).parents[1])}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert done.stdout.endswith("loaded False\n")
