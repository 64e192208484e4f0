"""From the float networks of a four-step model to integer ones, and its tables."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding.make_tables import gaussian_tables
from jaxcodec.coding.tables import Tables
from jaxcodec.entropy import geometry, passes, scales
from jaxcodec.entropy.distributions.gaussian import (
    SCALE_BOUND,
    SCALE_LEVELS,
    SCALE_MAX,
    SCORE_BOUND,
    gaussian_score,
)
from jaxcodec.entropy.lowering import hyper_synthesis_operations
from jaxcodec.entropy.model import EntropyModel, Frozen, prior_tables
from jaxcodec.entropy.order import CONDITIONAL
from jaxcodec.integer import calibrate, quantise
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.integer.quantise import Codes
from jaxcodec.ops import interpolate_points
from jaxcodec.transforms import operations

MOST_GROWTH = 4.0
"""Of the logarithm of a scale in a later pass."""

MIDDLE_LEVEL = 32
"""Networks see the level of a scale less this, in units of `LEVEL_UNIT`."""

LEVEL_UNIT = 1 / 32

MOST_SYMBOL = 1023
"""Symbols beyond this are as surprising as this one."""

SURPRISE_UNIT = SCORE_BOUND / 127


def surprise_table() -> np.ndarray:
    """How surprising a symbol is: int8 (64, 1024), by the level of its scale and its size."""
    levels = np.geomspace(SCALE_BOUND, SCALE_MAX, SCALE_LEVELS)
    sizes = np.arange(MOST_SYMBOL + 1, dtype=np.float32)
    each = np.meshgrid(sizes, np.float32(levels))
    score = gaussian_score(*each)
    return np.round(np.asarray(score, np.float64) / SURPRISE_UNIT).astype(np.int8)


def freeze(model: EntropyModel, params: Mapping[str, Any], calibration: Calibration) -> Frozen:
    """A table for each scale, and the integer networks of all passes.

    The ranges of their activations cost the fewest bits on `calibration`.
    """
    tables = gaussian_tables(np.geomspace(SCALE_BOUND, SCALE_MAX, SCALE_LEVELS))
    networks = _Networks(model, params)
    spans = calibrate.spans(calibration, networks.forward)
    spec, _ = networks.quantise(spans, {}, calibration)
    bits = _bits_of(model, spec, tables, calibration)
    factors = calibrate.search_factors(
        networks.places(), lambda trial: bits(networks.quantise(spans, trial, calibration)[1])
    )
    spec, arrays = networks.quantise(spans, factors, calibration)
    return Frozen(prior_tables(model, params) | {CONDITIONAL: tables}, spec, arrays)


def _bits_of(model, spec, tables: Tables, calibration: Calibration):
    """A function: arrays of the integer networks -> the bits (N,) of the calibration."""
    order = model.order(spec, geometry.of(model))

    @jax.jit
    def bits(batch, arrays, costs):
        def one(hyper, symbols, quality):
            side = order.scale(arrays, hyper[None], quality[None])
            return order.coded(arrays, symbols[None], *side).indices[0]

        chosen = jax.lax.map(lambda each: one(*each), tuple(batch))
        return calibrate.total_bits(costs, chosen, batch.symbols)

    costs = jax.device_put(calibrate.costs(tables, int(np.abs(calibration.symbols).max())))
    return lambda arrays: calibrate.over(bits, calibration, arrays, costs)


class _Networks:
    """The float networks that decide tables, as `freeze` needs them.

    hyper: from hyper-symbols to logarithms of scales, without the share of the quality. later: of
    the later passes.
    """

    def __init__(self, model, params):
        self.channels = model.gains.channels
        self.hyper = operations.last_outputs(
            hyper_synthesis_operations(model, params), slice(self.channels, None)
        )
        self.later = {
            number: model.lower_scale_context(params, number) for number in range(1, passes.PASSES)
        }
        self.offset = scales.log_offset(params)

    def forward(self, batch, quality, see):
        """Runs all of them on a batch of a calibration, see `calibrate.spans`."""
        own = operations.run(
            self.hyper, batch.hyper_symbols.astype(jnp.float32), quality, see, ("hyper",)
        )
        offset = jnp.asarray(self.offset, jnp.float32)
        scale = jnp.exp(own + interpolate_points(offset, quality)[:, None, None])
        symbols = batch.symbols.astype(jnp.float32)
        where = jnp.asarray(passes.places(*symbols.shape[1:3]))
        level = scales.level(scale) - MIDDLE_LEVEL
        grown = scale
        for number, ops in self.later.items():
            surprise = jnp.round(gaussian_score(symbols, grown) / SURPRISE_UNIT)
            found = jnp.where(passes.known(where, self.channels, number), surprise, 0)
            units = SURPRISE_UNIT, LEVEL_UNIT
            seen = jnp.concatenate(
                [unit * each for unit, each in zip(units, (found, jnp.round(level)), strict=True)],
                axis=-1,
            )
            growth = operations.run(ops, seen, quality, see, (str(number),))
            growth = jnp.clip(growth, -MOST_GROWTH, MOST_GROWTH)
            now = passes.pass_of(where, self.channels) == number
            grown = jnp.where(now, scale * jnp.exp(growth), grown)

    def places(self):
        """The convolutions whose inputs' ranges can be chosen."""
        found = calibrate.convolutions(self.hyper, ("hyper",))[1:]
        for number, ops in self.later.items():
            found += calibrate.convolutions(ops, (str(number),))[1:]
        return found

    def quantise(self, spans, factors, calibration):
        """(spec, arrays)."""
        unit = scales.UNITS["log"]
        hyper = quantise.Builder()
        codes = quantise.symbols_to_codes(hyper, calibration.hyper_symbols)
        quantise.chain(hyper, self.hyper, spans, factors, codes, unit, ("hyper",))
        hyper.add("offset", {"table": np.round(self.offset / unit).astype(np.int32)})
        spec = {"kind": "four_step", "hyper": hyper.spec, "passes": []}
        arrays = {f"hyper/{name}": array for name, array in hyper.arrays.items()}
        units = np.repeat([SURPRISE_UNIT, LEVEL_UNIT], self.channels)
        for number, ops in self.later.items():
            own = quantise.Builder()
            codes = Codes(units, np.zeros(len(units), np.int64))
            quantise.chain(own, ops, spans, factors, codes, unit, (str(number),))
            spec["passes"].append(own.spec)
            arrays |= {f"{number}/{name}": array for name, array in own.arrays.items()}
        arrays |= {scales.THRESHOLDS: scales.thresholds("log"), "surprise": surprise_table()}
        return spec, arrays
