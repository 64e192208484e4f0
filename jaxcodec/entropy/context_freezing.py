"""From the float networks of a context model to the integer ones of `entropy.context_tables`."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding import lanes
from jaxcodec.coding.lane_tables import lane_tables
from jaxcodec.coding.make_tables import PHASE_BITS, PhaseTables
from jaxcodec.entropy import context_tables, scales
from jaxcodec.entropy.context import TAPS, sees_context, windows
from jaxcodec.entropy.lowering import hyper_synthesis_operations
from jaxcodec.integer import calibrate, quantise
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.transforms import operations
from jaxcodec.transforms.operations import Conv


def quantise_context_model(
    model: nn.Module,
    params: Mapping[str, Any],
    calibration: Calibration,
    tables: PhaseTables,
    at_own_step: Callable[[dict[str, Any], dict[str, np.ndarray]], Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(spec, arrays) of the integer networks of a context model.

    The ranges of activations cost the fewest bits on `calibration`.

    Args:
      model: an `entropy.context_model.ContextModel`.
      params: its variables, {"params": ...}.
      calibration: symbols of training pictures.
      tables: those that the networks choose from.
      at_own_step: (spec, arrays) -> the arrays as a codec at its own step has them.

    Raises:
      CodecFileError: its hyper-synthesis has no integer form, or its sums do not fit 32 bits.
    """
    networks = _Networks(model, params)
    spans = calibrate.spans(calibration, networks.forward)
    spec = networks.quantise(spans, {}, calibration, tables)[0]
    coder_tables = jax.device_put(lane_tables(tables.tables))

    @jax.jit
    def bits(batch, arrays):
        under, offset = context_tables.parallel(
            spec, arrays, batch.hyper_symbols, batch.symbols, batch.quality
        )
        flat = jax.tree.map(
            lambda array: array.reshape(len(batch.quality), -1), (batch.symbols - offset, under)
        )
        return jax.vmap(
            lambda values, under: lanes.cost_bits(
                coder_tables, [lanes.Block(values, under, values.size)]
            )
        )(*flat)

    def cost(factors):
        arrays = networks.quantise(spans, factors, calibration, tables)[1]
        return calibrate.over(bits, calibration, at_own_step(spec, arrays))

    factors = calibrate.search_factors(networks.places(), cost)
    return networks.quantise(spans, factors, calibration, tables)


class _Networks:
    """The float networks of a context model, as `quantise_context_model` needs them.

    hyper: from hyper-symbols to the hyper share of the first layer of the entropy parameters, its
      bias included.
    context: (12 C, K), from what a place sees to its share. rest: the entropy parameters from there
      on.
    """

    def __init__(self, model, params):
        self.pattern, self.mixture, self.form = model.pattern, model.mixture, model.scale_form
        self.channels = model.gains.channels
        own = params["params"]
        first, *rest = model.lower_entropy_parameters(own["entropy_parameters"])
        kernel, bias = (np.asarray(own["context"][name], np.float64) for name in ("kernel", "bias"))
        of_hyper, of_context = np.split(first.kernel[0, 0].astype(np.float64), [-kernel.shape[-1]])
        rows, columns = np.transpose(TAPS[self.pattern])
        self.context = kernel[rows, columns].reshape(-1, kernel.shape[-1]) @ of_context
        joined = Conv(of_hyper[None, None], first.bias + bias @ of_context)
        self.hyper = [*hyper_synthesis_operations(model, params), joined]
        self.gain = (
            scales.log_offset(params) if self.form == "log" else np.zeros((1, self.channels))
        )
        if len(self.gain) == 1:
            last = rest[-1]
            own_gain = np.tile(self.gain[0], self.mixture)
            own_gain = np.pad(own_gain, (0, len(last.bias) - len(own_gain)))
            rest[-1] = dataclasses.replace(last, bias=last.bias + own_gain)
        self.rest = rest

    def forward(self, batch, quality, see):
        """Runs all of them on a batch of a calibration, see `calibrate.spans`."""
        hyper = operations.run(
            self.hyper, batch.hyper_symbols.astype(jnp.float32), quality, see, ("hyper",)
        )
        symbols = batch.symbols.astype(jnp.float32)
        seen = windows(symbols, self.pattern) @ self.context.astype(np.float32)
        seen = jnp.where(sees_context(self.pattern, *symbols.shape[1:3]), seen, 0)
        return operations.run(self.rest, hyper + seen, quality, see, ("parameters",))

    def places(self):
        """The convolutions whose inputs' ranges can be chosen."""
        hyper = calibrate.convolutions(self.hyper, ("hyper",))[1:]
        return hyper + calibrate.convolutions(self.rest, ("parameters",))

    def quantise(self, spans, factors, calibration, tables):
        """(spec, arrays)."""
        codes = quantise.Builder()
        seen = quantise.symbols_to_codes(codes, calibration.symbols)
        weights = self.context * np.tile(seen.unit, 12)[:, None]
        value_unit = quantise.value_unit(spans["parameters", 0])
        kernel, unit = quantise.int8_weights(weights, value_unit / 8)

        hyper = quantise.Builder()
        start = quantise.symbols_to_codes(hyper, calibration.hyper_symbols)
        bound = quantise.chain(hyper, self.hyper, spans, factors, start, unit, ("hyper",))
        bound = bound + 128 * np.abs(kernel).sum(axis=0)
        quantise.check_sums(bound)

        value_unit = max(value_unit, quantise.least_unit(unit, bound))
        rest = quantise.Builder()
        quantise.requantise(rest, unit, bound, value_unit)
        units = [scales.UNITS[self.form], 2.0**-PHASE_BITS, 2.0**-context_tables.LOGIT_BITS][
            : 2 if self.mixture == 1 else 3
        ]
        last_unit = np.repeat(units, self.mixture * self.channels)
        quantise.chain(rest, self.rest, spans, factors, value_unit, last_unit, ("parameters",))

        spec = {
            "kind": "context",
            "pattern": self.pattern,
            "channels": self.channels,
            "gain": len(self.gain) > 1,
            "hyper": hyper.spec,
            "parameters": rest.spec,
        }
        arrays = {f"hyper/{name}": array for name, array in hyper.arrays.items()}
        arrays |= {f"parameters/{name}": array for name, array in rest.arrays.items()}
        arrays |= {
            "context/shift": codes.arrays["0/shift"],
            "context/kernel": kernel.astype(np.int8),
        }
        arrays |= {"first_table": tables.first, "phase_bits": tables.bits.astype(np.int8)}
        arrays["thresholds"] = scales.thresholds(self.form)
        if self.mixture > 1:
            spec["mixture"] = self.mixture
            arrays["exp"] = np.round(
                np.exp(-np.arange(context_tables.WEIGHTLESS) / 2**context_tables.LOGIT_BITS)
                * ((1 << 15) - 1)
            ).astype(np.int16)
        if spec["gain"]:
            arrays["gain"] = np.round(self.gain / scales.UNITS[self.form]).astype(np.int32)
        return spec, arrays
