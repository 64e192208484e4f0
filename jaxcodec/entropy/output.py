"""What a model gives back in training."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec.entropy.surrogates import likelihood_bits, log_likelihood_bits


class Coded(NamedTuple):
    """A latent as it is coded.

    latent_hat: (B, h, w, C), as synthesis sees it. likelihoods: of each symbol, by part: "latent"
      (B, h, w, C), and with a hyper-latent "hyper" (B, h', w', C'). log_likelihoods: their natural
      logarithms, of parts whose likelihoods may be too small for float32.
    """

    latent_hat: jax.Array
    likelihoods: Mapping[str, jax.Array]
    log_likelihoods: Mapping[str, jax.Array] | None = None

    @property
    def bits(self) -> jax.Array:
        """Bits of the whole image, (B,)."""
        own = self._bits("latent")
        return own + self.side_bits if "hyper" in self.likelihoods else own

    @property
    def side_bits(self) -> jax.Array:
        """Those of the hyper-latent, (B,); zero without one."""
        if "hyper" in self.likelihoods:
            return self._bits("hyper")
        return jnp.zeros(self.latent_hat.shape[:1])

    def _bits(self, part: str) -> jax.Array:
        if self.log_likelihoods is not None and part in self.log_likelihoods:
            return log_likelihood_bits(self.log_likelihoods[part])
        return likelihood_bits(self.likelihoods[part])


class Output(NamedTuple):
    """Reconstruction and rate of a batch.

    image: (B, H, W, 3) float32, about [0, 1], not clipped. bits: (B,) of the whole image.
      side_bits: (B,), the part of `bits` that the hyper-latent takes (zero without one). latent:
      (B, h, w, C) in quantiser steps, not rounded. latent_hat: the same as synthesis sees it.
      likelihoods: see `Coded`. A model of one's own may leave the last three out.
    """

    image: jax.Array
    bits: jax.Array
    side_bits: jax.Array
    latent: jax.Array | None = None
    latent_hat: jax.Array | None = None
    likelihoods: Mapping[str, jax.Array] | None = None
