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

    decays = _Decays(b1, b2, covariance_decay, eps)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, SoapState]:
        del params
        count = state.count + 1
        leaves, structure = jax.tree.flatten(updates)
        parts = [structure.flatten_up_to(tree) for tree in state[1:]]
        weights = [_Weight(*each) for each in zip(*parts, strict=True)]
        moved = [_moved(*each, count, decays) for each in zip(leaves, weights, strict=True)]
        directions, weights = zip(*moved, strict=True)
        turned = jax.lax.cond(
            (count % every == 0) | (count == 1),
            lambda: [_turned(each) for each in weights],
            lambda: [(each.mean, each.bases) for each in weights],
        )
        weights = [
            each._replace(mean=mean, bases=bases)
            for each, (mean, bases) in zip(weights, turned, strict=True)
        ]
        trees = [structure.unflatten(values) for values in zip(*weights, strict=True)]
        return structure.unflatten(directions), SoapState(count, *trees)

    return optax.GradientTransformation(init, update)


class _Decays(NamedTuple):
    b1: float
    b2: float
    covariance: float
    eps: float


class _Weight(NamedTuple):
    """The state of one parameter; see `SoapState`."""

    mean: Any
    square: Any
    covariances: Any
    bases: Any


def _moved(
    gradient: jax.Array, weight: _Weight, count: jax.Array, decays: _Decays
) -> tuple[jax.Array, _Weight]:
    """The direction of a parameter, and its state in the bases that it had."""
    axes, first = _axes_of(gradient), count == 1
    own = gradient.reshape(axes)
    covariances = tuple(
        None if old is None else decays.covariance * old
        + (1 - decays.covariance) * _covariance(own, axis)
        for axis, old in enumerate(weight.covariances)
    )  # fmt: skip
    within = _rotated(own, weight.bases)
    mean = decays.b1 * weight.mean.reshape(axes) + (1 - decays.b1) * within
    added = jnp.where(first, 0, (1 - decays.b2) * within**2)
    square = decays.b2 * weight.square.reshape(axes) + added
    size = jnp.sqrt(square / (1 - decays.b2 ** jnp.maximum(count - 1, 1))) + decays.eps
    direction = jnp.where(first, 0, mean / (1 - decays.b1**count) / size)
    direction = _rotated(direction, weight.bases, back=True)
    mean, square, direction = (each.reshape(gradient.shape) for each in (mean, square, direction))
    return direction, _Weight(mean, square, covariances, weight.bases)


def _turned(weight: _Weight) -> tuple[jax.Array, Any]:
    """The mean in the next bases, and these."""
    after = jax.tree.map(_iterated, weight.covariances, weight.bases)
    mean = _rotated(weight.mean.reshape(_axes_of(weight.mean)), weight.bases, back=True)
    return _rotated(mean, after).reshape(weight.mean.shape), after


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
