"""A gain for each part of an image, coarser where busy and finer where calm.

With it every image can take the same rate.

A model with a target rate has to estimate how many bits an image would take, and to scale its
latent accordingly. A few convolutions learn this slowly. Here they get the measure directly: how
large the latent is at a range of quantiser steps, averaged over a wide neighbourhood. The logarithm
of the gain is coded as one more latent channel, and the synthesis divides by the gain. This is
ours, not of the thesis, whose transforms learn the same by themselves in 500,000 steps.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcodec.transforms.layers import Conv, Modulation

RADIUS = 8
"""Of the neighbourhood, in latent positions."""

_STEPS = 2.0 ** np.arange(
    -1.0, 8.0, dtype=np.float32
)  # gains at which the latent is measured, for images in [0, 1]
_UNIT = 0.5  # of the channel that carries the logarithm
_BOUND = 3.0  # of the logarithm


class ActivityGain(nn.Module):
    """Latent (B, h, w, C) to (B, h, w, C + 1): scaled, then the logarithm of the gain.

    At the start there is no gain.
    """

    width: int = 32
    points: int = 1

    @nn.compact
    def __call__(self, y: jax.Array, quality: jax.Array) -> jax.Array:
        size = jnp.log1p(jnp.square(y[..., None, :] * _STEPS[:, None]))
        # The mean over all channels at each step, and what training learns about single channels.
        profile = Conv(self.width, 1, use_bias=False)(size[..., ::2, :].reshape(*y.shape[:3], -1))
        local = jnp.concatenate([jnp.mean(size, axis=-1), profile], axis=-1)
        mean, profile = jnp.split(_neighbourhood_mean(local), [len(_STEPS)], axis=-1)
        h = jnp.concatenate([jnp.log(mean + 1e-3), profile], axis=-1)
        for _ in range(2):
            h = jax.nn.silu(Modulation(self.points)(Conv(self.width, 1)(h), quality))
        log_gain = Modulation(self.points)(
            Conv(1, 1, kernel_init=nn.initializers.zeros)(h), quality
        )
        log_gain = _BOUND * jnp.tanh(log_gain / _BOUND)
        return jnp.concatenate([y * jnp.exp(log_gain), log_gain * _UNIT], axis=-1)


def remove_activity_gain(y: jax.Array) -> jax.Array:
    """The inverse: (B, h, w, C + 1) to (B, h, w, C)."""
    log_gain = jnp.clip(y[..., -1:] / _UNIT, -_BOUND, _BOUND)
    return y[..., :-1] * jnp.exp(-log_gain)


def _neighbourhood_mean(values: jax.Array) -> jax.Array:
    """Mean over the positions of the image up to RADIUS rows and columns away, (B, h, w, C)."""
    return _neighbourhood_sum(values) / _neighbourhood_sum(jnp.ones((1, *values.shape[1:3], 1)))


def _neighbourhood_sum(values: jax.Array) -> jax.Array:
    for axis in (1, 2):
        window, padding = [1] * 4, [(0, 0)] * 4
        window[axis], padding[axis] = 2 * RADIUS + 1, (RADIUS, RADIUS)
        values = lax.reduce_window(values, 0.0, lax.add, tuple(window), (1,) * 4, padding)
    return values
