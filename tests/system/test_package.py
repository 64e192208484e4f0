"""What gets installed: wheel, sdist and editable install, with all of the package, its data and its
commands.
"""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

import jaxcodec
from jaxcodec import cli

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = "import setuptools.build_meta as build; build.build_{}({!r})"


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> pathlib.Path:
    """A copy of the project in a folder of its own name, without what version control ignores."""
    source = tmp_path_factory.mktemp("source") / "jaxcodec"
    ignored = shutil.ignore_patterns(
        ".*", "__pycache__", "*.egg-info", "build", "dist", "demo", "shared", "golden"
    )
    shutil.copytree(ROOT, source, ignore=ignored, symlinks=True)
    return source


def build(source: pathlib.Path, what: str, folder: pathlib.Path) -> pathlib.Path:
    """What setuptools builds of the source: "wheel", "sdist" or "editable", as pip asks it to."""
    command = [sys.executable, "-c", BUILD.format(what, str(folder))]
    subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build(source, "wheel", tmp_path_factory.mktemp("wheel")))


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


def test_the_configs_and_both_commands_come_with_the_wheel(wheel, tmp_path):
    """Unpacked, with nothing of the clone in reach: both show their help, and training finds its
    configs.
    """
    wheel.extractall(tmp_path)
    for module, expected in (("train", "mean_scale_small"), ("evaluate", "--baselines")):
        command = [sys.executable, "-m", f"jaxcodec.{module}", "--help"]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, "")
        assert expected in result.stdout
    code = (
        "import jaxcodec.configs as c; print(c.FOLDER.parent.parent, "
        "c.load('configs/mean_scale_small.py').steps)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.stdout == f"{tmp_path} 4000\n"


def test_sdist_has_what_a_clone_has(source, tmp_path):
    with tarfile.open(build(source, "sdist", tmp_path)) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    expected = {
        "train.py",
        "eval.py",
        "configs/patch.py",
        "jaxcodec/configs/patch.py",
        "docs/training.md",
        "LICENSE",
    }
    expected |= {
        "README.md",
        "Makefile",
        "constraints-lower.txt",
        "examples/demo.py",
        "tests/system/test_package.py",
    }
    expected |= {
        "jaxcodec/artefact/bundled/patch-2026.codec",
        "tests/training/tiny_config.py",
        "docs/images/kodak_psnr.png",
    }
    assert expected <= packed
    assert not [name for name in packed if "__pycache__" in name or name.startswith(".")]


def test_an_editable_install_is_a_path_that_a_folder_of_the_same_name_does_not_hide(
    source, tmp_path
):
    """A script above a clone that is called jaxcodec finds the package, not the folder as an empty
    one.
    """
    with zipfile.ZipFile(build(source, "editable", tmp_path)) as archive:
        (hook,) = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert hook.endswith(".pth")
        (path,) = archive.read(hook).decode().split()
        archive.extract(hook, tmp_path / "site")
    assert pathlib.Path(path) == source
    folder = str(tmp_path / "site")
    code = f"import site; site.addsitedir({folder!r}); import jaxcodec; print(jaxcodec.__version__)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=source.parent, capture_output=True, text=True
    )
    assert result.stdout == f"{jaxcodec.__version__}\n"


def test_lower_bounds_are_those_that_were_tested():
    """constraints-lower.txt, with which the tests were run, pins just what setup.cfg allows at
    least.
    """
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"] + config["options.extras_require"]["test"]
    bounds = dict(re.findall(r"^(\S+?)>=([\d.]+)$", lines, re.MULTILINE))
    pins = dict(
        re.findall(
            r"^(\S+?)==([\d.]+)$", (ROOT / "constraints-lower.txt").read_text(), re.MULTILINE
        )
    )
    assert bounds.items() <= pins.items()
    assert pins.keys() - bounds.keys() == {"jaxlib"}


def test_importing_the_package_and_its_command_imports_no_jax():
    code = (
        "import sys, jaxcodec, jaxcodec.cli, jaxcodec.errors; print(sorted({'jax', 'numpy', "
        "'PIL'} & set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert output.strip() == "[]"


def test_version_is_printed(capsys):
    with pytest.raises(SystemExit) as status:
        cli.main(["--version"])
    assert status.value.code == 0
    assert capsys.readouterr().out == f"jaxcodec {jaxcodec.__version__}\n"
