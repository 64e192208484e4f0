"""Compiled programs kept between runs, beside JAX's own cache of them and for the same user.

JAX's cache spares a run the work of XLA, but not that of tracing and lowering in Python, which
takes a command longer than the coding of a picture. A program that is kept here is found by a name
without tracing anything. The name contains all that the program depends on: the source of this
package, what its function is made from, the shapes of its arguments, the versions and settings of
JAX, and the machine. If anything is amiss the program is made anew.
"""

import functools
import hashlib
import importlib.metadata
import math
import os
import pathlib
import pickle
import platform
import shutil
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.experimental import serialize_executable

from jaxcodec.files import write_atomic
from jaxcodec.runtime import jax_settings

_PACKAGE = pathlib.Path(__file__).resolve().parent.parent
_FOLDER = "jaxcodec-programs"
_KINDS = 4  # of versions of this package and JAX together whose programs are kept
_LEAST = "jax_persistent_cache_min_compile_time_secs"
_COMPILING = threading.Lock()
_LIBRARIES = ("jax", "jaxlib", "flax", "numpy")


def kept(
    function: Callable,
    identity: str | None,
    options: Callable[[], Mapping[str, Any]] = dict,
    **settings: Any,
) -> Callable:
    """`jax.jit(function, **settings)`, whose programs are kept where JAX keeps its own.

    Args:
      function: of arrays, in any containers.
      identity: distinguishes it from other functions, with all that its code depends on besides
        this package's source; None keeps nothing.
      options: a function that gives compiler options. They follow from the content of a name, and
        are needed only where something is compiled. Inside of another `jit` they do not count.
      settings: `static_argnames`, to be given by name.
    """
    nested, programs = jax.jit(function, **settings), {}

    @functools.cache
    def outermost():
        return jax.jit(function, compiler_options=dict(options()), **settings)

    @functools.wraps(function)
    def call(*arguments, **static):
        leaves, structure = jax.tree.flatten(arguments)
        if any(isinstance(leaf, Tracer) for leaf in leaves) or jax_settings.value(
            "jax_disable_jit"
        ):
            return nested(*arguments, **static)
        folder = _folder()
        if identity is None or folder is None or not all(map(_plain, leaves)):
            return outermost()(*arguments, **static)
        shapes = tuple(
            (leaf.shape, leaf.dtype.name, getattr(leaf, "weak_type", False)) for leaf in leaves
        )
        key = structure, shapes, tuple(sorted(static.items())), _settings()
        if key in programs:
            return programs[key](*leaves)
        path = folder / _digest(identity, str(key))
        program, result = _load(path, leaves)
        if program is None:
            program = _compile(
                path, functools.partial(nested, **static), structure, leaves, options()
            )
            result = program(*leaves)
        programs[key] = program
        return result

    return call


def _load(path: pathlib.Path, leaves: list) -> tuple[jax.stages.Compiled | None, Any]:
    """The program of a file, and what it makes of these arrays; or None, and nothing."""
    try:
        data = path.read_bytes()
        check, data = data[: hashlib.sha256().digest_size], data[hashlib.sha256().digest_size :]
        if hashlib.sha256(data).digest() != check:
            return None, None
        program, outputs = pickle.loads(data)
        given = jax.tree.structure(((0,) * len(leaves), {}))
        loaded = serialize_executable.deserialize_and_load(
            program, given, jax.tree.structure(outputs)
        )
        return loaded, jax.block_until_ready(loaded(*leaves))
    except Exception:  # whatever is wrong with it, another is made in its place
        return None, None


def _compile(
    path: pathlib.Path, function: Callable, structure, leaves: list, options
) -> jax.stages.Compiled:
    """The program of the function, which takes the leaves of its arguments.

    It is kept in a file where that is possible.
    """

    def flat(*leaves):
        return function(*jax.tree.unflatten(structure, leaves))

    # XLA cannot write again what it has read from JAX's cache: a name of its own is not found
    # there, nor kept.
    flat.__name__ = f"kept_{uuid.uuid4().hex}"
    with _COMPILING:  # the setting is the whole process's
        least = jax_settings.value(_LEAST)
        jax.config.update(_LEAST, math.inf)
        try:
            compiled = jax.jit(flat, compiler_options=dict(options)).lower(*leaves).compile()
        finally:
            jax.config.update(_LEAST, least)
    try:
        program, _, outputs = serialize_executable.serialize(compiled)
        data = pickle.dumps((program, jax.tree.unflatten(outputs, range(outputs.num_leaves))))
        _forget_others(path.parent)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(path, hashlib.sha256(data).digest() + data)
    except Exception:  # not every program can be kept, nor can every folder be written to
        pass
    return compiled


def _forget_others(folder: pathlib.Path) -> None:
    """Remove the least recently used programs of other versions.

    This happens before those of a new version are kept.
    """
    if not folder.exists() and folder.parent.exists():
        others = sorted(folder.parent.iterdir(), key=lambda other: other.stat().st_mtime)
        for other in others[: 1 - _KINDS]:
            shutil.rmtree(other, ignore_errors=True)


def _folder() -> pathlib.Path | None:
    """Where programs of this package and JAX are kept.

    None where JAX keeps none, or has several devices.
    """
    folder = jax_settings.value("jax_compilation_cache_dir")
    if (
        not folder
        or not jax_settings.value("jax_enable_compilation_cache")
        or "://" in str(folder)
        or jax.device_count() > 1
    ):
        return None
    return pathlib.Path(folder) / _FOLDER / fingerprint()


@functools.cache
def fingerprint() -> str:
    """A name for this package and JAX, and the machine."""
    source = [path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))]
    return _digest(*source, *map(importlib.metadata.version, _LIBRARIES), *_machine())


def _machine() -> list[str]:
    """All that decides whether a compiled program runs here.

    This includes the flags that XLA reads from the environment.
    """
    (device,) = jax.local_devices()
    flags = [os.environ.get(name, "") for name in ("XLA_FLAGS", "LIBTPU_INIT_ARGS")]
    return [
        device.device_kind,
        device.client.platform_version,
        platform.machine(),
        *_processor(),
        *flags,
    ]


def _processor() -> list[str]:
    """The processor's kind and instructions from Linux; elsewhere the machine's name."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return [platform.node()]
    return sorted(
        {
            line
            for line in lines
            if line.lower().startswith(("model name", "flags", "features", "isa", "cpu part"))
        }
    )


def _settings() -> tuple:
    """The settings of JAX in this thread, which decide what a function is traced to."""
    return tuple(str(getattr(jax.config, name, "")) for name in _setting_names())


@functools.cache
def _setting_names() -> tuple[str, ...]:
    relevant = (
        "x64",
        "precision",
        "promotion",
        "prng",
        "threefry",
        "nans",
        "infs",
        "numpy",
        "default",
        "bits",
    )
    return tuple(
        name for name in sorted(jax.config.values) if any(word in name for word in relevant)
    )


def _plain(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, np.generic)) or (
        isinstance(leaf, jax.Array) and len(leaf.devices()) == 1
    )


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]
