"""Lowered programs kept between runs, beside JAX's own cache of compiled ones and for the same user.

JAX's cache spares a run the work of XLA, but not that of tracing and lowering in Python, which takes a command longer than
the coding of a picture. A program that is kept here, as `jax.export` writes it, is found by a name that tells all that it
depends on, so that nothing of it is traced: the source of this package, what its function is made from, the shapes of its
arguments, and the versions and settings of JAX. Where anything is amiss it is made anew.
"""

import functools
import hashlib
import importlib.metadata
import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.export
import numpy as np

from jaxcodec.files import write_atomic

_PACKAGE = pathlib.Path(__file__).resolve().parent
_FOLDER = "jaxcodec-programs"
_KINDS = 4  # of versions of this package and JAX together whose programs are kept
_LIBRARIES = ("jax", "jaxlib", "flax", "numpy")


def kept(
    function: Callable, identity: str | None, options: Callable[[], Mapping[str, Any]] = dict, **settings
) -> Callable:
    """`jax.jit(function, **settings)`, whose programs are kept where JAX keeps its own.

    Args:
      function: of arrays, in any containers.
      identity: tells it from other functions, with all that its code depends on besides this package's source; None keeps
        nothing.
      options: gives compiler options, asked for at the first call. Inside of another `jit` they do not count.
      settings: `static_argnames`, to be given by name.
    """
    nested, programs = jax.jit(function, **settings), {}

    @functools.cache
    def outermost():
        return jax.jit(function, compiler_options=dict(options()), **settings)

    @functools.wraps(function)
    def call(*arguments, **static):
        leaves, structure = jax.tree.flatten(arguments)
        if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves) or jax.config.jax_disable_jit:
            return nested(*arguments, **static)
        folder = None if identity is None else _folder()
        if folder is None or not all(map(_plain, leaves)):
            return outermost()(*arguments, **static)
        shapes = tuple((leaf.shape, leaf.dtype.name, getattr(leaf, "weak_type", False)) for leaf in leaves)
        key = structure, shapes, tuple(sorted(static.items())), _settings()
        if key not in programs:
            path = folder / _digest(identity, str(key))
            exported = _load(path) or _make(path, functools.partial(nested, **static), arguments)
            lowered = functools.partial(outermost(), **static) if exported is None else exported.call
            programs[key] = lowered if exported is None else jax.jit(lowered, compiler_options=dict(options()))
        return programs[key](*arguments)

    return call


def _load(path: pathlib.Path) -> jax.export.Exported | None:
    try:
        return jax.export.deserialize(bytearray(path.read_bytes()))
    except Exception:  # whatever is wrong with it, another is made in its place
        return None


def _make(path: pathlib.Path, function: Callable, arguments: tuple) -> jax.export.Exported | None:
    try:
        exported = jax.export.export(jax.jit(function))(*arguments)
        data = exported.serialize()
        _forget_others(path.parent)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, data)
    except Exception:  # not every program can be kept, nor can every folder be written to
        return None
    return exported


def _forget_others(folder: pathlib.Path) -> None:
    """Removes the programs of other versions that were used longest ago, before those of a new one are kept."""
    if not folder.exists() and folder.parent.exists():
        others = sorted(folder.parent.iterdir(), key=lambda other: other.stat().st_mtime)
        for other in others[: 1 - _KINDS]:
            shutil.rmtree(other, ignore_errors=True)


def _folder() -> pathlib.Path | None:
    """Where programs of this package and JAX are kept; None where JAX keeps none, or has several devices."""
    folder = jax.config.jax_compilation_cache_dir
    if not folder or not jax.config.jax_enable_compilation_cache or "://" in str(folder) or jax.device_count() > 1:
        return None
    return pathlib.Path(folder) / _FOLDER / _kind()


@functools.cache
def _kind() -> str:
    """A name for this package and JAX, and the kind of device."""
    source = [path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))]
    return _digest(*source, *map(importlib.metadata.version, _LIBRARIES), jax.default_backend())


def _settings() -> tuple:
    """The settings of JAX in this thread, which decide what a function is traced to."""
    return tuple(str(getattr(jax.config, name, "")) for name in _setting_names())


@functools.cache
def _setting_names() -> tuple[str, ...]:
    relevant = ("x64", "precision", "promotion", "prng", "threefry", "nans", "infs", "numpy", "default", "bits")
    return tuple(name for name in sorted(jax.config.values) if any(word in name for word in relevant))


def _plain(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, np.generic)) or (isinstance(leaf, jax.Array) and len(leaf.devices()) == 1)


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]
