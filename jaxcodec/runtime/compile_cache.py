"""Keep what XLA compiles between runs.

So only the first run with a new image size or model waits for it.
"""

import os
import pathlib
import sys

SWITCH = "JAXCODEC_COMPILE_CACHE"
"""Environment variable: 0 turns the cache off."""

_KEEP_ALL = {
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
}


def folder() -> pathlib.Path | None:
    """Where compiled programs are kept: jaxcodec/xla in $XDG_CACHE_HOME, or in ~/.cache.

    None where there is neither.
    """
    root = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        # The XDG standard has a relative path ignored.
        root = root if root.is_absolute() else pathlib.Path.home() / ".cache"
    except RuntimeError:  # no HOME, and a user that the system does not know
        return None
    return root / "jaxcodec" / "xla" if root.is_absolute() else None


def enable() -> bool:
    """Turn on JAX's persistent compilation cache; call it before the first computation.

    Every program is kept, however small and quick to compile (JAX's defaults skip those under a
    second, which is most of what a codec runs on a CPU). JAX trusts what it finds there, so the
    folder is made readable by its owner alone. A cache that the user has set up for JAX
    (JAX_COMPILATION_CACHE_DIR and the like, or `jax.config`) stays as it is.

    Returns:
      Whether a cache is on: False where JAXCODEC_COMPILE_CACHE=0 or the user has turned JAX's off,
      and, with one line on stderr, where there is no folder for it, the folder cannot be used, or
      JAX is older than 0.6.
    """
    if os.environ.get(SWITCH) == "0":
        return False
    import jax

    from jaxcodec.runtime import jax_settings

    if not jax_settings.value("jax_enable_compilation_cache"):
        return False
    if jax_settings.value("jax_compilation_cache_dir"):
        return True
    if jax.__version_info__ < (0, 6):
        # A kept program that overwrites its arguments (a training step) gives wrong numbers or
        # crashes: seen on the CPU with 0.5.3, and no more with 0.6.0.
        return _off(f"JAX {jax.__version__} cannot run them safely; update it to 0.6 or later")
    path = folder()
    if path is None:
        return _off("there is no home folder to keep them in; set XDG_CACHE_HOME to a folder")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        return _off(f"{path} cannot be made: {problem.strerror}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return _off(f"{path} cannot be read and written")
    jax.config.update("jax_compilation_cache_dir", str(path))
    for name, value in _KEEP_ALL.items():
        if name.upper() not in os.environ:
            jax.config.update(name, value)
    return True


def _off(reason: str) -> bool:
    print(
        f"jaxcodec: compiled programs are not kept: {reason} ({SWITCH}=0 silences this)",
        file=sys.stderr,
    )
    return False
