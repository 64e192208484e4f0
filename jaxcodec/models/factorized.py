"""The non-parametric baseline: transforms under a factorized prior (Balle et al. 2017; Guerin 2024,
table 4.1).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.entropy.factorized import DeepFactorized
from jaxcodec.entropy.surrogates import likelihood_bits, quantiser
from jaxcodec.models.gains import Gains
from jaxcodec.models.output import Output


class FactorizedModel(nn.Module):
    """Image to latent to image, each latent channel coded with a learned density of its own.

    Images are (B, H, W, 3) in [0, 1] with sides that are multiples of the stride; `quality` is (B,)
    in [0, 1].
    """

    coded_as = "factorized"

    analysis: nn.Module
    synthesis: nn.Module
    gains: Gains
    prior: DeepFactorized

    def __call__(self, image, quality, key, kind: str = "noise") -> Output:
        """Reconstruction and bits, with the surrogate `kind` in place of rounding."""
        latent = self.to_latent(image, quality)
        latent_hat, bits, side_bits = self.quantised(latent, None, quality, quantiser(kind, key))
        return Output(self.synthesise(latent_hat, quality), bits, side_bits, latent, latent_hat)

    def quantised(self, latent, hyper, quality, quantise, step=1.0):
        """A latent as synthesis sees it, its bits (B,), and zeros; see `HyperpriorModel.quantised`;
        `hyper` is None.
        """
        del hyper
        rate_latent, latent_hat = quantise("latent", latent / step, self.prior.median / step)
        bits = likelihood_bits(self.prior.likelihood(rate_latent * step, step))
        return latent_hat * step, bits, jnp.zeros_like(bits)

    def to_latent(self, image, quality):
        """The latent of an image (B, h, w, C) in quantiser steps, not rounded."""
        return self.gains.apply_gain(self.analysis(image, quality), quality)

    def to_symbols(self, latent):
        """Symbols (B, h, w, C) int32, coded with the prior's tables."""
        return self.prior.to_symbols(latent)

    def residual(self, latent):
        """What is rounded (B, h, w, C): the latent less the median of its channel."""
        return self.prior.residual(latent)

    def reconstruct(self, residual, quality):
        """Image (B, H, W, 3) from the decoded residual, any real numbers."""
        return self.synthesise(self.prior.from_residual(residual), quality)

    def synthesise(self, latent_hat, quality, dtype=jnp.float32):
        """Image (B, H, W, 3) from a quantised latent; `dtype`: of what the synthesis network is
        given.
        """
        return self.synthesis(self.gains.remove_gain(latent_hat, quality).astype(dtype), quality)

    def prior_likelihood(self, symbols: jax.Array):
        """Mass of integer symbols (..., C) under the prior, from which tables are made."""
        return self.prior.symbol_likelihood(symbols)
