"""Imports run one way: docs/architecture.md has the layers in order, and this holds the code to
it.
"""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "jaxcodec"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")
}


def layers() -> list[list[str]]:
    """The rows of the table, from the bottom up."""
    lines = (ROOT / "docs" / "architecture.md").read_text().splitlines()
    start = lines.index("| layer | what it is | files |") + 2
    cells = (line.split("|")[1] for line in lines[start:] if line.startswith("|"))
    rows = [re.findall(r"`(\w+)`", cell) for cell in cells]
    return rows


def imports(tree: ast.Module) -> set[str]:
    """The modules of the package that a module imports, whenever it does."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("jaxcodec.")}


HEIGHT = {name: height for height, row in enumerate(layers()) for name in row}


def test_every_module_has_a_layer():
    parts = {name.split(".")[1] for name in MODULES} - {"__init__", "__main__"}
    assert parts == set(HEIGHT)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_run_downwards(name):
    own = name.split(".")[1]
    if own.startswith("__"):
        return
    for imported in imports(ast.parse(MODULES[name].read_text())):
        other = imported.split(".")[1]
        if other.startswith("__"):  # the version
            continue
        assert other == own or HEIGHT[other] < HEIGHT[own], f"{name} imports {imported}"
