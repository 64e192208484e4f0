"""What all models with a hyper-latent share."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.entropy.factorized import DeepFactorized
from jaxcodec.entropy.surrogates import likelihood_bits, quantiser
from jaxcodec.integer import fake
from jaxcodec.models.gains import Gains
from jaxcodec.models.output import Output

SCALE_FORMS = ("linear", "log")


class HyperpriorModel(nn.Module):
    """A latent whose distribution a hyper-latent tells, itself coded under a prior of its own
    (Balle et al. 2018).

    Images are (B, H, W, 3) in [0, 1] with sides that are multiples of the stride; `quality` is (B,)
    in [0, 1]. The latent is (B, h, w, C) in quantiser steps. `scale_form` "linear": networks give
    the scale of a symbol itself, as in the papers. "log": they give the logarithm of the scale that
    the latent has before the gain, less a learned start `log_scale` for each channel; that fits a
    latent that starts as a known transform, and a quality that changes. `fake_quantised`, for
    fine-tuning: scales come through networks that round as the integer networks of a codec will.
    """

    analysis: nn.Module
    synthesis: nn.Module
    hyper_analysis: nn.Module
    hyper_synthesis: nn.Module
    gains: Gains
    prior: DeepFactorized
    scale_form: str = "linear"
    log_scale_start: tuple[float, ...] | None = None
    fake_quantised: bool = False

    def setup(self):
        if self.scale_form not in SCALE_FORMS:
            raise ValueError(
                f"scale_form {self.scale_form!r} is unknown; use one of {', '.join(SCALE_FORMS)}"
            )
        if self.scale_form == "log":
            start = self.log_scale_start or (0.0,) * self.gains.channels
            self.log_scale = self.param("log_scale", lambda _: jnp.asarray(start, jnp.float32))

    def __call__(self, image, quality, key, kind: str = "noise") -> Output:
        """Reconstruction and bits, with the surrogate `kind` in place of rounding."""
        latent = self.to_latent(image, quality)
        hyper = self.to_hyper_latent(latent, quality)
        latent_hat, bits, side_bits = self.quantised(latent, hyper, quality, quantiser(kind, key))
        image = self.synthesise(latent_hat, quality)
        return Output(image, bits, side_bits, latent, latent_hat)

    def quantised(self, latent, hyper, quality, quantise, step=1.0):
        """A latent as synthesis sees it, its bits (B,), and those of them that are the
        hyper-latent's.

        Args:
          latent, hyper: (B, h, w, C) and (B, h', w', C').
          quality: (B,).
          quantise: an `entropy.surrogates.Quantise`.
          step: the quantiser step of the latent in units of the model's own, () or (B, 1, 1, 1).
        """
        rate_hyper, hyper_hat = quantise("hyper", hyper, self.prior.median)
        likelihood, latent_hat = self.conditional(latent, hyper_hat, quality, quantise, step)
        side_bits = likelihood_bits(self.prior(rate_hyper))
        return latent_hat * step, likelihood_bits(likelihood) + side_bits, side_bits

    def conditional(self, latent, hyper_hat, quality, quantise, step):
        """Likelihoods (B, h, w, C) of a latent under what a hyper-latent tells, and the latent
        quantised, in units of `step`.
        """
        raise NotImplementedError

    def to_latent(self, image, quality):
        """The latent of an image, not rounded."""
        return self.gains.apply_gain(self.analysis(image, quality), quality)

    def to_hyper_latent(self, latent, quality):
        """The hyper-latent (B, h', w', C'), not rounded."""
        return self.hyper_analysis(latent, quality)

    def to_hyper_symbols(self, latent, quality):
        """Hyper-symbols (B, h', w', C') int32, coded with the prior's tables."""
        return self.round_hyper(self.to_hyper_latent(latent, quality))

    def round_hyper(self, hyper):
        """Hyper-symbols of a hyper-latent."""
        return self.prior.to_symbols(hyper)

    def analyse(self, image, quality):
        """Hyper-symbols and latent of an image."""
        latent = self.to_latent(image, quality)
        return self.to_hyper_symbols(latent, quality), latent

    def to_symbols(self, latent, *mean):
        """Symbols (B, h, w, C) int32, from the latent and the mean that `residual` takes."""
        return jnp.round(self.residual(latent, *mean)).astype(jnp.int32)

    def prior_likelihood(self, symbols: jax.Array):
        """Mass of integer hyper-symbols (..., C') under the prior, from which tables are made."""
        return self.prior.symbol_likelihood(symbols)

    def synthesise(self, latent_hat, quality, dtype=jnp.float32):
        """Image (B, H, W, 3) from a quantised latent; `dtype`: of what the synthesis network is
        given.
        """
        return self.synthesis(self.gains.remove_gain(latent_hat, quality).astype(dtype), quality)

    def in_integers(self, network, takes_symbols: bool = True):
        """`network` as what depends on it sees it: rounded where `fake_quantised`, see
        `jaxcodec.integer.fake`.
        """
        return fake.quantised(network, takes_symbols) if self.fake_quantised else network

    def to_scale(self, raw, quality):
        """Standard deviations in quantiser steps, from what a network gives (..., B, h, w, C), by
        `scale_form`.
        """
        if self.scale_form == "linear":
            return raw
        return jnp.exp(raw + self.log_scale + self.gains.log_gain(quality))


class PlainGridModel(HyperpriorModel):
    """A hyperprior model whose symbols are round(latent), whatever their distribution."""

    def residual(self, latent):
        """What is rounded (B, h, w, C): the latent itself."""
        return latent

    def reconstruct(self, residual, quality):
        """Image (B, H, W, 3) from the decoded latent, any real numbers."""
        return self.synthesise(residual, quality)
