"""Do the tests notice a fault? Puts small faults into chosen modules, one at a time, and runs the modules' tests.

    python tools/mutants.py run runs/mutants.jsonl [--each 6] [--seed 0] [--only PATTERN ...] [--jobs 1] [--minutes 5]
    python tools/mutants.py show runs/mutants.jsonl        the score so far, and the survivors
    python tools/mutants.py list [--only PATTERN ...]      the mutants, without running them

Of each module in `mutants_tables.TESTS` a few mutants are drawn with a fixed seed (constants scaled, operators, comparisons and
branches changed, arguments dropped or swapped, functions taken for their neighbours, random keys reused, gradients stopped),
and all of `mutants_tables.NAMED`, faults that once left the tests green. A mutant is killed when a test of the module fails or
hangs. What is done is kept, a JSON line each: the same command goes on where it was stopped, and runs a survivor again
once its tests have changed.

A mutant costs seconds, as its process is forked from one that has imported JAX, and compiled programs are kept beside the
result. Nothing is written into the package.
"""

import argparse
import ast
import collections
import fnmatch
import hashlib
import importlib.machinery
import json
import os
import pathlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "jaxcodec"
sys.path.insert(0, str(ROOT))

from tools import mutants_tables as tables


class Mutant(NamedTuple):
    """A module (its path below jaxcodec/), where and what is changed, and the whole changed source."""

    module: str
    line: int
    change: str
    source: str

    @property
    def name(self) -> str:
        """One line that tells it."""
        return f"{self.module}:{self.line}: {self.change}"


# ---------------------------------------------------------------- making

_OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult,
    ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_NEIGHBOURS = {
    "maximum": "minimum", "minimum": "maximum", "max": "min", "min": "max", "floor": "ceil", "ceil": "floor",
    "round": "floor", "log": "log2", "log2": "log", "mean": "sum", "sum": "mean", "argmax": "argmin", "argmin": "argmax",
    "zeros": "ones", "ones": "zeros", "tanh": "sin", "sigmoid": "tanh", "softplus": "exp",
}  # fmt: skip
_IDENTITIES = ("abs", "square", "sqrt", "exp", "clip", "stop_gradient", "clip_values", "lower_bound", "round_straight_through")
"""Functions in whose place their first argument is put."""

_SYMMETRIC = ("min", "max", "minimum", "maximum", "allclose", "array_equal")
"""Functions whose arguments may be swapped."""

_KEPT_KEYWORDS = ("strict", "static_argnames", "donate_argnums", "kind", "indexing", "preferred_element_type")
"""Of these, leaving them out changes nothing, speed alone, or only a check."""


def mutants(module: str) -> list[Mutant]:
    """All mutants of a module, in the order of its lines, without those that `tables.EQUIVALENT` tells."""
    made = made_from(module, (PACKAGE / module).read_text(), tables.DIFFERENTIABLE.get(module))
    lines = (PACKAGE / module).read_text().splitlines()
    told = [(module, lines[mutant.line - 1].strip(), mutant.change) for mutant in made]
    return [mutant for mutant, key in zip(made, told, strict=True) if key not in tables.EQUIVALENT]


def made_from(module: str, text: str, untrained: frozenset[str] | None) -> list[Mutant]:
    """All mutants of a text; gradients are stopped outside of the functions `untrained`, nowhere where that is None."""
    found = {}
    for node, new in _changes(ast.parse(text), untrained):
        change = f"{' '.join(ast.get_source_segment(text, node).split())} -> {new}"
        mutant = Mutant(module, node.lineno, change, _spliced(text, node, new))
        found.setdefault(mutant.source, mutant)
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.change))


def named() -> list[Mutant]:
    """The mutants of `tables.NAMED`; raises ValueError for one that the module's text no longer has."""
    found = []
    for told, module, old, new in tables.NAMED:
        text = (PACKAGE / module).read_text()
        if text.count(old) != 1:
            raise ValueError(f"the named mutant {told!r} looks for {old!r}, which {module} has {text.count(old)} times")
        line = text[: text.index(old)].count("\n") + 1
        found.append(Mutant(module, line, f"named: {told}", text.replace(old, new)))
    return found


def _spliced(text: str, node: ast.AST, new: str) -> str:
    lines = text.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    new = f"({new})" if isinstance(node, ast.expr) else new
    return (text.encode()[:start] + new.encode() + text.encode()[end:]).decode()


def _changes(node: ast.AST, untrained: frozenset[str] | None) -> Iterator[tuple[ast.AST, str]]:
    """Pairs of a node and the text that is to stand in its place, of a node and all below it; see `made_from`."""
    yield from _of_node(node)
    if isinstance(node, ast.FunctionDef) and untrained and node.name in untrained:
        untrained = None
    if untrained is not None:
        yield from _stopped_gradients(node)
    for child in _below(node):
        yield from _changes(child, untrained)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """The children that may be changed: no texts, types, decorators, errors, log lines or lists of names."""
    if isinstance(node, (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)) or _is_log(node) or _is_alias(node):
        return
    left_out = ("annotation", "returns", "decorator_list", "type_params")
    for field, value in ast.iter_fields(node):
        if field in left_out or isinstance(node, ast.keyword) and node.arg in _KEPT_KEYWORDS:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
                yield child


def _is_log(node) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logging.")


def _is_alias(node) -> bool:
    """Whether a statement gives a type, or a list of names, its name."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return False
    value, name = node.value, node.targets[0].id
    typed = isinstance(value, ast.Subscript) or isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr)
    return node.col_offset == 0 and (name.startswith("__") or typed and not name.isupper())


def _of_node(node) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.Constant(value=bool()):
            yield node, str(not node.value)
        case ast.Constant(value=int()):
            yield node, str(node.value + 1)
        case ast.Constant(value=float()):
            yield node, repr(node.value * 1.5 or 1.0)
        case ast.BinOp() if type(node.op) in _OPERATORS:
            yield node, ast.unparse(ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right))
        case ast.BoolOp():
            yield node, ast.unparse(ast.BoolOp(_OPERATORS[type(node.op)](), node.values))
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert()):
            yield node, ast.unparse(node.operand)
        case ast.Compare():
            others = [_OPERATORS[type(node.ops[0])](), *node.ops[1:]]
            yield node, ast.unparse(ast.Compare(node.left, others, node.comparators))
        case ast.IfExp():
            yield node, ast.unparse(node.body)
            yield node, ast.unparse(node.orelse)
        case ast.If() | ast.While():
            if not isinstance(node.test, (ast.Compare, ast.BoolOp)):  # those are changed by themselves
                yield node.test, f"not ({ast.unparse(node.test)})"
            if isinstance(node, ast.If):
                yield node.test, "False"
        case ast.AugAssign():
            yield node, "pass"
        case ast.Call() if not _is_log(node):
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[tuple[ast.AST, str]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if len(node.args) > 1 and name not in _SYMMETRIC and not any(isinstance(value, ast.Starred) for value in node.args[:2]):
        first, second, *rest = node.args
        if ast.dump(first) != ast.dump(second):
            yield node, ast.unparse(ast.Call(node.func, [second, first, *rest], node.keywords))
    for place, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, *_KEPT_KEYWORDS):
            others = node.keywords[:place] + node.keywords[place + 1 :]
            yield node, ast.unparse(ast.Call(node.func, node.args, others))
    if name in _NEIGHBOURS:
        yield node.func, ast.unparse(node.func)[: -len(name)] + _NEIGHBOURS[name]
    if name in _IDENTITIES and node.args:
        yield node, ast.unparse(node.args[0])
    if ast.unparse(node.func) == "jax.random.split":
        yield node, f"(lambda keys: keys[0 * jax.numpy.arange(len(keys))])({ast.unparse(node)})"
    if ast.unparse(node.func) == "jax.random.fold_in":
        yield node, ast.unparse(node.args[0])


def _stopped_gradients(node) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.Return(value=ast.expr()) if not isinstance(node.value, (ast.Lambda, ast.Constant)):
            yield node.value, f"jax.tree.map(jax.lax.stop_gradient, {ast.unparse(node.value)})"
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), right=ast.Name()):
            yield node.right, f"jax.lax.stop_gradient({node.right.id})"


# ---------------------------------------------------------------- running


def sample(options) -> list[Mutant]:
    """The named mutants, then `--each` of every module that `--only` lets through, drawn with the seed."""
    chosen = [mutant for mutant in named() if _wanted(mutant.module, options)]
    for module in tables.TESTS:
        if _wanted(module, options):
            # By a hash, so that a mutant more or less leaves the others drawn.
            drawn = sorted(mutants(module), key=lambda mutant: _hash(str(options.seed), mutant.source))
            chosen += drawn[: options.each]
    return chosen


def _wanted(module, options) -> bool:
    return any(fnmatch.fnmatchcase(module, pattern) for pattern in options.only)


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _keys(mutant: Mutant) -> tuple[str, str]:
    """What a result holds for: the mutant with its module, and its tests."""
    tests = [(ROOT / "tests" / name.split("::")[0]).read_text() for name in tables.TESTS[mutant.module]]
    return _hash(mutant.module, mutant.change, mutant.source), _hash(*tests)


def read(path: pathlib.Path) -> dict[str, dict]:
    """The results so far, the last of each mutant."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {row["mutant"]: row for row in map(json.loads, lines)}


def _holds(row: dict | None, tests: str) -> bool:
    """Whether a result needs no other run: more tests kill no less."""
    return row is not None and (row["outcome"] != "survived" or row["tests"] == tests)


def _fork(mutant: Mutant | None, module: str, log: pathlib.Path) -> int:
    """Starts pytest on the tests of a module in a process of its own, under a mutant or none; returns its id."""
    if pid := os.fork():
        return pid
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    status = 70
    try:
        import pytest

        if mutant:
            _load_mutant(mutant)
        tests = [f"tests/{name}" for name in tables.TESTS[module]]
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line", "-rfE", *tests])
    finally:
        sys.stdout.flush()
        os._exit(int(status))


def _load_mutant(mutant: Mutant) -> None:
    """Lets the import of the module give the mutant."""
    path = str(PACKAGE / mutant.module)
    get_code = importlib.machinery.SourceFileLoader.get_code

    def changed(loader, fullname):
        if loader.path == path:
            return compile(mutant.source, path, "exec", dont_inherit=True)
        return get_code(loader, fullname)

    importlib.machinery.SourceFileLoader.get_code = changed


class _Running(NamedTuple):
    mutant: Mutant | None
    module: str
    started: float
    limit: float
    log: pathlib.Path


def _finished(running: dict[int, _Running]) -> Iterator[tuple[_Running, str, float]]:
    """Waits for a process to end, or ends it at its limit; what it was, its outcome and seconds."""
    while True:
        for pid, job in list(running.items()):
            seconds = time.monotonic() - job.started
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done and seconds > job.limit:
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                done, status = pid, None
            if done:
                del running[pid]
                code = None if status is None else os.waitstatus_to_exitcode(status)
                named = {0: "survived", 1: "killed", 2: "killed", None: "timeout"}
                yield job, named.get(code, "crashed" if code and code < 0 else f"pytest ended with {code}"), seconds
                return
        time.sleep(0.05)


def _warm(cache: pathlib.Path) -> None:
    """Imports what every test needs and none of the package, and keeps compiled programs. Nothing is computed here."""
    os.environ |= {
        "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0", "PYTHONDONTWRITEBYTECODE": "1",
        "JAX_COMPILATION_CACHE_DIR": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }  # fmt: skip
    import flax.linen
    import hypothesis
    import jax
    import ml_collections
    import optax
    import pytest
    import scipy.special  # noqa: F401

    del flax, hypothesis, jax, ml_collections, optax, pytest


def run(options) -> None:
    """Runs what is not done yet until the minutes are over."""
    options.results.parent.mkdir(parents=True, exist_ok=True)
    done = read(options.results)
    waiting = collections.deque(mutant for mutant in sample(options) if not _holds(done.get(_keys(mutant)[0]), _keys(mutant)[1]))
    print(f"{len(waiting)} mutants to run", flush=True)
    _warm(options.results.with_suffix(".cache").absolute())
    end = time.monotonic() + 60 * options.minutes
    running: dict[int, _Running] = {}
    limits: dict[str, float] = {}
    while running or (waiting and time.monotonic() < end):
        while waiting and len(running) < options.jobs and time.monotonic() < end:
            mutant = waiting.popleft()
            if mutant.module not in limits:
                limits[mutant.module] = _baseline(mutant.module, options)
            log = options.results.with_suffix(f".log{len(waiting) % options.jobs}")
            pid = _fork(mutant, mutant.module, log)
            running[pid] = _Running(mutant, mutant.module, time.monotonic(), limits[mutant.module], log)
        for job, outcome, seconds in _finished(running) if running else ():
            key, tests = _keys(job.mutant)
            failed = [line for line in job.log.read_text(errors="replace").splitlines() if line.startswith(("FAILED", "ERROR"))]
            if outcome not in ("survived", "timeout", "crashed") and not failed:
                raise SystemExit(f"{job.mutant.name}: {outcome}, and no test failed; see {job.log}")
            row = {"mutant": key, "tests": tests, "name": job.mutant.name, "outcome": outcome, "seconds": round(seconds, 1)}
            with options.results.open("a") as file:
                file.write(json.dumps(row | {"by": failed[0][:160] if failed else ""}) + "\n")
            print(f"{outcome:9} {seconds:5.1f} s  {job.mutant.name}", flush=True)


def _baseline(module: str, options) -> float:
    """The seconds that a mutant of the module is given; raises SystemExit where its tests fail without one."""
    log = options.results.with_suffix(".log")
    pid = _fork(None, module, log)
    for _, outcome, seconds in _finished({pid: _Running(None, module, time.monotonic(), 600, log)}):
        print(f"{'sound' if outcome == 'survived' else outcome:9} {seconds:5.1f} s  {module}", flush=True)
        if outcome != "survived":
            raise SystemExit(f"the tests of {module} do not pass without a mutant; see {log}")
        return 30 + 6 * seconds
    raise AssertionError


def show(options) -> None:
    """Prints the score and the survivors of the sample."""
    done = read(options.results)
    rows = [(mutant, done.get(_keys(mutant)[0])) for mutant in sample(options)]
    outcomes = collections.defaultdict(collections.Counter)
    for mutant, row in rows:
        outcomes[mutant.module.split("/")[0]][row["outcome"] if row else "not run"] += 1
    print("| modules | mutants | killed | survived | not run |\n|---|---|---|---|---|")
    outcomes["all"] = sum(outcomes.values(), collections.Counter())
    for name, count in outcomes.items():
        killed = count["killed"] + count["timeout"] + count["crashed"]
        print(f"| {name} | {count.total()} | {killed} | {count['survived']} | {count['not run']} |")
    for mutant, row in rows:
        if row and row["outcome"] == "survived":
            print(f"survived: {mutant.name}")


def main() -> None:
    """Parses the command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("action", choices=("run", "show", "list"))
    parser.add_argument("results", type=pathlib.Path, nargs="?", help="file of JSON lines; of run and show")
    parser.add_argument("--each", type=int, default=6, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--only", nargs="+", default=["*"], metavar="PATTERN", help="modules, as in 'entropy/*'")
    parser.add_argument("--jobs", type=int, default=1, help="at a time")
    parser.add_argument("--minutes", type=float, default=60, help="start no more after these")
    options = parser.parse_args()
    os.chdir(ROOT)
    if options.action == "list":
        for module in tables.TESTS:
            if _wanted(module, options):
                print(*(mutant.name for mutant in mutants(module)), sep="\n")
    elif options.results is None:
        parser.error(f"{options.action} takes the file of results")
    else:
        {"run": run, "show": show}[options.action](options)


if __name__ == "__main__":
    main()
