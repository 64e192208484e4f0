"""Generalised divisive normalisation."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.ops import lower_bound

_PEDESTAL = 2.0**-36
_BETA_MIN = 1e-6
_ROWS = 2048  # positions that a CPU normalises at once: a megabyte at 128 channels, which stays in its cache


class GDN(nn.Module):
    """u_i = v_i / sqrt(beta_i + sum_j gamma_ij v_j^2), over the channels of (B, H, W, C); the inverse multiplies.

    Balle et al. 2016; beta and gamma stay non-negative by the reparameterisation of Balle 2018: each is the square of
    a bounded parameter, less a small pedestal.
    """

    inverse: bool = False

    @nn.compact
    def __call__(self, v):
        channels = v.shape[-1]
        beta = self.param("beta", lambda _: jnp.sqrt(jnp.ones((channels,)) + _PEDESTAL))
        gamma = self.param("gamma", lambda _: jnp.sqrt(0.1 * jnp.eye(channels) + _PEDESTAL))
        beta = lower_bound(beta, (_BETA_MIN + _PEDESTAL) ** 0.5) ** 2 - _PEDESTAL
        gamma = lower_bound(gamma, _PEDESTAL**0.5) ** 2 - _PEDESTAL
        return normalise(v, beta, gamma, self.inverse)


def normalise(v: jax.Array, beta: jax.Array, gamma: jax.Array, inverse: bool) -> jax.Array:
    """GDN of `v` (..., C) for beta (C,) and gamma (C, C), or its approximate inverse.

    Every position stands alone. One CPU takes them in blocks, and computes each block's norm again for the gradient:
    that halves the time, which goes into moving arrays that are larger than the cache. Other back ends, and arrays that
    may be split over several devices, are taken whole.
    """

    def block(rows):
        norm = jnp.sqrt(beta + jnp.square(rows) @ gamma.T)
        return rows * norm if inverse else rows / norm

    rows = math.gcd(math.prod(v.shape[:-1]), _ROWS)
    if jax.default_backend() != "cpu" or jax.device_count() > 1 or rows < _ROWS // 8:
        return block(v)
    return jax.lax.map(jax.checkpoint(block), v.reshape(-1, rows, v.shape[-1])).reshape(v.shape)
