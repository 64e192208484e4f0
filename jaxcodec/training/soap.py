"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024, algorithm 3).

Each weight is a tensor of a few axes. For every axis the covariance of the gradient along it is
averaged, and its eigenvectors are the basis in which Adam's second moment is kept. Bases follow by
one step of orthogonal iteration, every few steps. A convolution kernel is taken as (taps, inputs,
outputs), and axes beyond `widest` keep their own basis, both as in Shampoo (Gupta et al. 2018).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcodec.ops import Array

_HIGHEST = jax.lax.Precision.HIGHEST


class SoapState(NamedTuple):
    """count: int32 (). mean, square: trees as the parameters have; the square is in the bases.

    covariances, bases: for each parameter a tuple with a matrix for each axis that has a basis,
    None for others.
    """

    count: jax.Array
    mean: Any
    square: Any
    covariances: Any
    bases: Any


def scale_by_soap(
    b1: float = 0.95,
    b2: float = 0.95,
    covariance_decay: float = 0.95,
    eps: float = 1e-8,
    every: int = 10,
    widest: int = 512,
) -> optax.GradientTransformation:
    """Rescales gradients as SOAP does.

    b1, b2: Adam's. covariance_decay: of the covariances. every: steps from one change of the bases
    to the next. widest: the longest axis that has a basis.

    The first step only begins the bases, as the authors' code has it; theirs begin with the
    eigenvectors of the first covariance, ours with one step of orthogonal iteration from the axes.
    """

    def init(params: Any) -> SoapState:
        leaves, structure = jax.tree.flatten(params)
        sizes = [tuple(_kept(size, widest) for size in _axes_of(leaf)) for leaf in leaves]
        zeros = [tuple(size and jnp.zeros((size, size)) for size in each) for each in sizes]
        eyes = [tuple(size and jnp.eye(size) for size in each) for each in sizes]
        return SoapState(
            jnp.zeros((), jnp.int32),
            optax.tree.zeros_like(params),
            optax.tree.zeros_like(params),
            structure.unflatten(zeros),
            structure.unflatten(eyes),
        )

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, SoapState]:
        del params
        count = state.count + 1
        leaves, structure = jax.tree.flatten(updates)
        parts = [structure.flatten_up_to(each) for each in state[1:]]

        def one(gradient, mean, square, covariances, bases):
            axes = _axes_of(gradient)
            own = gradient.reshape(axes)
            mean = b1 * mean + (1 - b1) * gradient
            within = _rotated(own, bases)
            square = square.reshape(axes)
            square = b2 * square + (1 - b2) * within**2
            steps = jnp.maximum(count - 1, 1)
            size = jnp.sqrt(square / (1 - b2**steps)) + eps
            direction = _rotated(mean.reshape(axes) / (1 - b1**count), bases) / size
            direction = _rotated(direction, bases, back=True)
            return direction.reshape(gradient.shape), mean, square.reshape(gradient.shape)

        def along(gradient, covariances):
            own = gradient.reshape(_axes_of(gradient))
            return tuple(
                None if old is None else covariance_decay * old
                + (1 - covariance_decay) * _covariance(own, axis)
                for axis, old in enumerate(covariances)
            )  # fmt: skip

        moved = [one(*each) for each in zip(leaves, *parts, strict=True)]
        covariances = [along(*each) for each in zip(leaves, parts[2], strict=True)]
        bases = jax.lax.cond(
            (count % every == 0) | (count == 1),
            lambda: jax.tree.map(_iterated, covariances, parts[3]),
            lambda: parts[3],
        )
        directions, means, squares = (
            structure.unflatten(each) for each in zip(*moved, strict=True)
        )
        first = count == 1
        directions = jax.tree.map(lambda d: jnp.where(first, 0, d), directions)
        squares = jax.tree.map(lambda s: jnp.where(first, 0, s), squares)
        return directions, SoapState(
            count, means, squares, structure.unflatten(covariances), structure.unflatten(bases)
        )

    return optax.GradientTransformation(init, update)


def _axes_of(leaf: Array) -> tuple[int, ...]:
    """The axes that a weight is taken with: a kernel (k, k, I, O) as (k k, I, O)."""
    shape = leaf.shape
    return (shape[0] * shape[1], *shape[2:]) if len(shape) == 4 else shape


def _kept(size: int, widest: int) -> int | None:
    return size if 1 < size <= widest else None


def _iterated(covariance: jax.Array, basis: jax.Array) -> jax.Array:
    """The basis after a step of orthogonal iteration."""
    return jnp.linalg.qr(jnp.matmul(covariance, basis, precision=_HIGHEST))[0]


def _covariance(values: jax.Array, axis: int) -> jax.Array:
    others = [each for each in range(values.ndim) if each != axis]
    return jnp.tensordot(values, values, (others, others))


def _rotated(values: jax.Array, bases: tuple[Any, ...], back: bool = False) -> jax.Array:
    """Values in the bases of their axes, or back from there."""
    for axis, basis in enumerate(bases):
        if basis is not None:
            turned = jnp.tensordot(values, basis, ((axis,), (1 if back else 0,)))
            values = jnp.moveaxis(turned, -1, axis)
    return values
