"""A learned hard threshold for each channel (Kirmemis, ICIP 2020; thesis 2023, chapter 3)."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

SURROGATES = ("gate", "straight_through", "fixed")

_SMALLEST = 1e-6


class Shrinkage(nn.Module):
    """theta HT(x / theta), HT(v) = 0 for -1/2 < v < 1/2, else v, over (..., C).

    Every channel has a theta of its own.

    A theta of 0 is the identity, and its sign does not matter. Plain differentiation gives theta no
    gradient. `surrogate` says what stands for it: "gate", the derivatives of
    x sigmoid((|x| / |theta| - 1/2) / tau); "straight_through", dHT/dv = 1, which moves theta the
    wrong way where a larger one would serve better; "fixed", none (docs/shrinkage.md compares
    them). start: theta at the start of training (not of the thesis).
    """

    start: float = 0.2
    surrogate: str = "gate"
    tau: float = 0.05

    def __post_init__(self) -> None:
        if self.surrogate not in SURROGATES:
            raise ValueError(
                f"surrogate {self.surrogate!r} is unknown; use one of {', '.join(SURROGATES)}"
            )
        super().__post_init__()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        theta = self.param("theta", nn.initializers.constant(self.start), (x.shape[-1],))
        return shrink(x, theta, self.surrogate, self.tau)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def shrink(x: jax.Array, theta: jax.Array, surrogate: str = "gate", tau: float = 0.05) -> jax.Array:
    """`Shrinkage` of x (..., C) at theta (C,), without a division."""
    return jnp.where(_alive(x, theta), x, 0)


def _alive(x, theta):
    return jnp.abs(x) >= jnp.abs(theta) / 2


def _shrink_forward(x, theta, surrogate, tau):
    return shrink(x, theta, surrogate, tau), (x, theta)


def _shrink_backward(surrogate, tau, residuals, gradient):
    x, theta = residuals
    size = jnp.maximum(jnp.abs(theta), _SMALLEST)
    if surrogate == "gate":
        gate = jax.nn.sigmoid((jnp.abs(x) / size - 0.5) / tau)
        at_edge = gate * (1 - gate) / tau
        by_x = gate + at_edge * jnp.abs(x) / size
        by_size = -jnp.sign(x) * at_edge * jnp.square(x / size)
    elif surrogate == "straight_through":
        by_x, by_size = jnp.ones_like(x), jnp.where(_alive(x, theta), 0, -x / size)
    else:
        by_x, by_size = _alive(x, theta).astype(x.dtype), jnp.zeros_like(x)
    by_theta = jnp.sum(gradient * by_size, axis=tuple(range(x.ndim - 1))) * jnp.sign(theta)
    return gradient * by_x, by_theta


shrink.defvjp(_shrink_forward, _shrink_backward)
