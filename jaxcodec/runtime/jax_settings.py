"""The settings of JAX under which the codec's own functions run.

They hold whatever the settings of the program around them.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import jax


def value(name: str) -> Any:
    """A setting of `jax.config`, by name."""
    return getattr(jax.config, name)


def ours(function: Callable) -> Callable:
    """`function` under JAX's own rules for ranks and types, free to move arrays.

    Arrays may move between host and device.

    A program may have them stricter for what it computes itself (`jax_numpy_rank_promotion`,
    `jax_numpy_dtype_promotion`, `jax_transfer_guard`); networks and coders are written for the
    rules that JAX comes with, and files live on the host.
    """

    @functools.wraps(function)
    def call(*arguments, **named):
        with contextlib.ExitStack() as stack:
            stack.enter_context(jax.numpy_rank_promotion("allow"))
            stack.enter_context(jax.numpy_dtype_promotion("standard"))
            stack.enter_context(jax.transfer_guard("allow"))
            return function(*arguments, **named)

    return call
