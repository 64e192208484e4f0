"""The four-step context: a latent in four passes over 2x2 places and four groups of channels.

The order is that of Li et al. 2023 (DCVC-DC, section 3.3). What the passes compute is ours: means
come from floats, scales from integers alone, so that no table depends on a float.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood, gaussian_score
from jaxcodec.entropy.hyperprior import HyperpriorModel
from jaxcodec.entropy.surrogates import Quantise
from jaxcodec.transforms.layers import Conv, Modulation

STEPS = 4
"""Passes, and as many groups of channels: channel c is of group c % 4."""


def step_of(height: int, width: int, channels: int) -> np.ndarray:
    """The pass in which each symbol is coded: int8 (height, width, channels), 0 to 3.

    In each pass every place codes one group, and in a square of 2x2 places each another one; the
    second pass takes each group where it is diagonal to the first.
    """
    row, column, channel = np.ogrid[:height, :width, :channels]
    place = 2 * (row % 2) + column % 2
    return (-(place ^ (channel % STEPS)) % STEPS).astype(np.int8)


class ContextNetwork(nn.Module):
    """What a pass adds to a prediction: (B, h, w, C) to (B, h, w, C), zero at the start."""

    width: int
    points: int

    @nn.compact
    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        h = Conv(self.width, 1, name="Conv_0")(x)
        h = jax.nn.silu(Modulation(self.points, name="Modulation_0")(h, quality))
        h = jax.nn.silu(Conv(self.width, 3, name="Conv_1")(h))
        return Conv(x.shape[-1], 1, kernel_init=nn.initializers.zeros, name="Conv_2")(h)


class FourStepModel(HyperpriorModel):
    """Gaussians from a hyper-latent, moved by what earlier passes found."""

    centred = True

    context_width: int = 96

    @classmethod
    def fields(cls, description: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().fields(description), "context_width": description.get("context_width", 96)}

    def setup(self) -> None:
        super().setup()
        size = self.context_width, self.gains.points or 1
        self.mean_context = [ContextNetwork(*size) for _ in range(STEPS - 1)]
        self.scale_context = [ContextNetwork(*size) for _ in range(STEPS - 1)]
        self.neighbours = self.param(
            "neighbours", nn.initializers.zeros, (STEPS - 1, 3, 3, self.gains.channels)
        )

    def conditional(
        self,
        latent: jax.Array,
        hyper_hat: jax.Array,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float,
    ) -> tuple[jax.Array, jax.Array]:
        """See `HyperpriorModel.conditional`."""
        first_mean, first_scale = (m / step for m in self.moments(hyper_hat, quality))
        latent = latent / step
        mean, scale = first_mean, first_scale
        unit = jnp.maximum(first_scale, 0.25)
        order = step_of(*latent.shape[1:])
        rate_latent, latent_hat = quantise("latent", latent, mean)
        for place in range(1, STEPS):
            known, now = order < place, order == place
            found = jnp.where(known, (latent_hat - first_mean) / unit, 0)
            surprise = jax.lax.stop_gradient(gaussian_score(latent_hat - mean, scale))
            surprise = jnp.where(known, surprise, 0)
            shift = self.mean_context[place - 1](found, quality)
            shift = shift + depthwise(found, self.neighbours[place - 1])
            grow = self.scale_context[place - 1](surprise, quality)
            mean = jnp.where(now, first_mean + unit * shift, mean)
            scale = jnp.where(now, first_scale * jnp.exp(jnp.clip(grow, -4, 4)), scale)
            rate_latent, latent_hat = quantise("latent", latent, mean)
        return gaussian_likelihood(rate_latent - mean, scale), latent_hat

    def moments(self, hyper_hat, quality):
        mean, scale = jnp.split(self.hyper_synthesis(hyper_hat, quality), 2, axis=-1)
        return mean * jnp.exp(self.gains.log_gain(quality)), self.to_scale(scale, quality)


def depthwise(x, kernel):
    height, width = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return sum(
        padded[:, i : i + height, j : j + width] * kernel[i, j] for i in range(3) for j in range(3)
    )
