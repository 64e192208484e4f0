"""Relaxations of rounding: pure functions (value, key, tau) -> relaxed value.

`value` is an array in quantiser steps, `tau` a temperature above 0 at which all but `map`, `noise`
and `straight_through` come ever nearer to rounding; the relaxed value has the shape of `value`.

Stochastic Gumbel annealing (SGA, Yang et al. 2020) rounds down with probability p(floor) and up
with p(ceil), both functions of u = value - floor(value), and relaxes the choice by a Gumbel-softmax
of log p / tau at the temperature tau. Of two classes the difference of two Gumbel variables is
logistic, so that the same distribution is

    floor(value) + sigmoid((D(u) / tau + L) / tau),    L ~ Logistic(0, 1),    D(u) = log p(ceil) -
                                                       log p(floor).

SGA+ (Perugachi-Diaz et al. 2024) has other functions p, and three classes: the nearest integer and
its two neighbours.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from jaxcodec.errors import RefineError
from jaxcodec.ops import round_straight_through

Relaxation = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]

_EDGE = 1e-5
"""Fractions are kept this far from 0 and 1, where logarithms have no end."""

_LEAST = 1e-6
"""The least that a power of three classes is taken of, so that its logarithm has an end."""

THREE_CLASSES = {"linear": (0.98, 1.5), "cosine": (0.98, 2.0), "ssl": (1.4 / 1.5, 1.5)}
"""The r and n of three classes by function (Perugachi-Diaz et al. 2024)."""


def two_classes(log_odds: Callable[[jax.Array], jax.Array]) -> Relaxation:
    """SGA with D(u) = `log_odds`, which takes fractions in [1e-5, 1 - 1e-5]."""

    def relax(value, key, tau):
        floor, odds = _floor_and_odds(value, log_odds)
        noise = jax.random.logistic(key, value.shape, value.dtype)
        return floor + jax.nn.sigmoid((odds / tau + noise) / tau)

    return relax


def annealed(log_odds: Callable[[jax.Array], jax.Array]) -> Relaxation:
    """Deterministic annealing: the softmax of log p / tau (Yang et al. 2020).

    There is no noise to add, and so no second division by tau, which in `two_classes` is that of
    the noisy sum.
    """

    def relax(value, key, tau):
        del key
        floor, odds = _floor_and_odds(value, log_odds)
        return floor + jax.nn.sigmoid(odds / tau)

    return relax


def three_classes(probability: Callable[[jax.Array], jax.Array]) -> Relaxation:
    """SGA+ with three classes.

    `probability` takes the distance of a class from the value, in [-1.5, 1.5], and gives its
    probability, above 0 and not normalised.
    """

    def relax(value, key, tau):
        nearest = jnp.round(value)
        offsets = jnp.arange(-1, 2, dtype=value.dtype).reshape(3, *(1,) * value.ndim)
        log_p = jnp.log(probability(value - nearest - offsets))
        noise = jax.random.gumbel(key, log_p.shape, value.dtype)
        share = jax.nn.softmax((log_p / tau + noise) / tau, axis=0)
        return nearest + jnp.sum(offsets * share, axis=0)

    return relax


def atanh_odds(u: jax.Array) -> jax.Array:
    """SGA: p(floor) and p(ceil) in proportion to exp(-atanh u) and exp(-atanh(1 - u))."""
    return jnp.arctanh(u) - jnp.arctanh(1 - u)


def ssl_odds(a: float) -> Callable[[jax.Array], jax.Array]:
    """The sigmoid-scaled logit of SGA+: p(floor) = sigmoid(-a logit u).

    With a = 1 it is linear, p(floor) = 1 - u.
    """
    return lambda u: a * (jnp.log(u) - jnp.log1p(-u))


def cosine_odds(u: jax.Array) -> jax.Array:
    """The cosine of SGA+: p(floor) = cos^2(pi u / 2)."""
    return 2 * jnp.log(jnp.tan(jnp.pi / 2 * u))


def identity(value: jax.Array, key: jax.Array, tau: jax.Array) -> jax.Array:
    """MAP: nothing stands for rounding."""
    del key, tau
    return value


def noise(value: jax.Array, key: jax.Array, tau: jax.Array) -> jax.Array:
    """Uniform noise of one step, as in training."""
    del tau
    return value + jax.random.uniform(key, value.shape, value.dtype, -0.5, 0.5)


def straight_through(value: jax.Array, key: jax.Array, tau: jax.Array) -> jax.Array:
    """Rounding, with the identity as gradient."""
    del key, tau
    return round_straight_through(value)


def soft_round(value: jax.Array, key: jax.Array, tau: jax.Array) -> jax.Array:
    """Soft rounding before and after uniform noise (Agustsson and Theis 2020).

    At tau 0 it is rounding.

    s(v) = floor(v) + 1/2 + tanh((v - floor(v) - 1/2) / tau) / (2 tanh(1 / (2 tau))). At tau 0 the
    gradient is the identity: the hard last phase of C3 (Kim et al. 2024), whose noise is not
    uniform.
    """
    hard = tau <= 0
    temperature = jnp.where(hard, 1.0, tau)
    noisy = _soft(value, temperature) + jax.random.uniform(key, value.shape, value.dtype, -0.5, 0.5)
    return jnp.where(hard, round_straight_through(value), _soft(noisy, temperature))


def make(
    name: str, *, a: float = 4 / 3, classes: int = 2, r: float | None = None, n: float | None = None
) -> Relaxation:
    """The relaxation of a name.

    Args:
      name: one of `NAMES`; "atanh" is SGA.
      a: the slope of "ssl".
      classes: 2 or 3, of "linear", "cosine" and "ssl".
      r, n: of three classes; without them those of `THREE_CLASSES`.

    Raises:
      RefineError: there is no such relaxation, or it has not so many classes.
    """
    if name not in NAMES:
        raise RefineError(f"the relaxation {name!r} is unknown; use one of {', '.join(NAMES)}")
    if classes == 2:
        return {**_PLAIN, "ssl": two_classes(ssl_odds(a))}[name]
    if classes != 3 or name not in THREE_CLASSES:
        raise RefineError(
            f"{name} with {classes} classes is unknown; {', '.join(THREE_CLASSES)} have 2 or 3"
        )
    own_r, own_n = THREE_CLASSES[name]
    return three_classes(
        _probabilities(a, own_r if r is None else r, own_n if n is None else n)[name]
    )


def _probabilities(a: float, r: float, n: float) -> Mapping[str, Callable[[jax.Array], jax.Array]]:
    """Probabilities of a class by its distance w from the value.

    Perugachi-Diaz et al. 2024, section 3.3.
    """

    def linear(w):
        return jnp.maximum(1 - r * jnp.abs(w), _LEAST) ** n

    def cosine(w):
        return jnp.maximum(jnp.cos(jnp.pi / 2 * jnp.clip(r * w, -1, 1)), _LEAST) ** n

    def ssl(w):
        u = jnp.clip(r * jnp.abs(w), _EDGE, 1 - _EDGE)
        return jax.nn.sigmoid(-a * (jnp.log(u) - jnp.log1p(-u))) ** n

    return {"linear": linear, "cosine": cosine, "ssl": ssl}


def _floor_and_odds(value, log_odds):
    floor = jnp.floor(value)
    return floor, log_odds(jnp.clip(value - floor, _EDGE, 1 - _EDGE))


def _soft(value, tau):
    middle = jnp.floor(value) + 0.5
    return middle + jnp.tanh((value - middle) / tau) / (2 * jnp.tanh(0.5 / tau))


_PLAIN: Mapping[str, Relaxation] = {
    "atanh": two_classes(atanh_odds),
    "linear": two_classes(ssl_odds(1.0)),
    "cosine": two_classes(cosine_odds),
    "map": identity,
    "noise": noise,
    "straight_through": straight_through,
    "annealing": annealed(atanh_odds),
    "soft_round": soft_round,
}
NAMES = (*_PLAIN, "ssl")
