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
    """count: int32 (). mean, square: trees as the parameters have, in the bases.

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
    The mean is kept in the bases and turned with them, which gives the same steps: the paper turns
    it in every step, which takes as long as turning the gradient.
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

        first = count == 1

        def one(gradient, mean, square, covariances, bases):
            axes = _axes_of(gradient)
            own = gradient.reshape(axes)
            covariances = tuple(
                None if old is None else covariance_decay * old
                + (1 - covariance_decay) * _covariance(own, axis)
                for axis, old in enumerate(covariances)
            )  # fmt: skip
            within = _rotated(own, bases)
            mean = b1 * mean.reshape(axes) + (1 - b1) * within
            square = b2 * square.reshape(axes) + jnp.where(first, 0, (1 - b2) * within**2)
            steps = jnp.maximum(count - 1, 1)
            size = jnp.sqrt(square / (1 - b2**steps)) + eps
            direction = jnp.where(first, 0, mean / (1 - b1**count) / size)
            direction = _rotated(direction, bases, back=True)
            return direction.reshape(gradient.shape), mean, square, covariances

        def turned(mean, covariances, bases):
            after = jax.tree.map(_iterated, covariances, bases)
            return _rotated(_rotated(mean, bases, back=True), after), after

        moved = [one(*each) for each in zip(leaves, *parts, strict=True)]
        directions, means, squares, covariances = zip(*moved, strict=True)
        in_bases = list(zip(means, covariances, parts[3], strict=True))
        in_bases = jax.lax.cond(
            (count % every == 0) | first,
            lambda: [turned(*each) for each in in_bases],
            lambda: [(mean, bases) for mean, _, bases in in_bases],
        )
        means, bases = zip(*in_bases, strict=True)

        def tree(values, shaped=False):
            if shaped:
                values = [v.reshape(leaf.shape) for v, leaf in zip(values, leaves, strict=True)]
            return structure.unflatten(values)

        return tree(directions), SoapState(
            count, tree(means, True), tree(squares, True), tree(covariances), tree(bases)
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
    if axis == values.ndim - 2:  # a batch of products is faster than one of transposed values
        products = jnp.matmul(values, jnp.swapaxes(values, -1, -2))
        return jnp.sum(products, tuple(range(values.ndim - 2)))
    others = [each for each in range(values.ndim) if each != axis]
    return jnp.tensordot(values, values, (others, others))


def _rotated(values: jax.Array, bases: tuple[Any, ...], back: bool = False) -> jax.Array:
    """Values in the bases of their axes, or back from there."""
    for axis, basis in enumerate(bases):
        if basis is None:
            continue
        onto = basis if back else basis.T
        if axis == values.ndim - 1:
            values = jnp.matmul(values, onto.T)
        elif axis == values.ndim - 2:
            values = jnp.matmul(onto, values)
        else:
            values = jnp.moveaxis(jnp.tensordot(onto, values, (1, axis)), 0, axis)
    return values
