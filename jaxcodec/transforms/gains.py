"""Learned gains: one model, a continuous range of rates."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.ops import interpolate_points


class Gains(nn.Module):
    """Per-channel gains before rounding and inverses after.

    They are interpolated in the logarithm over the quality.

    Cui et al. 2021 (Asymmetric Gained VAE), Kamisli et al. 2024. `points` gain vectors stand at
    equal steps of the quality in [0, 1]; they start log-spaced from `first` to `last`, in units of
    1 / (quantiser step of the latent). With no points the latent passes unchanged and the model has
    one rate.
    """

    channels: int
    points: int = 0
    first: float = 1.0
    last: float = 1.0

    def setup(self) -> None:
        if self.points:
            start = jnp.linspace(jnp.log(self.first), jnp.log(self.last), self.points)[:, None]
            table = jnp.broadcast_to(start, (self.points, self.channels))
            self.log_gain_table = self.param("log_gain", lambda _: table)
            self.log_inverse_table = self.param("log_inverse", lambda _: -table)

    def log_gain(self, quality: jax.Array) -> jax.Array:
        """Logarithm of the gain, (B, 1, 1, C) for `quality` (B,)."""
        if not self.points:
            return jnp.zeros((1, 1, 1, self.channels))
        return interpolate_points(self.log_gain_table, quality)[:, None, None]

    def apply_gain(self, latent: jax.Array, quality: jax.Array) -> jax.Array:
        """Latent (B, h, w, C) to quantiser steps."""
        return latent * jnp.exp(self.log_gain(quality)) if self.points else latent

    def remove_gain(self, latent: jax.Array, quality: jax.Array) -> jax.Array:
        """Quantiser steps (B, h, w, C) to the latent that synthesis sees."""
        if not self.points:
            return latent
        return latent * jnp.exp(interpolate_points(self.log_inverse_table, quality)[:, None, None])
