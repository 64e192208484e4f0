"""The Laplace distribution of a normalised latent, in the logarithm."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxcodec.ops import Array

UNIT_SCALE = math.sqrt(0.5)
"""The scale b of exp(-|v| / b) / (2 b) that gives a variance of 1."""


def laplace_log_mass(
    symbol: Float[Array, "*shape"], scale: Float[Array, "*#shape"] | float = UNIT_SCALE
) -> Float[jax.Array, "*shape"]:
    """Natural logarithm of the mass of the unit interval around `symbol`, real numbers.

    The distribution is a centred Laplace of `scale` b, in units of the interval. In closed form,
    without cancellation: log p = -log 2 - (|v| - 1/2) / b + log1p(-exp(-1 / b)) from 1/2 on, and
    log1p(-(exp(-(1/2 + v) / b) + exp(-(1/2 - v) / b)) / 2) within. So every symbol has a gradient,
    however far out, where a mass that is bounded from below has none.
    """
    distance = jnp.abs(symbol)
    # Each branch sees arguments of its own range only: neither overflows, and no gradient is nan.
    # Not `maximum`, which would halve the gradient at 1/2 itself.
    far = jnp.where(distance >= 0.5, distance, 0.5)
    outside = -math.log(2) - (far - 0.5) / scale + jnp.log1p(-jnp.exp(-1 / jnp.asarray(scale)))
    near = jnp.clip(symbol, -0.5, 0.5)
    inside = jnp.log1p(-(jnp.exp(-(0.5 + near) / scale) + jnp.exp(-(0.5 - near) / scale)) / 2)
    return jnp.where(distance >= 0.5, outside, inside)
