"""The scale hyperprior (Balle et al. 2018)."""

import jax
import jax.numpy as jnp

from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.entropy.hyperprior import ScaleTableModel
from jaxcodec.entropy.surrogates import Quantise


class ScaleModel(ScaleTableModel):
    """A latent under Gaussians around zero, with scales from a hyper-latent of magnitudes.

    The hyper-synthesis gives C scales. The ReLU that ends it in the paper would change nothing
    here: the likelihood bounds scales from below.
    """

    def conditional(
        self,
        latent: jax.Array,
        hyper_hat: jax.Array,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float,
    ) -> tuple[jax.Array, jax.Array]:
        """See `HyperpriorModel.conditional`."""
        rate_latent, latent_hat = quantise("latent", latent / step, 0.0)
        return gaussian_likelihood(rate_latent, self._scale(hyper_hat, quality) / step), latent_hat

    def to_hyper_latent(self, latent: jax.Array, quality: jax.Array) -> jax.Array:
        """The hyper-latent (B, h', w', C') of the latent's magnitudes, not rounded."""
        return self.hyper_analysis(jnp.abs(latent), quality)

    def scale(self, hyper_symbols: jax.Array, quality: jax.Array) -> jax.Array:
        """The scale (B, h, w, C) float32 in quantiser steps, not bounded, from hyper-symbols."""
        return self._scale(self.prior.from_symbols(hyper_symbols), quality)

    def _scale(self, hyper_hat, quality):
        return self.to_scale(self.in_integers(self.hyper_synthesis)(hyper_hat, quality), quality)
