"""The persistent compilation cache: on by default, a switch, and no failure where it cannot be."""

import os
import pathlib
import subprocess
import sys

import jax
import pytest

from jaxcodec import compile_cache

COMPUTE = """
from jaxcodec import compile_cache
assert compile_cache.enable()
import jax
print(jax.jit(lambda x: x + 1)(1))
"""


needs_jax_06 = pytest.mark.skipif(jax.__version_info__ < (0, 6), reason="the cache stays off before JAX 0.6")


@needs_jax_06
def test_even_small_programs_are_kept_in_the_users_cache_folder(tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop(compile_cache.SWITCH, None)
    subprocess.run([sys.executable, "-c", COMPUTE], env=environment, check=True)
    assert any((tmp_path / "jaxcodec" / "xla").glob("*-cache"))


@pytest.mark.parametrize("version", [(0, 5, 3), (0, 4, 38)])
def test_off_where_jax_cannot_be_trusted_with_it(tmp_path, monkeypatch, capsys, version):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(compile_cache.SWITCH, raising=False)
    monkeypatch.setattr(jax, "__version_info__", version)
    assert not compile_cache.enable()
    assert "update it to 0.6" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_switched_off_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(compile_cache.SWITCH, "0")
    assert not compile_cache.enable()
    assert list(tmp_path.iterdir()) == []


def test_default_folder(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert compile_cache.folder() == pathlib.Path.home() / ".cache" / "jaxcodec" / "xla"


@needs_jax_06
def test_unwritable_folder_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv(compile_cache.SWITCH, raising=False)
    assert not compile_cache.enable()
    error = capsys.readouterr().err
    assert "/file/jaxcodec/xla cannot be made: Not a directory" in error and error.count("\n") == 1


@needs_jax_06
def test_folder_without_permission_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(compile_cache.SWITCH, raising=False)
    monkeypatch.setattr(os, "access", lambda *_: False)  # a superuser may write anywhere
    assert not compile_cache.enable()
    assert f"{tmp_path}/jaxcodec/xla cannot be written to" in capsys.readouterr().err
