"""The base of every entropy model.

It is a Flax module that trains, with what export freezes of it, and the order in which its symbols
are coded.
"""

from collections.abc import Callable, Mapping
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


Centre = tuple[jax.Array, ...]
"""What symbols are counted from: the mean (B, h, w, C) float32 in quantiser steps, and what later
passes see besides symbols, or sigma where the latent is normalised.
"""

Choose = Callable[[Any, int, jax.Array], tuple[Any, jax.Array]]
"""See `EntropyModel.in_passes`."""


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
    plain grid there is no mean, and a normalised latent is (latent - mean) / sigma.

    has_hyper: whether there is a hyper-latent, which the distribution of the latent depends on.
    has_integer_networks: whether integer networks choose the tables of the latent.
    has_scale_tables: whether the tables of the latent are one for each scale, which alone decides.
    centred: whether symbols are counted from a mean.
    pass_count: in how many passes the latent is rounded, each of which sees the symbols of those
      before. pass_reach: how far a symbol depends on others through all of them, in places.
    """

    has_hyper: ClassVar[bool] = False
    has_integer_networks: ClassVar[bool] = False
    has_scale_tables: ClassVar[bool] = False
    centred: ClassVar[bool] = False
    pass_count: ClassVar[int] = 1
    pass_reach: ClassVar[int] = 0

    analysis: nn.Module
    synthesis: nn.Module
    gains: Gains
    prior: nn.Module

    @classmethod
    def fields(cls, description: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the class in a description, besides networks, gains and prior."""
        del description
        return {}

    def check(self) -> None:
        """Raises CodecFileError where the parts of the model do not go together."""

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

    def centre(self, hyper_symbols: jax.Array | None, quality: jax.Array) -> Centre:
        """What symbols are counted from; () on a plain grid."""
        del hyper_symbols, quality
        return ()

    def residual(self, latent: jax.Array, *centre: jax.Array) -> jax.Array:
        """What is rounded (B, h, w, C)."""
        return latent - centre[0] if centre else latent

    def in_passes(
        self,
        choose: Choose,
        carry: Any,
        quality: jax.Array,
        step: jax.Array | float,
        *seen: jax.Array,
    ) -> tuple[Any, jax.Array, jax.Array]:
        """Chooses the latent's symbols, pass by pass.

        Args:
          choose: (carry, number of the pass, prediction) -> carry, symbols int32 (B, h, w, C). The
            prediction is what the symbols of the pass are counted from besides the centre, (B, h,
            w, C) or 0.0. Symbols of other passes do not count.
          carry: what `choose` is given first.
          quality: (B,).
          step: the quantiser step in units of the model's own.
          seen: what passes see besides symbols: the rest of the centre.

        Returns:
          The carry, the symbols, and the residual that they stand for, float32.
        """
        del quality, seen
        return one_pass(choose, carry, step)

    def to_symbols(
        self, latent: jax.Array, hyper_symbols: jax.Array | None, quality: jax.Array
    ) -> jax.Array:
        """Symbols (B, h, w, C) int32 of a latent, each the nearest."""
        centre = self.centre(hyper_symbols, quality)
        residual = self.residual(latent, *centre)
        _, symbols, _ = self.in_passes(nearest(residual, 1.0), (), quality, 1.0, *centre[1:])
        return symbols

    def reconstruct(self, residual: jax.Array, centre: Centre, quality: jax.Array) -> jax.Array:
        """Image (B, H, W, 3) from the decoded residual, any real numbers, and the centre."""
        return self.synthesise(residual + centre[0] if centre else residual, quality)

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
          calibration: symbols of training pictures; None where `has_integer_networks` is
            false.

        Raises:
          CodecFileError: a network has no integer form, or its sums do not fit 32 bits.
        """
        raise NotImplementedError

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """The order of coding of a codec whose file has this spec."""
        raise NotImplementedError


def one_pass(
    choose: Choose, carry: Any, step: jax.Array | float
) -> tuple[Any, jax.Array, jax.Array]:
    """`EntropyModel.in_passes` where there is one."""
    carry, symbols = choose(carry, 0, jnp.float32(0))
    return carry, symbols, symbols.astype(jnp.float32) * step


def nearest(residual: jax.Array, step: jax.Array | float) -> Choose:
    """Chooses the symbols nearest to a residual (B, h, w, C); the carry stays as it is."""

    def choose(carry, number, prediction):
        del number
        return carry, jnp.round((residual - prediction) / step).astype(jnp.int32)

    return choose


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
