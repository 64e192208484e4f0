"""Generalised divisive normalisation."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.ops import lower_bound
from jaxcodec.runtime.convolution import pointwise

_PEDESTAL = 2.0**-36
_BETA_MIN = 1e-6


class GDN(nn.Module):
    """u_i = v_i / sqrt(beta_i + sum_j gamma_ij v_j^2), over the channels of (B, H, W, C).

    The inverse multiplies.

    Balle et al. 2016; beta and gamma stay non-negative by the reparameterisation of Balle 2018:
    each is the square of a bounded parameter, less a small pedestal.
    """

    inverse: bool = False

    @nn.compact
    def __call__(self, v: jax.Array) -> jax.Array:
        channels = v.shape[-1]
        beta = self.param("beta", lambda _: jnp.sqrt(jnp.ones((channels,)) + _PEDESTAL))
        gamma = self.param("gamma", lambda _: jnp.sqrt(0.1 * jnp.eye(channels) + _PEDESTAL))
        beta = lower_bound(beta, (_BETA_MIN + _PEDESTAL) ** 0.5) ** 2 - _PEDESTAL
        gamma = lower_bound(gamma, _PEDESTAL**0.5) ** 2 - _PEDESTAL
        norm = jnp.sqrt(beta + pointwise(jnp.square(v), gamma.T))
        return v * norm if self.inverse else v / norm
