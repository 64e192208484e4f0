"""The parametric baseline: mean-scale hyperprior (Minnen et al. 2018; Guerin 2024, table 4.2)."""

import jax.numpy as jnp

from jaxcodec.entropy.conditional import gaussian_likelihood
from jaxcodec.models.hyperprior import HyperpriorModel


class MeanScaleModel(HyperpriorModel):
    """A latent coded under Gaussians whose means and scales a hyper-latent tells; a symbol is
    round(latent - mean).

    The hyper-synthesis gives C means, then C scales. With `scale_form` "log" the means are those of
    the latent before the gain too.
    """

    coded_as = "mean_scale"

    def conditional(self, latent, hyper_hat, quality, quantise, step):
        """See `HyperpriorModel.conditional`."""
        mean, scale = (moment / step for moment in self.moments(hyper_hat, quality))
        rate_latent, latent_hat = quantise("latent", latent / step, mean)
        return gaussian_likelihood(rate_latent - mean, scale), latent_hat

    def mean(self, hyper_symbols, quality):
        """The mean (B, h, w, C) float32 in quantiser steps, from hyper-symbols."""
        return self.moments(self.prior.from_symbols(hyper_symbols), quality)[0]

    def scale(self, hyper_symbols, quality):
        """The scale (B, h, w, C) float32 in quantiser steps, not bounded, from hyper-symbols."""
        return self.moments(self.prior.from_symbols(hyper_symbols), quality)[1]

    def residual(self, latent, mean):
        """What is rounded (B, h, w, C): the latent less its mean."""
        return latent - mean

    def reconstruct(self, residual, mean, quality):
        """Image (B, H, W, 3) from the decoded residual, any real numbers, and the mean."""
        return self.synthesise(residual + mean, quality)

    def moments(self, hyper_hat, quality):
        """Mean and scale (B, h, w, C) in quantiser steps, from the quantised hyper-latent (B, h',
        w', C').
        """
        mean, scale = jnp.split(self.hyper_synthesis(hyper_hat, quality), 2, axis=-1)
        if self.fake_quantised:
            scale = jnp.split(
                self.in_integers(self.hyper_synthesis)(hyper_hat, quality), 2, axis=-1
            )[1]
        if self.scale_form == "log":
            mean = mean * jnp.exp(self.gains.log_gain(quality))
        return mean, self.to_scale(scale, quality)
