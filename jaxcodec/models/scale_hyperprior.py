"""The scale hyperprior (Balle et al. 2018)."""

import jax
import jax.numpy as jnp

from jaxcodec.entropy.conditional import gaussian_likelihood
from jaxcodec.entropy.surrogates import likelihood_bits, surrogate
from jaxcodec.models.hyperprior import PlainGridModel
from jaxcodec.models.output import Output


class ScaleModel(PlainGridModel):
    """A latent coded under Gaussians around zero whose scales a hyper-latent of its magnitudes tells.

    The hyper-synthesis gives C scales. The ReLU that ends it in the paper would change nothing here: the likelihood
    bounds scales from below.
    """

    def __call__(self, image, quality, key, kind: str = "noise") -> Output:
        """Reconstruction and bits, with the surrogate `kind` in place of rounding."""
        key_y, key_z = jax.random.split(key)
        latent = self.to_latent(image, quality)
        rate_hyper, hyper_hat = surrogate(kind, self.to_hyper_latent(latent, quality), self.prior.median, key_z)
        rate_latent, latent_hat = surrogate(kind, latent, 0.0, key_y)
        scale = self._scale(hyper_hat, quality)
        side_bits = likelihood_bits(self.prior(rate_hyper))
        bits = likelihood_bits(gaussian_likelihood(rate_latent, scale)) + side_bits
        return Output(self.synthesise(latent_hat, quality), bits, side_bits)

    def to_hyper_latent(self, latent, quality):
        """The hyper-latent (B, h', w', C') of the latent's magnitudes, not rounded."""
        return self.hyper_analysis(jnp.abs(latent), quality)

    def scale(self, hyper_symbols, quality):
        """The scale (B, h, w, C) float32 in quantiser steps, not bounded, from hyper-symbols."""
        return self._scale(self.prior.from_symbols(hyper_symbols), quality)

    def _scale(self, hyper_hat, quality):
        return self.to_scale(self.in_integers(self.hyper_synthesis)(hyper_hat, quality), quality)
