"""The persistent compilation cache: on by default, a switch, and no failure where it cannot be."""

import os
import pathlib
import subprocess
import sys

import jax
import pytest

from jaxcodec.runtime import compile_cache

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPUTE = """
from jaxcodec.runtime import compile_cache
assert compile_cache.enable()
import jax
print(jax.jit(lambda x: x + 1)(1))
"""


@pytest.fixture(autouse=True)
def no_cache_of_the_user():
    """JAX as it is where the user has set up no cache for it; the tests have one of their own."""
    names = (
        "jax_compilation_cache_dir",
        *(name for name in jax.config.values if name.startswith("jax_persistent_cache_min")),
    )
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture
def complaint(monkeypatch, capsys):
    """Tries to turn the cache on, which fails, and gives the line that says why."""
    monkeypatch.delenv(compile_cache.SWITCH, raising=False)

    def attempt() -> str:
        assert not compile_cache.enable()
        error = capsys.readouterr().err
        assert (
            error.startswith("jaxcodec: compiled programs are not kept: ")
            and error.count("\n") == 1
        )
        return error

    return attempt


USERS_SETTINGS = (
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES",
)

needs_jax_06 = pytest.mark.skipif(
    jax.__version_info__ < (0, 6), reason="the cache stays off before JAX 0.6"
)


@needs_jax_06
def test_even_small_programs_are_kept_in_the_users_cache_folder(tmp_path):
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    for name in (compile_cache.SWITCH, "JAX_COMPILATION_CACHE_DIR", *USERS_SETTINGS):
        environment.pop(name, None)
    subprocess.run([sys.executable, "-c", COMPUTE], env=environment, check=True)
    assert any((tmp_path / "jaxcodec" / "xla").glob("*-cache"))


@needs_jax_06
def test_the_users_own_cache_is_left_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(compile_cache.SWITCH, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "ours"))
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "theirs"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 5)
    assert compile_cache.enable()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "theirs")
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 5
    assert not (tmp_path / "ours").exists() and capsys.readouterr().err == ""


@needs_jax_06
def test_a_cache_named_in_the_environment_is_the_one_that_is_used(tmp_path):
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "ours"),
        "PYTHONPATH": str(ROOT),
    }
    environment |= dict.fromkeys(USERS_SETTINGS, "0") | {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "theirs")
    }
    environment.pop(compile_cache.SWITCH, None)
    subprocess.run([sys.executable, "-c", COMPUTE], env=environment, check=True)
    assert any((tmp_path / "theirs").glob("*-cache")) and not (tmp_path / "ours").exists()


def test_off_where_the_user_has_turned_it_off(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(compile_cache.SWITCH, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        assert not compile_cache.enable()
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
    assert list(tmp_path.iterdir()) == [] and capsys.readouterr().err == ""


@pytest.mark.parametrize("version", [(0, 5, 3), (0, 4, 38)])
def test_off_where_jax_cannot_be_trusted_with_it(tmp_path, monkeypatch, complaint, version):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jax, "__version_info__", version)
    assert "update it to 0.6" in complaint()
    assert list(tmp_path.iterdir()) == []


def test_switched_off_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(compile_cache.SWITCH, "0")
    assert not compile_cache.enable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cache_home", [None, "", "relative/is/not/valid"])
def test_default_folder(monkeypatch, cache_home):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if cache_home is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", cache_home)
    assert compile_cache.folder() == pathlib.Path.home() / ".cache" / "jaxcodec" / "xla"


@needs_jax_06
def test_without_any_home_folder_the_cache_is_off_and_says_so(monkeypatch, complaint):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(
        pathlib.Path, "home", no_home
    )  # no HOME, and a user id that the system does not know
    assert compile_cache.folder() is None
    assert "set XDG_CACHE_HOME" in complaint()


@needs_jax_06
def test_unwritable_folder_is_said_in_one_line(tmp_path, monkeypatch, complaint):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "/file/jaxcodec/xla cannot be made: Not a directory" in complaint()


@needs_jax_06
@pytest.mark.parametrize("missing", [os.R_OK, os.W_OK, os.X_OK])
def test_folder_without_a_permission_is_said_in_one_line(tmp_path, monkeypatch, complaint, missing):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        os, "access", lambda path, mode: not mode & missing
    )  # a superuser may do anything anywhere
    assert f"{tmp_path}/jaxcodec/xla cannot be read and written" in complaint()
