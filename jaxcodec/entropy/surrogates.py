"""What stands for rounding while a model trains.

Each takes a latent and gives two tensors: the one whose likelihood is the rate, and the one that
synthesis sees.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxcodec import extensions
from jaxcodec.ops import Array, round_straight_through

SURROGATES = ("noise", "round", "mixed")

Quantise = Callable[[str, jax.Array, jax.Array | float], tuple[jax.Array, jax.Array]]
"""(part, value, centre) -> what the rate sees and what synthesis sees of it; part is "latent" or
"hyper", and rounding would give round(value - centre) + centre.
"""


def surrogate(
    kind: str, latent: Float[Array, "*shape"], mean: Float[Array, "..."] | float, key: jax.Array
) -> tuple[Float[jax.Array, "*shape"], Float[jax.Array, "*shape"]]:
    """Returns (for the rate, for synthesis), each shaped as `latent`.

    noise: both are latent + U(-1/2, 1/2) (Balle et al. 2017). round: both are round(latent - mean)
      + mean with the identity as gradient (Theis et al. 2017). mixed: noise for the rate, rounding
      for synthesis (Minnen and Singh 2020). One of one's own, by its import path, is called with
      (latent, mean, key).
    """
    if extensions.is_own(kind):
        return extensions.resolve(kind)(latent, mean, key)
    if kind not in SURROGATES:
        raise ValueError(f"surrogate {kind!r} is unknown; use one of {', '.join(SURROGATES)}")
    latent = jnp.asarray(latent)
    rounded = round_straight_through(latent - mean) + mean
    if kind == "round":
        return rounded, rounded
    noisy = latent + jax.random.uniform(key, latent.shape, latent.dtype, -0.5, 0.5)
    return (noisy, noisy) if kind == "noise" else (noisy, rounded)


def quantiser(kind: str, key: jax.Array) -> Quantise:
    """The surrogate `kind`, with random numbers of its own for each part."""
    latent, hyper = jax.random.split(key)
    keys: dict[str, jax.Array] = {"latent": latent, "hyper": hyper}
    return lambda part, value, centre: surrogate(kind, value, centre, keys[part])


def likelihood_bits(likelihood: Float[Array, " b *rest"]) -> Float[jax.Array, " b"]:
    """Bits of each image, (B,), from likelihoods (B, ...)."""
    return -jnp.sum(jnp.log2(likelihood), axis=tuple(range(1, likelihood.ndim)))


def log_likelihood_bits(log_likelihood: Float[Array, " b *rest"]) -> Float[jax.Array, " b"]:
    """Bits of each image, (B,), from natural logarithms of likelihoods (B, ...)."""
    return -jnp.sum(log_likelihood, axis=tuple(range(1, log_likelihood.ndim))) / math.log(2)
