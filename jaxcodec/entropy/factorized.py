"""The factorized model: every channel of the latent under a learned density of its own."""

import dataclasses

import jax

from jaxcodec.coding import step_tables
from jaxcodec.entropy.model import EntropyModel, Frozen, prior_tables
from jaxcodec.entropy.order import PRIOR, Order, Part, Request, Symbols, channel_tables
from jaxcodec.entropy.output import Coded


class FactorizedModel(EntropyModel):
    """The non-parametric baseline (Balle et al. 2017; Guerin 2024, table 4.1).

    A symbol is counted from the median of its channel.
    """

    def quantised(self, latent, hyper, quality, quantise, step=1.0):
        """See `EntropyModel.quantised`."""
        del hyper, quality
        rate_latent, latent_hat = quantise("latent", latent / step, self.prior.median / step)
        likelihood = self.prior.likelihood(rate_latent * step, step)
        return Coded(latent_hat * step, {"latent": likelihood})

    def residual(self, latent, mean=None):
        """What is rounded: the latent less the median of its channel."""
        del mean
        return self.prior.residual(latent)

    def reconstruct(self, residual, mean, quality):
        """Image (B, H, W, 3) from the decoded residual, any real numbers."""
        del mean
        return self.synthesise(self.prior.from_residual(residual), quality)

    def freeze(self, params, calibration):
        """A table for each channel; no integer networks."""
        del calibration
        return Frozen(prior_tables(self, params), None, {})

    def order(self, spec, geometry):
        """All of the latent at once."""
        del spec, geometry
        return ByChannel()


@dataclasses.dataclass(frozen=True)
class ByChannel(Order):
    """One part, the latent, each channel under a table of its own. Tables depend on the step."""

    tables = {"latent": PRIOR}
    parallel = True
    tables_depend_on_step = True

    def side(self, arrays, hyper, quality, run):
        """Nothing."""
        return ()

    def coded(self, arrays, latent, *side):
        """The latent by channel."""
        return Part(latent, channel_tables(latent.shape))

    def parts(self, arrays, symbols, side, run):
        """One part, the latent."""
        return {"latent": self.coded(arrays, symbols.latent)}

    def decode(self, arrays, hyper, latent, quality, run):
        """One request."""
        values: jax.Array = yield Request("latent", channel_tables(latent))
        return Symbols(None, values)

    def tables_at(self, tables, step_index):
        """The mass of an interval of the step; see `coding.step_tables`."""
        return {PRIOR: step_tables.at_step(tables[PRIOR], step_index)}
