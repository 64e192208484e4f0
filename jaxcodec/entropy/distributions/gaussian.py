"""The conditional Gaussian: each symbol has a mean and a scale of its own."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int32

from jaxcodec.ops import Array, lower_bound

SCALE_BOUND = 0.11
SCALE_MAX = 256.0
SCALE_LEVELS = 64
LIKELIHOOD_BOUND = 1e-9


def gaussian_likelihood(
    residual: Float[Array, "*shape"], scale: Float[Array, "*#shape"]
) -> Float[jax.Array, "*shape"]:
    """Mass of the unit interval around `residual` under a Gaussian.

    The residual is latent less mean; the standard deviation is `scale`.

    Both in quantiser steps; the scale may have fewer places. The scale is bounded by .11 and the
    mass by 1e-9 (Minnen et al. 2018), each with the gradient that lets a bounded value come back.
    """
    scale = lower_bound(scale, SCALE_BOUND)
    distance = jnp.abs(residual)
    # Both ends on the lower tail, where the difference of cumulatives does not cancel.
    mass = jax.scipy.special.ndtr((0.5 - distance) / scale) - jax.scipy.special.ndtr(
        (-0.5 - distance) / scale
    )
    return lower_bound(mass, LIKELIHOOD_BOUND)


def scale_table() -> Float[jax.Array, "64"]:
    """The 64 scales of the tables, log-spaced from .11 to 256 (CompressAI's table)."""
    return jnp.exp(jnp.linspace(jnp.log(SCALE_BOUND), jnp.log(SCALE_MAX), SCALE_LEVELS))


def scale_index(scale: Float[Array, "*shape"]) -> Int32[jax.Array, "*shape"]:
    """Index of the table entry nearest to `scale` in the logarithm, int32 in [0, 63]."""
    step = (jnp.log(SCALE_MAX) - jnp.log(SCALE_BOUND)) / (SCALE_LEVELS - 1)
    position = (jnp.log(jnp.maximum(scale, SCALE_BOUND)) - jnp.log(SCALE_BOUND)) / step
    return jnp.clip(jnp.round(position), 0, SCALE_LEVELS - 1).astype(jnp.int32)


SCORE_BOUND = 6.0
_ROOT = np.sqrt(2 * np.pi)


def gaussian_score(
    residual: Float[Array, "*shape"], scale: Float[Array, "*#shape"]
) -> Float[jax.Array, "*shape"]:
    """How much too small a scale is for what was found: the derivative of the log mass.

    It is d log P(residual) / d log scale of the mass of `gaussian_likelihood`, in nats, clipped to
    +-6. Its mean is zero where the scale is right.
    """
    scale = jnp.maximum(scale, SCALE_BOUND)
    distance = jnp.abs(residual)
    upper, lower = (0.5 - distance) / scale, (-0.5 - distance) / scale
    mass = jax.scipy.special.ndtr(upper) - jax.scipy.special.ndtr(lower)
    slope = (lower * jnp.exp(-(lower**2) / 2) - upper * jnp.exp(-(upper**2) / 2)) / _ROOT
    score = jnp.clip(slope / jnp.maximum(mass, 1e-9), -SCORE_BOUND, SCORE_BOUND)
    # Beyond four scales the derivative is more than the bound, and the mass loses its digits.
    return jnp.where(upper < -4, SCORE_BOUND, score)
