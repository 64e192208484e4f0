"""The base of every entropy model.

It is a Flax module that trains, with what export freezes of it, and the order in which its symbols
are coded.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding.make_tables import mass_tables
from jaxcodec.coding.tables import PRECISION, Tables
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.order import PRIOR, Order
from jaxcodec.entropy.output import Coded, Output
from jaxcodec.entropy.surrogates import Quantise, quantiser
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.transforms.gains import Gains

_WIDEST = 1 << 13


class Frozen(NamedTuple):
    """What a codec file keeps of an entropy model.

    tables: integer tables by set. spec: what the integer networks compute, a JSON value; None
      without any. arrays: theirs, by name.
    """

    tables: dict[str, Tables]
    spec: dict[str, Any] | None
    arrays: dict[str, np.ndarray]


class EntropyModel(nn.Module):
    """Image to latent to image, and the rate of the latent.

    A subclass is one entropy model, with all its lives.

    Images are (B, H, W, 3) in [0, 1] with sides that are multiples of the stride; `quality` is (B,)
    in [0, 1]. The latent is (B, h, w, C) in quantiser steps. A symbol is round(latent - mean); on a
    plain grid there is no mean.

    has_hyper: whether the distribution of the latent depends on a hyper-latent; then integer
      networks choose its tables.
    centred: whether symbols are counted from a mean.
    """

    has_hyper: ClassVar[bool] = False
    centred: ClassVar[bool] = False

    analysis: nn.Module
    synthesis: nn.Module
    gains: Gains
    prior: nn.Module

    @classmethod
    def fields(cls, description: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the class in a description, besides networks, gains and prior."""
        del description
        return {}

    # ------------------------------------------------------------------ trained

    def __call__(
        self, image: jax.Array, quality: jax.Array, key: jax.Array, kind: str = "noise"
    ) -> Output:
        """Reconstruction and bits, with the surrogate `kind` in place of rounding."""
        latent = self.to_latent(image, quality)
        hyper = self.to_hyper_latent(latent, quality)
        coded = self.quantised(latent, hyper, quality, quantiser(kind, key))
        return Output(
            image=self.synthesise(coded.latent_hat, quality),
            bits=coded.bits,
            side_bits=coded.side_bits,
            latent=latent,
            latent_hat=coded.latent_hat,
            likelihoods=coded.likelihoods,
        )

    def quantised(
        self,
        latent: jax.Array,
        hyper: jax.Array | None,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float = 1.0,
    ) -> Coded:
        """A latent as synthesis sees it, its bits (B,), and the hyper-latent's share of them.

        Args:
          latent, hyper: (B, h, w, C), and (B, h', w', C') or None.
          quality: (B,).
          quantise: an `entropy.surrogates.Quantise`.
          step: the quantiser step of the latent in units of the model's own, () or (B, 1, 1, 1).
        """
        raise NotImplementedError

    def to_latent(self, image: jax.Array, quality: jax.Array) -> jax.Array:
        """The latent of an image, not rounded."""
        return self.gains.apply_gain(self.analysis(image, quality), quality)

    def to_hyper_latent(self, latent: jax.Array, quality: jax.Array) -> jax.Array | None:
        """The hyper-latent (B, h', w', C'), not rounded; None without one."""
        del latent, quality

    def round_hyper(self, hyper: jax.Array | None) -> jax.Array | None:
        """Hyper-symbols (B, h', w', C') int32 of a hyper-latent, coded with the prior's tables."""
        del hyper

    def to_hyper_symbols(self, latent: jax.Array, quality: jax.Array) -> jax.Array | None:
        """Hyper-symbols of a latent; None without a hyper-latent."""
        return self.round_hyper(self.to_hyper_latent(latent, quality))

    def mean(self, hyper_symbols: jax.Array | None, quality: jax.Array) -> jax.Array | None:
        """What symbols are counted from (B, h, w, C) float32; None on a plain grid."""
        del hyper_symbols, quality

    def residual(self, latent: jax.Array, mean: jax.Array | None = None) -> jax.Array:
        """What is rounded (B, h, w, C)."""
        return latent if mean is None else latent - mean

    def to_symbols(self, latent: jax.Array, mean: jax.Array | None = None) -> jax.Array:
        """Symbols (B, h, w, C) int32."""
        return jnp.round(self.residual(latent, mean)).astype(jnp.int32)

    def reconstruct(
        self, residual: jax.Array, mean: jax.Array | None, quality: jax.Array
    ) -> jax.Array:
        """Image (B, H, W, 3) from the decoded residual, any real numbers, and the mean."""
        return self.synthesise(residual if mean is None else residual + mean, quality)

    def synthesise(
        self, latent_hat: jax.Array, quality: jax.Array, dtype: Any = jnp.float32
    ) -> jax.Array:
        """Image (B, H, W, 3) from a quantised latent.

        `dtype`: of the input of the synthesis network.
        """
        return self.synthesis(self.gains.remove_gain(latent_hat, quality).astype(dtype), quality)

    def prior_likelihood(self, symbols: jax.Array) -> jax.Array:
        """Mass of integers (..., channels) under the prior, from which tables are made."""
        return self.prior.symbol_likelihood(symbols)

    # ------------------------------------------------------------------ frozen

    def freeze(self, params: Mapping[str, Any], calibration: Calibration | None) -> Frozen:
        """What a codec file keeps of the model.

        Args:
          params: its variables, {"params": ...}.
          calibration: symbols of training pictures; None where `has_hyper` is false.

        Raises:
          CodecFileError: a network has no integer form, or its sums do not fit 32 bits.
        """
        raise NotImplementedError

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """The order of coding of a codec whose file has this spec."""
        raise NotImplementedError


def prior_tables(model: EntropyModel, params: Mapping[str, Any]) -> dict[str, Tables]:
    """The table set of the prior: a table for each channel.

    A table covers the integers that hold its mass but for a few counts.
    """

    @jax.jit
    def likelihood(symbols):
        return model.apply(params, symbols, method="prior_likelihood")

    channels = model.prior.channels
    reach = 64
    while True:
        symbols = np.arange(-reach, reach + 1)
        mass = np.asarray(
            likelihood(jnp.broadcast_to(symbols[:, None], (len(symbols), channels))), np.float64
        )
        if reach == _WIDEST or mass.sum(axis=0).min() > 1 - 4 / (1 << PRECISION):
            return {PRIOR: mass_tables(list(mass.T), [-reach] * channels)}
        reach *= 2
