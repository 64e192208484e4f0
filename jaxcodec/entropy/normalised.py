"""A latent that is normalised by what the hyper-latent tells, under one static table.

Kirmemis, ICIP 2020 and thesis 2023, chapter 3. Nothing that a table depends on is computed: symbols
can be decoded and checked without any network.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding import step_tables
from jaxcodec.coding.make_tables import laplace_table
from jaxcodec.coding.tables import Tables
from jaxcodec.entropy.distributions.laplace import UNIT_SCALE, laplace_log_mass
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.hyperprior import HyperpriorModel
from jaxcodec.entropy.model import Centre, Frozen, prior_tables
from jaxcodec.entropy.order import (
    PRIOR,
    STATIC,
    Arrays,
    Decoding,
    Order,
    Part,
    Request,
    Run,
    Shape,
    Symbols,
    channel_tables,
    hyper_part,
)
from jaxcodec.entropy.output import Coded
from jaxcodec.entropy.surrogates import Quantise
from jaxcodec.errors import CodecFileError
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.ops import Array, lower_bound

_SIGMAS = ("least_sigma", "unit")


class NormalisedModel(HyperpriorModel):
    """A symbol is round((latent - mean) / (sigma step)), coded under Laplace of variance 1.

    The hyper-synthesis gives C means and C numbers whose absolute values are the sigmas, both in
    units of `unit`. Sigmas pass through zero there, so they are bounded from below by
    `least_sigma`, and start around a unit. These are ours: a unit of 1 is that of the thesis, but
    there noise hides the latent of a network that is not trained, and where the latent has brought
    sigma down, a step of training moves it by several times its size. A model has one rate: others
    come from other steps.

    Every symbol costs .98 bits at least at the unit step, -log2 P(0), so that the number of
    channels sets the least rate: C / 256 of that per pixel at stride 16.
    """

    has_integer_networks = False
    centred = True

    least_sigma: float = 1e-3
    unit: float = 1.0

    @classmethod
    def fields(cls, description: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a hyperprior, the least sigma and the unit."""
        own = {name: description.get(name, getattr(cls, name)) for name in _SIGMAS}
        return {**super().fields(description), **own}

    def check(self) -> None:
        """Raises CodecFileError for a form of scales: there are none."""
        if self.scale_form != "linear":
            raise CodecFileError(
                f"a normalised model has no scales, whose form may be {self.scale_form!r}; leave "
                "scale_form out"
            )

    def setup(self) -> None:
        super().setup()
        self.sigma_start = self.param("sigma", nn.initializers.ones, (self.gains.channels,))

    def quantised(
        self,
        latent: jax.Array,
        hyper: jax.Array | None,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float = 1.0,
    ) -> Coded:
        """See `EntropyModel.quantised`."""
        assert hyper is not None  # for `has_hyper`
        rate_hyper, hyper_hat = quantise("hyper", hyper, self.prior.median)
        mean, sigma = self.moments(hyper_hat, quality)
        rate_value, value = quantise("latent", self.residual(latent, mean, sigma) / step, 0.0)
        log_mass = laplace_log_mass(rate_value, UNIT_SCALE / jnp.asarray(step))
        return Coded(
            value * step * sigma + mean,
            {"latent": jnp.exp(log_mass), "hyper": self.prior(rate_hyper)},
            {"latent": log_mass},
        )

    def moments(self, hyper_hat: jax.Array, quality: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and sigma (B, h, w, C), from the quantised hyper-latent (B, h', w', C')."""
        mean, raw = jnp.split(self.hyper_synthesis(hyper_hat, quality), 2, axis=-1)
        sigma = self.unit * jnp.abs(raw + self.sigma_start)
        return self.unit * mean, lower_bound(sigma, self.least_sigma)

    def centre(self, hyper_symbols: jax.Array | None, quality: jax.Array) -> Centre:
        """Mean and sigma (B, h, w, C) float32, from hyper-symbols."""
        return self.moments(self.prior.from_symbols(hyper_symbols), quality)

    def residual(self, latent: jax.Array, *centre: jax.Array) -> jax.Array:
        """What is rounded: the normalised latent."""
        mean, sigma = centre
        return (latent - mean) / sigma

    def reconstruct(self, residual: jax.Array, centre: Centre, quality: jax.Array) -> jax.Array:
        """Image (B, H, W, 3) from the decoded residual, any real numbers, and the centre."""
        mean, sigma = centre
        return self.synthesise(residual * sigma + mean, quality)

    def freeze(self, params: Mapping[str, Any], calibration: Calibration | None) -> Frozen:
        """The prior's tables and one of Laplace, made in float64; no integer networks."""
        del calibration
        return Frozen(prior_tables(self, params) | {STATIC: laplace_table(UNIT_SCALE)}, None, {})

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """Hyper-symbols, then the latent; neither needs the other."""
        del spec, geometry
        return StaticOrder()


@dataclasses.dataclass(frozen=True)
class StaticOrder(Order):
    """The hyper-latent under the prior, and all of the latent under one table.

    The step moves the latent's table alone.
    """

    tables = {"hyper": PRIOR, "latent": STATIC}
    parallel = True
    tables_depend_on_step = True

    def side(self, arrays: Arrays, hyper: Any, quality: Array, run: Run) -> tuple[Array, ...]:
        """Nothing."""
        return ()

    def coded(self, arrays: Arrays, latent: Array, *side: Array) -> Part:
        """The latent under the table."""
        return Part(latent, one_table(latent.shape))

    def parts(
        self, arrays: Arrays, symbols: Symbols, side: tuple[Array, ...], run: Run
    ) -> dict[str, Part]:
        """Two parts."""
        return {"hyper": hyper_part(symbols), "latent": self.coded(arrays, symbols.latent)}

    def decode(
        self, arrays: Arrays, hyper: Shape, latent: Shape, quality: Array, run: Run
    ) -> Decoding:
        """Two requests, neither of which needs the other's symbols."""
        hyper_symbols = yield Request("hyper", channel_tables(hyper))
        values = yield Request("latent", one_table(latent))
        return Symbols(hyper_symbols, values)

    def tables_at(self, tables: Mapping[str, Tables], step_index: int) -> dict[str, Tables]:
        """The mass of an interval of the step, for the latent; see `coding.step_tables`."""
        return {**tables, STATIC: step_tables.at_step(tables[STATIC], step_index)}


def one_table(shape: tuple[int, ...]) -> np.ndarray:
    """The table of each symbol: the first."""
    return np.broadcast_to(np.int32(0), shape)
