"""What gets installed: the wheel holds all of the package, its data and its command."""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import jaxcodec
from jaxcodec import cli

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = "import setuptools.build_meta as build; build.build_wheel({!r})"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "jaxcodec", source / "jaxcodec", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-c", BUILD.format(str(folder))]
    subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "jaxcodec").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == expected


def test_wheel_names_version_license_and_command(wheel):
    (folder,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    metadata = wheel.read(f"{folder}/METADATA").decode()
    assert f"Version: {jaxcodec.__version__}\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    assert "Requires-Python: <3.14,>=3.11\n" in metadata
    assert "jaxcodec = jaxcodec.cli:main" in wheel.read(f"{folder}/entry_points.txt").decode()
    assert any(name.endswith("LICENSE") for name in wheel.namelist())


def test_lower_bounds_are_those_that_were_tested():
    """constraints-lower.txt, with which the tests were run, pins just what setup.cfg allows at least."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"] + config["options.extras_require"]["test"]
    bounds = dict(re.findall(r"^(\S+?)>=([\d.]+)$", lines, re.MULTILINE))
    pins = dict(re.findall(r"^(\S+?)==([\d.]+)$", (ROOT / "constraints-lower.txt").read_text(), re.MULTILINE))
    assert bounds.items() <= pins.items()
    assert pins.keys() - bounds.keys() == {"jaxlib"}


def test_importing_the_package_and_its_command_imports_no_jax():
    code = "import sys, jaxcodec, jaxcodec.cli, jaxcodec.errors; print(sorted({'jax', 'numpy', 'PIL'} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert output.strip() == "[]"


def test_version_is_printed(capsys):
    with pytest.raises(SystemExit) as status:
        cli.main(["--version"])
    assert status.value.code == 0
    assert capsys.readouterr().out == f"jaxcodec {jaxcodec.__version__}\n"
