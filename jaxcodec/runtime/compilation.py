"""How networks are compiled for inference on a CPU."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from jaxcodec.runtime import programs

_CPU_OPTIONS = {
    # Temporary buffers of half the size: pages of fresh memory cost a CPU more than running at once
    # gains.
    "xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
    # Matrix products by Eigen, which shares the many small ones of transforms.winograd between
    # threads.
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_CONVOLUTION",
}


def compiled(function: Callable, identity: str | None = None, **settings: Any) -> Callable:
    """`jax.jit(function, **settings)` with compiler options for fast networks on a CPU.

    `programs.kept` keeps the program.

    Inside of another `jit` it is part of that one, which alone has options.
    """
    return programs.kept(function, identity, options, **settings)


@functools.cache
def options() -> dict[str, str | bool]:
    """Compiler options for networks on the default back end, as far as this XLA knows them."""
    if jax.default_backend() != "cpu":
        return {}
    return {name: value for name, value in _CPU_OPTIONS.items() if _known(name, value)}


def _known(name, value):
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
