"""The parametric baseline: mean-scale hyperprior (Minnen et al. 2018; Guerin 2024, table 4.2)."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.entropy.hyperprior import ScaleTableModel
from jaxcodec.entropy.model import Centre
from jaxcodec.entropy.surrogates import Quantise
from jaxcodec.transforms import operations
from jaxcodec.transforms.operations import Operation


class MeanScaleModel(ScaleTableModel):
    """A latent under Gaussians whose means and scales depend on a hyper-latent.

    A symbol is round(latent - mean).

    The hyper-synthesis gives C means, then C scales. With `scale_form` "log" the means are those of
    the latent before the gain too. Means stay floats: no table depends on them.
    """

    centred = True

    def conditional(
        self,
        latent: jax.Array,
        hyper_hat: jax.Array,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float,
    ) -> tuple[jax.Array, jax.Array]:
        """See `HyperpriorModel.conditional`."""
        mean, scale = (moment / step for moment in self.moments(hyper_hat, quality))
        rate_latent, latent_hat = quantise("latent", latent / step, mean)
        return gaussian_likelihood(rate_latent - mean, scale), latent_hat

    def centre(self, hyper_symbols: jax.Array | None, quality: jax.Array) -> Centre:
        """The mean (B, h, w, C) float32 in quantiser steps, from hyper-symbols."""
        return (self.moments(self.prior.from_symbols(hyper_symbols), quality)[0],)

    def scale(self, hyper_symbols: jax.Array, quality: jax.Array) -> jax.Array:
        """The scale (B, h, w, C) float32 in quantiser steps, not bounded, from hyper-symbols."""
        return self.moments(self.prior.from_symbols(hyper_symbols), quality)[1]

    def moments(self, hyper_hat: jax.Array, quality: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and scale (B, h, w, C) in quantiser steps.

        From the quantised hyper-latent (B, h', w', C').
        """
        mean, scale = jnp.split(self.hyper_synthesis(hyper_hat, quality), 2, axis=-1)
        if self.fake_quantised:
            scale = jnp.split(
                self.in_integers(self.hyper_synthesis)(hyper_hat, quality), 2, axis=-1
            )[1]
        if self.scale_form == "log":
            mean = mean * jnp.exp(self.gains.log_gain(quality))
        return mean, self.to_scale(scale, quality)

    def scale_operations(self, params: Mapping[str, Any]) -> list[Operation]:
        """The half of the hyper-synthesis that gives scales."""
        means_and_scales = super().scale_operations(params)
        return operations.last_outputs(means_and_scales, slice(self.gains.channels, None))
