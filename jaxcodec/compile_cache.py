"""Keep what XLA compiles between runs, so that only the first run with a new image size or model waits for it."""

import os
import pathlib
import sys

SWITCH = "JAXCODEC_COMPILE_CACHE"
"""Environment variable: 0 turns the cache off."""


def folder() -> pathlib.Path:
    """Where compiled programs are kept: jaxcodec/xla in $XDG_CACHE_HOME, or in ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "jaxcodec" / "xla"


def enable() -> bool:
    """Turn on JAX's persistent compilation cache; call it before the first computation.

    Every program is kept, however small and quick to compile (JAX's defaults skip those under a second, which is most
    of what a codec runs on a CPU). JAX trusts what it finds there, so the folder is made readable by its owner alone.

    Returns:
      Whether the cache is on: False where JAXCODEC_COMPILE_CACHE=0, and, with one line on stderr, where the folder
      cannot be written to or JAX is older than 0.6.
    """
    if os.environ.get(SWITCH) == "0":
        return False
    import jax

    if jax.__version_info__ < (0, 6):
        # A kept program that overwrites its arguments (a training step) gives wrong numbers or crashes: seen on the
        # CPU with 0.5.3, and no more with 0.6.0.
        return _off(f"JAX {jax.__version__} cannot run them safely; update it to 0.6 or later")
    path = folder()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        return _off(f"{path} cannot be made: {problem.strerror}")
    if not os.access(path, os.W_OK | os.X_OK):
        return _off(f"{path} cannot be written to")
    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return True


def _off(reason: str) -> bool:
    print(f"jaxcodec: compiled programs are not kept: {reason} ({SWITCH}=0 silences this)", file=sys.stderr)
    return False
