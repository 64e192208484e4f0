"""What stands for rounding while a model trains.

Each takes a latent and gives two tensors: the one whose likelihood is the rate, and the one that synthesis sees.
"""

import jax
import jax.numpy as jnp

from jaxcodec.ops import round_straight_through

SURROGATES = ("noise", "round", "mixed")


def surrogate(kind: str, latent: jax.Array, mean: jax.Array | float, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns (for the rate, for synthesis), each shaped as `latent`.

    noise: both are latent + U(-1/2, 1/2) (Balle et al. 2017). round: both are round(latent - mean) + mean with the
    identity as gradient (Theis et al. 2017). mixed: noise for the rate, rounding for synthesis (Minnen and Singh 2020).
    """
    if kind not in SURROGATES:
        raise ValueError(f"surrogate {kind!r} is unknown; use one of {', '.join(SURROGATES)}")
    rounded = round_straight_through(latent - mean) + mean
    if kind == "round":
        return rounded, rounded
    noisy = latent + jax.random.uniform(key, latent.shape, latent.dtype, -0.5, 0.5)
    return (noisy, noisy) if kind == "noise" else (noisy, rounded)


def likelihood_bits(likelihood: jax.Array) -> jax.Array:
    """Bits of each image, (B,), from likelihoods (B, ...)."""
    return -jnp.sum(jnp.log2(likelihood), axis=tuple(range(1, likelihood.ndim)))
