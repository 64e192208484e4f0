"""Tests mirror the package: each module has its test file, and they use it as anyone may."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE, TESTS = ROOT / "jaxcodec", ROOT / "tests"
TEST_FILES = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
WITHOUT = {
    "entropy/output.py": "a tuple without a function",
    "refinement/carry.py": "tuples without a function",
}
"""Modules that need no test, with the reason. So do the `__init__` of packages, `__main__` and
single configs (test_configs.py is for all).
"""

BESIDE = ("system", "tools", "examples")
"""Folders of tests that are about more than a module, or about what lies beside the package."""

OF_NAMED_TUPLES = {"_replace", "_asdict", "_fields"}


def its_test(module: pathlib.PurePath) -> str:
    """The test file of a module; both are below their folders."""
    return (module.parent / f"test_{module.name}").as_posix()


MODULES = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")]
SINGLE = [
    path for path in MODULES if not path.name.startswith("__") and path.parent.name != "configs"
]
PACKAGES = [path.parent.with_suffix(".py") for path in MODULES if len(path.parts) > 1]


def test_every_module_has_its_test_file():
    missing = {path.as_posix() for path in SINGLE if its_test(path) not in TEST_FILES}
    assert missing == set(WITHOUT)


def test_every_test_file_is_of_a_module_or_lies_in_a_folder_for_others():
    known = {its_test(path) for path in (*SINGLE, *PACKAGES)}
    others = {name for name in TEST_FILES if not set(pathlib.PurePath(name).parts) & {*BESIDE}}
    assert others <= known


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in OF_NAMED_TUPLES


def private_names(tree: ast.Module) -> set[str]:
    """The names with an underscore that a file imports, or takes of what it imports."""
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    found = {name for name in imported if is_private(name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            base = node.value
            while isinstance(base, ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name) and base.id in imported:
                found.add(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("from jaxcodec.coding.host import _SORTED", {"_SORTED"}),
        ("from jaxcodec.coding import host\nhost._SORTED = 1", {"host._SORTED"}),
        ("import jaxcodec\njaxcodec.coding.host._SORTED", {"jaxcodec.coding.host._SORTED"}),
        ("from jaxcodec import cli\ncli.main()._replace(a=1); self._own; cli.__file__", set()),
    ],
)
def test_private_names_are_found(line, names):
    assert private_names(ast.parse(line)) == names


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.stem)
def test_no_test_takes_a_private_name_or_changes_where_modules_are_found(path):
    text = path.read_text()
    assert not private_names(ast.parse(text))
    assert "sys." + "path" not in text
