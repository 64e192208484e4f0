"""The factorized model: every channel of the latent under a learned density of its own."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax

from jaxcodec.coding import step_tables
from jaxcodec.coding.tables import Tables
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.model import Centre, EntropyModel, Frozen, prior_tables
from jaxcodec.entropy.order import (
    PRIOR,
    Arrays,
    Decoding,
    Order,
    Part,
    Request,
    Run,
    Shape,
    Symbols,
    channel_tables,
)
from jaxcodec.entropy.output import Coded
from jaxcodec.entropy.surrogates import Quantise
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.ops import Array


class FactorizedModel(EntropyModel):
    """The non-parametric baseline (Balle et al. 2017; Guerin 2024, table 4.1).

    A symbol is counted from the median of its channel.
    """

    def quantised(
        self,
        latent: jax.Array,
        hyper: jax.Array | None,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float = 1.0,
    ) -> Coded:
        """See `EntropyModel.quantised`."""
        del hyper, quality
        rate_latent, latent_hat = quantise("latent", latent / step, self.prior.median / step)
        likelihood = self.prior.likelihood(rate_latent * step, step)
        return Coded(latent_hat * step, {"latent": likelihood})

    def residual(self, latent: jax.Array, *centre: jax.Array) -> jax.Array:
        """What is rounded: the latent less the median of its channel."""
        del centre
        return self.prior.residual(latent)

    def reconstruct(self, residual: jax.Array, centre: Centre, quality: jax.Array) -> jax.Array:
        """Image (B, H, W, 3) from the decoded residual, any real numbers."""
        del centre
        return self.synthesise(self.prior.from_residual(residual), quality)

    def freeze(self, params: Mapping[str, Any], calibration: Calibration | None) -> Frozen:
        """A table for each channel; no integer networks."""
        del calibration
        return Frozen(prior_tables(self, params), None, {})

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """All of the latent at once."""
        del spec, geometry
        return ByChannel()


@dataclasses.dataclass(frozen=True)
class ByChannel(Order):
    """One part, the latent, each channel under a table of its own. Tables depend on the step."""

    tables = {"latent": PRIOR}
    parallel = True
    tables_depend_on_step = True

    def side(self, arrays: Arrays, hyper: Any, quality: Array, run: Run) -> tuple[Array, ...]:
        """Nothing."""
        return ()

    def coded(self, arrays: Arrays, latent: Array, *side: Array) -> Part:
        """The latent by channel."""
        return Part(latent, channel_tables(latent.shape))

    def parts(
        self, arrays: Arrays, symbols: Symbols, side: tuple[Array, ...], run: Run
    ) -> dict[str, Part]:
        """One part, the latent."""
        return {"latent": self.coded(arrays, symbols.latent)}

    def decode(
        self, arrays: Arrays, hyper: Shape, latent: Shape, quality: Array, run: Run
    ) -> Decoding:
        """One request."""
        values: jax.Array = yield Request("latent", channel_tables(latent))
        return Symbols(None, values)

    def tables_at(self, tables: Mapping[str, Tables], step_index: int) -> dict[str, Tables]:
        """The mass of an interval of the step; see `coding.step_tables`."""
        return {PRIOR: step_tables.at_step(tables[PRIOR], step_index)}
