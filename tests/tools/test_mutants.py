"""The script of mutants: what it makes, and one run of it."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def mutants():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("mutants_script", ROOT / "tools" / "mutants.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def changes(mutants, text, untrained=None):
    """The changes of a text, as (old, new), by the script's own splicing."""
    found = []
    for mutant in mutants.made_from("m.py", text, untrained):
        compile(mutant.source, "m.py", "exec")
        found.append(tuple(mutant.change.split(" -> ")))
    return found


def test_what_is_changed_and_what_is_left_alone(mutants):
    text = '''"""Text."""
import jax
Alias = dict[str, int]
def f(x: int = 3, *, y: float = 0.5) -> "int":
    """Text."""
    if x < 2:
        raise ValueError(f"{x} below {2}")
    logging.info("x", 1)
    return jax.numpy.mean(x, axis=0)
'''
    assert sorted(changes(mutants, text)) == [
        ("0", "1"), ("0.5", "0.75"), ("2", "3"), ("3", "4"), ("jax.numpy.mean", "jax.numpy.sum"),
        ("jax.numpy.mean(x, axis=0)", "jax.numpy.mean(x)"), ("x < 2", "False"), ("x < 2", "x <= 2"),
    ]  # fmt: skip


def test_keys_are_reused_and_gradients_stopped_where_they_matter(mutants):
    text = "def f(k, m):\n    a, b = jax.random.split(k)\n    return a - m\n"
    new = [change[1] for change in changes(mutants, text, frozenset())]
    assert "(lambda keys: keys[0 * jax.numpy.arange(len(keys))])(jax.random.split(k))" in new
    assert "jax.lax.stop_gradient(m)" in new
    assert "jax.tree.map(jax.lax.stop_gradient, a - m)" in new
    for untrained in (None, frozenset({"f"})):
        assert not any("stop_gradient" in change[1] for change in changes(mutants, text, untrained))


def test_every_module_has_mutants_tests_and_sound_tables(mutants):
    made = {module: mutants.mutants(module) for module in mutants.tables.TESTS}
    assert all(len(found) >= 5 for found in made.values())
    for module, tests in mutants.tables.TESTS.items():
        text = (ROOT / "jaxcodec" / module).read_text()
        assert len({mutant.source for mutant in made[module]} | {text}) == len(made[module]) + 1
        assert all((ROOT / "tests" / test.split("::")[0]).exists() for test in tests), module
    for mutant in mutants.named():  # raises for one whose text is gone
        compile(mutant.source, mutant.module, "exec")
    for module, line, change in mutants.tables.EQUIVALENT:
        text = (ROOT / "jaxcodec" / module).read_text()
        every = mutants.made_from(module, text, mutants.tables.DIFFERENTIABLE.get(module))
        assert (line, change) in {
            (text.splitlines()[mutant.line - 1].strip(), mutant.change) for mutant in every
        }


@pytest.mark.long
def test_a_run_kills_is_kept_and_shown(tmp_path):
    results = tmp_path / "results.jsonl"
    common = [sys.executable, "tools/mutants.py"]
    chosen = ["--only", "objectives/thesis.py", "--each", "1"]

    def call(action):
        return subprocess.run(
            [*common, action, results, *chosen],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    first = call("run")
    assert first.count("\nkilled") == 3 and "survived" not in first
    assert "0 mutants to run" in call("run")
    assert "| objectives | 3 | 3 | 0 | 0 |" in call("show")
