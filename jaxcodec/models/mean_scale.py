"""The parametric baseline: mean-scale hyperprior (Minnen et al. 2018; Guerin 2024, table 4.2)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.entropy.conditional import gaussian_likelihood, scale_index
from jaxcodec.entropy.factorized import DeepFactorized
from jaxcodec.entropy.surrogates import likelihood_bits, surrogate
from jaxcodec.models.gains import Gains
from jaxcodec.models.output import Output

SCALE_FORMS = ("linear", "log")


class MeanScaleModel(nn.Module):
    """A latent coded under Gaussians whose means and scales a hyper-latent tells.

    Images are (B, H, W, 3) in [0, 1] with sides that are multiples of the stride; `quality` is (B,) in [0, 1].
    `scale_form` "linear": the hyper-synthesis gives the mean and the scale themselves, as in the paper. "log": it gives
    the mean and the log-scale of the latent before the gain, both then moved by the gain, with a learned start
    `log_scale` for each channel; that fits a latent that starts as a known transform, and a quality that changes.
    """

    analysis: nn.Module
    synthesis: nn.Module
    hyper_analysis: nn.Module
    hyper_synthesis: nn.Module
    gains: Gains
    hyper_channels: int
    scale_form: str = "linear"
    log_scale_start: tuple[float, ...] | None = None

    def setup(self):
        if self.scale_form not in SCALE_FORMS:
            raise ValueError(f"scale_form {self.scale_form!r} is unknown; use one of {', '.join(SCALE_FORMS)}")
        self.prior = DeepFactorized(self.hyper_channels)
        if self.scale_form == "log":
            start = self.log_scale_start or (0.0,) * self.gains.channels
            self.log_scale = self.param("log_scale", lambda _: jnp.asarray(start, jnp.float32))

    def __call__(self, image, quality, key, kind: str = "noise") -> Output:
        """Reconstruction and bits, with the surrogate `kind` in place of rounding."""
        key_y, key_z = jax.random.split(key)
        latent, hyper_latent = self._latents(image, quality)
        rate_hyper, hyper_hat = surrogate(kind, hyper_latent, 0.0, key_z)
        mean, scale = self._entropy_parameters(hyper_hat, quality)
        rate_latent, latent_hat = surrogate(kind, latent, mean, key_y)
        side_bits = likelihood_bits(self.prior(rate_hyper))
        bits = likelihood_bits(gaussian_likelihood(rate_latent - mean, scale)) + side_bits
        return Output(self._synthesise(latent_hat, quality), bits, side_bits)

    def analyse(self, image, quality):
        """Hyper-symbols (B, h', w', C') int32, coded with the prior's tables, and the latent (B, h, w, C) in steps."""
        latent, hyper_latent = self._latents(image, quality)
        return jnp.round(hyper_latent).astype(jnp.int32), latent

    def condition(self, hyper_symbols, quality):
        """From hyper-symbols, the mean (B, h, w, C) float32 and the scale-table index (B, h, w, C) int32."""
        mean, scale = self._entropy_parameters(hyper_symbols.astype(jnp.float32), quality)
        return mean, scale_index(scale)

    def reconstruct(self, symbols, mean, quality):
        """Image (B, H, W, 3) from decoded symbols round(latent - mean) and the mean."""
        return self._synthesise(symbols.astype(jnp.float32) + mean, quality)

    def prior_likelihood(self, symbols: jax.Array):
        """Mass of integer hyper-symbols (..., C') under the prior, from which tables are made."""
        return self.prior(symbols.astype(jnp.float32))

    def _latents(self, image, quality):
        latent = self.gains.apply_gain(self.analysis(image, quality), quality)
        return latent, self.hyper_analysis(latent, quality)

    def _entropy_parameters(self, hyper_hat, quality):
        mean, scale = jnp.split(self.hyper_synthesis(hyper_hat, quality), 2, axis=-1)
        if self.scale_form == "log":
            log_gain = self.gains.log_gain(quality)
            return mean * jnp.exp(log_gain), jnp.exp(scale + self.log_scale + log_gain)
        return mean, scale

    def _synthesise(self, latent_hat, quality):
        return self.synthesis(self.gains.remove_gain(latent_hat, quality), quality)
