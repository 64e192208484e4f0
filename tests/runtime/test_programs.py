"""Compiled programs that are kept between runs: the same results, found again without tracing, made
anew where in doubt.
"""

import concurrent.futures

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.runtime import programs


@pytest.fixture
def folder(tmp_path):
    """JAX with an empty cache of its own."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", before)


def files(folder):
    return sorted(path for path in folder.glob("jaxcodec-programs/*/*") if path.is_file())


def counted(identity="sum", **settings):
    """A function that is kept, and the list of the times that it was traced."""
    traced = []

    def add(tree, other, negative=False):
        traced.append(1)
        total = tree["a"] + other
        return (-total if negative else total), tree["a"]

    return programs.kept(add, identity, static_argnames="negative", **settings), traced


X = {"a": np.arange(3, dtype=np.float32)}


def test_what_one_run_has_compiled_the_next_does_not_trace(folder):
    for run in range(2):
        function, traced = counted()
        for negative in (False, True):
            total, same = function(X, np.float32(2), negative=negative)
            np.testing.assert_array_equal(total, np.float32([2, 3, 4]) * (-1 if negative else 1))
            np.testing.assert_array_equal(same, X["a"])
        assert len(traced) == (2 if run == 0 else 0)
    assert len(files(folder)) == 2


@pytest.mark.parametrize(
    "other",
    [
        lambda: counted("another")[0](X, np.float32(2)),
        lambda: counted()[0]({"a": np.zeros(4, np.float32)}, np.float32(2)),
        lambda: counted()[0]({"a": np.zeros(3, np.int32)}, np.float32(2)),
        lambda: counted()[0]({**X, "b": np.float32(1)}, np.float32(2)),
    ],
)
def test_another_function_shape_type_or_structure_is_another_program(folder, other):
    counted()[0](X, np.float32(2))
    other()
    assert len(files(folder)) == 2


def test_another_setting_of_jax_is_another_program(folder):
    counted()[0](X, np.float32(2))
    with jax.default_matmul_precision("highest"):
        counted()[0](X, np.float32(2))
    assert len(files(folder)) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false"),
        lambda patch: patch.setattr(programs, "_processor", lambda: ["flags: another"]),
    ],
)
def test_another_machine_or_flag_of_xla_is_another_program(folder, monkeypatch, change):
    counted()[0](X, np.float32(2))
    change(monkeypatch)
    programs.fingerprint.cache_clear()
    function, traced = counted()
    function(X, np.float32(2))
    programs.fingerprint.cache_clear()
    assert traced and len(files(folder)) == 2


def test_a_damaged_program_is_made_anew(folder):
    counted()[0](X, np.float32(2))
    (path,) = files(folder)
    whole = path.read_bytes()
    for damaged in (
        b"",
        b"not a program",
        whole[: len(whole) // 2],
        whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
    ):
        path.write_bytes(damaged)
        function, traced = counted()
        np.testing.assert_array_equal(function(X, np.float32(2))[0], [2, 3, 4])
        assert traced and len(path.read_bytes()) == len(whole)


def test_what_jax_has_kept_is_compiled_anew_since_xla_cannot_write_it_again(folder, monkeypatch):
    """A package of another version finds JAX's cache of the former one."""
    traced = []

    def function(x):
        traced.append(1)
        return jnp.maximum(jnp.minimum(jnp.sin(x) @ x.T, 3), 1)

    for version in range(2):
        monkeypatch.setattr(programs, "fingerprint", lambda version=version: str(version))
        for _ in range(2):
            jax.clear_caches()
            programs.kept(function, "f")(np.ones((40, 30), np.float32))
    assert len(files(folder)) == len(traced) == 2


def test_a_program_that_loads_and_does_not_run_is_made_anew(folder, monkeypatch):
    counted()[0](X, np.float32(2))

    def broken(*arguments):
        raise jax.errors.JaxRuntimeError("INTERNAL: function not found")

    monkeypatch.setattr(
        programs.serialize_executable, "deserialize_and_load", lambda *arguments: broken
    )
    function, traced = counted()
    np.testing.assert_array_equal(function(X, np.float32(2))[0], [2, 3, 4])
    assert traced


def test_a_failure_to_compile_is_not_remembered(folder):
    """Such as memory that runs out."""
    failing = [True]

    def add(x):
        if failing:
            raise MemoryError
        return x + 1

    function = programs.kept(add, "add")
    with pytest.raises(MemoryError):
        function(np.float32(1))
    failing.clear()
    assert function(np.float32(1)) == 2


def test_threads_share_a_function_and_leave_settings_as_they_were(folder):
    least = jax.config.jax_persistent_cache_min_compile_time_secs
    function, _ = counted()
    sizes = [1 + place % 4 for place in range(24)]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        made = threads.map(
            lambda size: function({"a": np.ones(size, np.float32)}, np.float32(2))[0], sizes
        )
        assert [array.tolist() for array in made] == [[3.0] * size for size in sizes]
    assert jax.config.jax_persistent_cache_min_compile_time_secs == least


def test_a_folder_that_cannot_be_written_changes_nothing(folder):
    (folder / "jaxcodec-programs").write_text("in the way")
    np.testing.assert_array_equal(counted()[0](X, np.float32(2))[0], [2, 3, 4])


def test_within_transformations_it_is_the_function_and_keeps_nothing(folder):
    function, _ = counted()
    np.testing.assert_array_equal(jax.jit(lambda x: function(x, 2.0))(X)[0], [2, 3, 4])
    np.testing.assert_array_equal(
        jax.vmap(lambda a: function({"a": a}, 2.0)[0])(jnp.arange(3.0)), [2, 3, 4]
    )
    assert jax.grad(lambda a: function({"a": a}, 2.0)[0])(1.0) == 1
    with jax.disable_jit():
        np.testing.assert_array_equal(function(X, 2.0)[0], [2, 3, 4])
    assert not files(folder)


def test_nothing_is_kept_where_jax_keeps_nothing_or_a_function_has_no_identity(folder):
    counted(None)[0](X, np.float32(2))
    jax.config.update("jax_compilation_cache_dir", None)
    counted()[0](X, np.float32(2))
    assert not files(folder)


def test_programs_of_many_versions_do_not_pile_up(folder):
    for number in range(9):
        (folder / "jaxcodec-programs" / str(number)).mkdir(parents=True)
    counted()[0](X, np.float32(2))
    assert len(list((folder / "jaxcodec-programs").iterdir())) == 4
