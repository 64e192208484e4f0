"""Mixtures of Gaussians (Cheng et al. 2020, equation 10)."""

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.ops import Array


def mixture_likelihood(
    values: Float[Array, "*shape"],
    mean: Float[Array, "k *#shape"],
    scale: Float[Array, "k *#shape"],
    weight: Float[Array, "k *#shape"],
) -> Float[jax.Array, "*shape"]:
    """Mass of the unit interval around `values` (...) under sum_k weight_k N(mean_k, scale_k^2).

    mean, scale, weight: (K, ...); weights are not negative and sum to one over K. All in quantiser
      steps. Scale and mass are bounded as those of one Gaussian.
    """
    return jnp.sum(weight * gaussian_likelihood(values - mean, scale), axis=0)
