"""Another device, simulated: a function whose every float result, down to single operations, is a
little off.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")
_CALLS = (
    "jit",
    "pjit",
    "closed_call",
    "core_call",
    "custom_jvp_call",
    "custom_vjp_call",
    "custom_vjp_call_jaxpr",
)


def noisy(function: Callable, relative: float, seed: int = 0) -> Callable:
    """`function`, with each float result of each operation multiplied by 1 + `relative` * a normal
    number.

    Integers are left alone. Loops are not entered, so that functions with one raise.
    """

    def other_device(*arguments, **static):
        rng = np.random.default_rng(seed)
        closed, shape = jax.make_jaxpr(lambda *a: function(*a, **static), return_shape=True)(
            *arguments
        )
        results = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves(arguments), relative, rng)
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return other_device


def float_operations(function: Callable, *arguments) -> list[str]:
    """The names of all operations of `function` that give floats."""
    names: list[str] = []

    def visit(jaxpr):
        for equation in jaxpr.eqns:
            inner = _inner(equation)
            if inner is not None:
                visit(inner.jaxpr if hasattr(inner, "jaxpr") else inner)
            elif any(jnp.issubdtype(v.aval.dtype, jnp.inexact) for v in equation.outvars):
                names.append(equation.primitive.name)

    visit(jax.make_jaxpr(function)(*arguments).jaxpr)
    return names


def _inner(equation):
    if equation.primitive.name not in _CALLS:
        assert not any(name in equation.params for name in (*_INNER, "body_jaxpr")), (
            equation.primitive.name
        )
        return None
    return next(equation.params[name] for name in _INNER if name in equation.params)


def _evaluate(jaxpr, constants, arguments, relative, rng):
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

    def read(atom):
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for equation in jaxpr.eqns:
        inputs = [read(atom) for atom in equation.invars]
        inner = _inner(equation)
        if inner is None:
            results = equation.primitive.bind(*inputs, **equation.params)
            results = results if equation.primitive.multiple_results else [results]
            results = [_off(result, relative, rng) for result in results]
        else:
            results = _evaluate(inner.jaxpr, inner.consts, inputs, relative, rng)
        values.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _off(result, relative, rng):
    if not jnp.issubdtype(result.dtype, jnp.inexact):
        return result
    return result * (1 + relative * rng.standard_normal(result.shape)).astype(result.dtype)
