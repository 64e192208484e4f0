"""Models with a hyper-latent.

What they share, and the frozen life of those whose tables follow from the hyper-latent alone.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding.make_tables import gaussian_tables
from jaxcodec.entropy import scales
from jaxcodec.entropy.distributions.gaussian import SCALE_BOUND, SCALE_LEVELS, SCALE_MAX
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.lowering import hyper_synthesis_operations
from jaxcodec.entropy.model import EntropyModel, Frozen, prior_tables
from jaxcodec.entropy.order import (
    CONDITIONAL,
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
    hyper_part,
)
from jaxcodec.entropy.output import Coded
from jaxcodec.entropy.surrogates import Quantise
from jaxcodec.integer import arithmetic, calibrate, fake, network, quantise
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.ops import Array
from jaxcodec.runtime.programs import kept
from jaxcodec.transforms import operations
from jaxcodec.transforms.operations import Operation
from jaxcodec.transforms.patch import photograph_log_scale

SCALE_FORMS = ("linear", "log")


class HyperpriorModel(EntropyModel):
    """A latent whose distribution depends on a hyper-latent (Balle et al. 2018).

    The hyper-latent is coded under a prior of its own.

    `scale_form` "linear": networks give the scale of a symbol itself, as in the papers. "log": they
    give the logarithm of the scale that the latent has before the gain, less a learned start
    `log_scale` for each channel; that fits a latent that starts as a known transform, and a quality
    that changes. `fake_quantised`, for fine-tuning: scales come through networks that round as the
    integer networks of a codec will.
    """

    has_hyper: ClassVar[bool] = True
    has_integer_networks: ClassVar[bool] = True

    hyper_analysis: nn.Module
    hyper_synthesis: nn.Module
    scale_form: str = "linear"
    log_scale_start: tuple[float, ...] | None = None
    fake_quantised: bool = False

    @classmethod
    def fields(cls, description: Mapping[str, Any]) -> dict[str, Any]:
        """`scale_form`, and where the scales start."""
        values = {"scale_form": description.get("scale_form", "linear")}
        if description.get("log_scale_start") == "photographs":
            values["log_scale_start"] = photograph_log_scale(description["gains"]["channels"])
        return values

    def setup(self) -> None:
        if self.scale_form not in SCALE_FORMS:
            raise ValueError(
                f"scale_form {self.scale_form!r} is unknown; use one of {', '.join(SCALE_FORMS)}"
            )
        if self.scale_form == "log":
            start = self.log_scale_start or (0.0,) * self.gains.channels
            self.log_scale = self.param("log_scale", lambda _: jnp.asarray(start, jnp.float32))

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
        likelihood, latent_hat = self.conditional(latent, hyper_hat, quality, quantise, step)
        return Coded(latent_hat * step, {"latent": likelihood, "hyper": self.prior(rate_hyper)})

    def conditional(
        self,
        latent: jax.Array,
        hyper_hat: jax.Array,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float,
    ) -> tuple[jax.Array, jax.Array]:
        """Likelihoods (B, h, w, C) of a latent given a hyper-latent, and the quantised latent.

        The latent is in units of `step`.
        """
        raise NotImplementedError

    def to_hyper_latent(self, latent: jax.Array, quality: jax.Array) -> jax.Array:
        """The hyper-latent (B, h', w', C'), not rounded."""
        return self.hyper_analysis(latent, quality)

    def round_hyper(self, hyper: jax.Array | None) -> jax.Array | None:
        """Hyper-symbols (B, h', w', C') int32 of a hyper-latent, coded with the prior's tables."""
        return self.prior.to_symbols(hyper)

    def in_integers(
        self, module: nn.Module, takes_symbols: bool = True
    ) -> Callable[..., jax.Array]:
        """`module`, rounded where `fake_quantised`, see `jaxcodec.integer.fake`.

        Everything that depends on it sees it so.
        """
        return fake.quantised(module, takes_symbols) if self.fake_quantised else module

    def to_scale(self, raw: jax.Array, quality: jax.Array) -> jax.Array:
        """Standard deviations in quantiser steps, by `scale_form`.

        From a network's output (..., B, h, w, C).
        """
        if self.scale_form == "linear":
            return raw
        return jnp.exp(raw + self.log_scale + self.gains.log_gain(quality))


class ScaleTableModel(HyperpriorModel):
    """A hyperprior model whose tables follow from scales, and those from hyper-symbols alone."""

    has_scale_tables = True

    def scale_operations(self, params: Mapping[str, Any]) -> list[Operation]:
        """The network from hyper-symbols to scales, for integers at export.

        `params` are the variables, {"params": ...}.
        """
        return hyper_synthesis_operations(self, params)

    def freeze(self, params: Mapping[str, Any], calibration: Calibration | None) -> Frozen:
        """A Gaussian table for each scale, and the integer network that chooses among them.

        Its ranges of activations cost the fewest bits.
        """
        assert calibration is not None  # for `has_integer_networks`
        tables = gaussian_tables(np.geomspace(SCALE_BOUND, SCALE_MAX, SCALE_LEVELS))
        ops = self.scale_operations(params)
        form, unit = self.scale_form, scales.UNITS[self.scale_form]

        def forward(batch, quality, see):
            operations.run(ops, batch.hyper_symbols.astype(jnp.float32), quality, see)

        spans = calibrate.spans(calibration, forward)

        def build(factors):
            builder = quantise.Builder()
            codes = quantise.symbols_to_codes(builder, calibration.hyper_symbols)
            quantise.chain(builder, ops, spans, factors, codes, unit)
            if form == "log":
                offset = np.round(scales.log_offset(params) / unit)
                builder.add("offset", {"table": offset.astype(np.int32)})
            builder.add("index", {"thresholds": scales.thresholds(form)})
            return builder

        spec = {"kind": "scale", "ops": build({}).spec}

        @jax.jit
        def bits(batch, arrays, costs):
            chosen = table_index(spec, arrays, batch.hyper_symbols, batch.quality)
            return calibrate.total_bits(costs, chosen, batch.symbols)

        costs = jax.device_put(calibrate.costs(tables, int(np.abs(calibration.symbols).max())))
        factors = calibrate.search_factors(
            calibrate.convolutions(ops)[1:],
            lambda trial: calibrate.over(bits, calibration, build(trial).arrays, costs),
        )
        sets = prior_tables(self, params) | {CONDITIONAL: tables}
        return Frozen(sets, spec, build(factors).arrays)

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """Hyper-symbols, then the latent."""
        assert spec is not None  # `freeze` gives one
        return HyperThenLatent.of(spec, geometry, self.scale_form)


@dataclasses.dataclass(frozen=True, eq=False)
class HyperThenLatent(Order):
    """The hyper-latent under the prior, then the latent under tables from a network.

    An integer network chooses these tables from the hyper-latent.

    index: (arrays, hyper-symbols, quality) -> table of each symbol, uint8 (1, h, w, C).
    scale, level: its two halves: (arrays, hyper-symbols, quality) -> scales int32, and (arrays,
      scales) -> tables.
    thresholds: the name of the array that levels are counted by.
    """

    tables = {"hyper": PRIOR, "latent": CONDITIONAL}
    parallel = True

    geometry: Geometry
    scale_form: str
    thresholds: str
    index: Callable[..., jax.Array]
    scale: Callable[..., jax.Array]
    level: Callable[..., jax.Array]

    @classmethod
    def of(cls, spec: Mapping[str, Any], geometry: Geometry, scale_form: str) -> "HyperThenLatent":
        """The order of a codec whose file has this spec."""
        ops, thresholds = spec["ops"], f"{len(spec['ops']) - 1}/{scales.THRESHOLDS}"

        # There are 64 tables: bytes, since large pictures feel the difference in memory.
        def index(arrays, hyper, quality):
            return table_index(spec, arrays, hyper, quality).astype(jnp.uint8)

        def scale(arrays, hyper, quality):
            return network.run(ops[:-1], arrays, hyper, quality)

        def level(arrays, scale):
            return arithmetic.count_reached(scale, arrays[thresholds]).astype(jnp.uint8)

        pieces = (kept(piece, f"{piece.__name__} {spec!r}") for piece in (index, scale, level))
        return cls(geometry, scale_form, thresholds, *pieces)

    def side(self, arrays: Arrays, hyper: Any, quality: Array, run: Run) -> tuple[Array, ...]:
        """The integers that stand for scales."""
        return (run(self.geometry.hyper, lambda z: self.scale(arrays, z, quality), hyper),)

    def coded(self, arrays: Arrays, latent: Array, *side: Array) -> Part:
        """The latent under the tables of its scales."""
        return Part(latent, self.level(arrays, *side))

    def parts(
        self, arrays: Arrays, symbols: Symbols, side: tuple[Array, ...], run: Run
    ) -> dict[str, Part]:
        """Two parts."""
        index = run(self.geometry.place, lambda scale: self.level(arrays, scale), *side)
        return {"hyper": hyper_part(symbols), "latent": Part(symbols.latent, index)}

    def decode(
        self, arrays: Arrays, hyper: Shape, latent: Shape, quality: Array, run: Run
    ) -> Decoding:
        """Two requests."""
        hyper = yield Request("hyper", channel_tables(hyper))
        index = run(self.geometry.hyper, lambda z: self.index(arrays, z, quality), hyper)
        latent = yield Request("latent", index)
        return Symbols(hyper, latent)

    def arrays_at(self, arrays: Arrays, step_index: int) -> dict[str, Any]:
        """A scale over the step chooses the table, so thresholds move instead."""
        own = arrays[self.thresholds]
        return {**arrays, self.thresholds: scales.thresholds_at(self.scale_form, own, step_index)}


def table_index(
    spec: Mapping[str, Any], arrays: network.Arrays, hyper_symbols: jax.Array, quality: jax.Array
) -> jax.Array:
    """Table of each symbol, int32 (B, h, w, C) in [0, 63].

    From hyper-symbols (B, h', w', C') int32.

    `quality` is (B,) int32 in hundredths, [0, 10000].
    """
    return network.run(spec["ops"], arrays, hyper_symbols, quality)
