"""Code from outside the package: what configs and descriptions name by an import path, MODULE:NAME.
No JAX.

A config is code and what it names is trusted with it. A codec file or the folder of a run is data
that may come from anyone, so nothing that it names is imported unless its module was allowed: by
`allow_imports`, by `jaxcodec.load(path, allow=...)`, by --allow-import of the command line, by the
environment variable JAXCODEC_PLUGINS (modules, separated by commas), or by an installed package
that names the module in the group "jaxcodec.plugins" of its entry points. Allowing a module allows
those below it, and code that comes with a name can only be a class or a function of the kind that
is wanted. See docs/extending.md.
"""

import functools
import importlib
import importlib.metadata
import importlib.util
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jaxcodec.errors import ExtensionError

VARIABLE = "JAXCODEC_PLUGINS"
GROUP = "jaxcodec.plugins"

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
allowed: set[str] = set()
"""The modules that this process may import; see `allow_imports`."""


def is_own(kind: Any) -> bool:
    """Whether a kind is an import path, or a class or function itself, and not the name of what the
    package has.
    """
    return callable(kind) or (isinstance(kind, str) and ":" in kind)


def path_of(thing: Any) -> str:
    """The import path of a class or function, which a config can keep and a later process can
    import.

    Raises:
      ExtensionError: it cannot be imported: it lies in a function, a script or a config file.
    """
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not _is_found(thing, module, name):
        raise ExtensionError(
            f"{name or thing!r} cannot be imported from {module or 'a module'}, so that no later "
            "process would find it; "
            "define it at the top of a module that is not the config itself"
        )
    return f"{module}:{name}"


def named(value: Any) -> Any:
    """`value`, mappings and sequences too, with the import path in the place of each class or
    function.
    """
    if isinstance(value, Mapping) or hasattr(value, "items"):
        return {key: named(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return (
            [named(item) for item in value]
            if isinstance(value, list)
            else tuple(named(item) for item in value)
        )
    return path_of(value) if callable(value) else value


def allow_imports(*modules: str) -> None:
    """Lets this process import what codec files and runs name in these modules, and in those below
    them.
    """
    allowed.update(modules)


def allow_named(value: Any) -> None:
    """Allow what a config names: running a config runs code of its author."""
    allow_imports(*(path.partition(":")[0] for path in _paths(value)))


def resolve(kind: Any, base: type | None = None) -> Any:
    """What a kind names by its import path, or a class or function itself: a subclass of `base`, or
    whatever can be called.

    Raises:
      ExtensionError: its module was not allowed or cannot be imported, or it is not what is wanted.
    """
    found = _import(kind) if isinstance(kind, str) else kind
    suits = callable(found) if base is None else isinstance(found, type) and issubclass(found, base)
    if not suits:
        expected = (
            "a function or class"
            if base is None
            else f"a subclass of {base.__module__}.{base.__qualname__}"
        )
        raise ExtensionError(f"{kind} is not {expected}; name one that is")
    return found


def _import(path: str) -> Any:
    if not _PATH.fullmatch(path):
        raise ExtensionError(
            f"{path!r} is not an import path; write MODULE:NAME, my_package.nets:MyAnalysis say"
        )
    module, _, name = path.partition(":")
    if not _is_allowed(module):
        raise ExtensionError(
            f"{path} is code from outside jaxcodec, which runs only where you allow it; if you "
            "trust it, install it and "
            f"allow it by --allow-import {module}, by allow=({module!r},) of jaxcodec.load, or by "
            f"{VARIABLE}={module}"
        )
    try:
        return _attribute(importlib.import_module(module), name)
    except ImportError as problem:
        raise ExtensionError(
            f"{path} cannot be imported ({problem}); install it, or put its folder into PYTHONPATH"
        ) from problem
    except AttributeError as problem:
        raise ExtensionError(
            f"the module {module} has no {name}; compare {path} with what it defines"
        ) from problem


def _is_found(thing: Any, module: str | None, name: str | None) -> bool:
    if not module or not name or module == "__main__":
        return False
    try:
        return (
            bool(importlib.util.find_spec(module))
            and _attribute(importlib.import_module(module), name) is thing
        )
    except (
        ImportError,
        AttributeError,
        ValueError,
    ):  # ValueError: a config file, whose module has no spec
        return False


def _attribute(module: Any, name: str) -> Any:
    return functools.reduce(getattr, name.split("."), module)


def _is_allowed(module: str) -> bool:
    from_environment = (name.strip() for name in os.environ.get(VARIABLE, "").split(","))
    return _within(module, (*allowed, *from_environment)) or _within(module, _declared())


def _within(module: str, names: Iterable[str]) -> bool:
    return any(name and (module == name or module.startswith(f"{name}.")) for name in names)


def _declared() -> Iterator[str]:
    """The modules that installed packages declare as plugins: to install one is to allow it."""
    return (entry.module for entry in importlib.metadata.entry_points(group=GROUP))


def _paths(value: Any) -> Iterator[str]:
    if hasattr(value, "items"):
        value = [item for _, item in value.items()]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _paths(item)
    elif isinstance(value, str) and _PATH.fullmatch(value):
        yield value
