"""Integer networks that choose the table of each symbol, and its offset, from hyper-symbols and
symbols before it.

The hyper-synthesis and the entropy parameters of a context model; the masked convolution between,
which is linear, and the share of it in the first layer of the entropy parameters are one matrix
here. A decoder runs `hyper_part` once, then `context_codes`, `context_part` and `parameters` for
the places that it has come to. A mean is an integer in sixteenths: its whole part is taken off the
symbol, the rest chooses among tables. Of a mixture each component has a table and an offset of its
own, and a weight.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcodec.coding import lanes
from jaxcodec.coding.lane_distributions import WEIGHT_BITS, Component, Mixture
from jaxcodec.coding.lane_tables import lane_tables
from jaxcodec.coding.make_tables import PHASE_BITS, phase_tables
from jaxcodec.entropy.conditional import SCALE_BOUND, SCALE_LEVELS, SCALE_MAX
from jaxcodec.entropy.context import TAPS, sees_context, windows
from jaxcodec.integer import arithmetic, calibrate, float_network, network, quantise, scales
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.integer.float_network import Activate
from jaxcodec.integer.step import at_step

LOGIT_BITS = 5
"""The logarithms of weights are told in units of 2^-5."""

_WEIGHTLESS = 512  # of these units below the largest, a weight is zero

Spec = Mapping[str, Any]


def hyper_part(
    spec: Spec, arrays: network.Arrays, hyper_symbols: jax.Array, quality: jax.Array
) -> jax.Array:
    """What hyper-symbols (B, h', w', C') int32 add to the sums of every place, int32 (B, h, w, K).

    `quality` is (B,) int32 in hundredths, [0, 10000].
    """
    sums = network.run(spec["hyper"], network.part(arrays, "hyper/"), hyper_symbols, quality)
    if not spec["gain"]:
        return sums
    # What the quality adds to the scales travels behind the sums.
    gain = jnp.broadcast_to(
        arithmetic.interpolate(arrays["gain"], quality), (*sums.shape[:3], spec["channels"])
    )
    return jnp.concatenate([sums, gain], axis=-1)


def context_codes(spec: Spec, arrays: network.Arrays, symbols: jax.Array) -> jax.Array:
    """Symbols (..., C) int32 as the context takes them, int8; outside of the picture a code is 0.

    At another step than the codec's own they are first told in that one.
    """
    del spec
    return arithmetic.symbol_codes(
        arithmetic.rescale(symbols, arrays["step"]), arrays["context/shift"]
    )


def context_part(spec: Spec, arrays: network.Arrays, seen: jax.Array) -> jax.Array:
    """What the codes `seen` (..., 12 C) add to the sums of a place, int32 (..., K).

    They are in the order of `jaxcodec.entropy.context.TAPS`, C of each tap.
    """
    dimensions = (((seen.ndim - 1,), (0,)), ((), ()))
    sums = lax.dot_general(
        seen, arrays["context/kernel"], dimensions, preferred_element_type=jnp.int32
    )
    return (
        jnp.pad(sums, [(0, 0)] * (seen.ndim - 1) + [(0, spec["channels"])])
        if spec["gain"]
        else sums
    )


def parameters(
    spec: Spec, arrays: network.Arrays, sums: jax.Array
) -> tuple[jax.Array | Mixture, jax.Array]:
    """Table and offset of each symbol, int32 (..., C), from sums (..., K); what is coded is symbol
    - offset.

    With a mixture, `Mixture` in place of tables, and offsets that are zero: its components have
    theirs.
    """
    channels, components = spec["channels"], spec.get("mixture", 1)
    flat = sums.reshape(1, 1, -1, sums.shape[-1])
    own, gain = (flat[..., :-channels], flat[..., -channels:]) if spec["gain"] else (flat, 0)
    values = network.run(spec["parameters"], network.part(arrays, "parameters/"), own)
    values = values.reshape(*sums.shape[:-1], -1, components, channels)  # scales, means, logits
    gain = jnp.reshape(gain, (*sums.shape[:-1], 1, channels)) if spec["gain"] else 0
    mean = arithmetic.rescale(values[..., 1, :, :], arrays["inverse"])
    table, offset = _table(arrays, values[..., 0, :, :] + gain, mean)
    if components == 1:
        return table[..., 0, :], offset[..., 0, :]
    weight = _weights(arrays, values[..., 2, :, :])
    parts = (
        Component(*(array[..., k, :] for array in (table, offset, weight)))
        for k in range(components)
    )
    return Mixture(tuple(parts)), jnp.zeros((*sums.shape[:-1], channels), jnp.int32)


def _table(arrays, scale, mean):
    """Table and offset of a Gaussian, int32."""
    level = arithmetic.count_reached(scale, arrays["thresholds"])
    first, bits = (
        jnp.asarray(arrays[name], jnp.int32)[level] for name in ("first_table", "phase_bits")
    )
    # The mean to the nearest phase, in units of 2^-bits.
    position = (mean + (1 << PHASE_BITS >> 1 >> bits)) >> (PHASE_BITS - bits)
    return first + (position & ((1 << bits) - 1)), position >> bits


def _weights(arrays, logit):
    """Softmax over components, int32 (..., K, C) that sum to 2^15; the heaviest takes what division
    leaves over.
    """
    table = jnp.asarray(arrays["exp"], jnp.int32)
    logit = arithmetic.clip_values(logit)
    below = jnp.max(logit, axis=-2, keepdims=True) - logit
    share = table[jnp.minimum(below, table.size - 1)]
    weight = (share << WEIGHT_BITS) // jnp.sum(share, axis=-2, keepdims=True)
    heaviest = jnp.argmax(logit, axis=-2)[..., None, :] == np.arange(logit.shape[-2])[:, None]
    return weight + heaviest * ((1 << WEIGHT_BITS) - jnp.sum(weight, axis=-2, keepdims=True))


def tables():
    """The tables that `parameters` chooses from (`PhaseTables`)."""
    return phase_tables(np.geomspace(SCALE_BOUND, SCALE_MAX, SCALE_LEVELS))


def quantise_context_path(
    description: Mapping[str, Any], params: Mapping[str, Any], calibration: Calibration
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(spec, arrays) for the functions above, with the ranges of activations that cost the fewest
    bits on `calibration`.

    Args:
      description: of a model whose `entropy` is "autoregressive" or "checkerboard", as
        `models.build` takes it.
      params: its variables, {"params": ...}.
      calibration: symbols of training pictures.

    Raises:
      CodecFileError: its hyper-synthesis has no integer form, or its sums do not fit 32 bits.
    """
    networks = _Networks(description, params)
    spans = calibrate.spans(calibration, networks.forward)
    tables_of = tables()
    spec = networks.quantise(spans, {}, calibration, tables_of)[0]
    coder_tables = jax.device_put(lane_tables(tables_of.tables))

    @jax.jit
    def bits(batch, arrays):
        under, offset = parallel(spec, arrays, batch.hyper_symbols, batch.symbols, batch.quality)
        flat = jax.tree.map(
            lambda array: array.reshape(len(batch.quality), -1), (batch.symbols - offset, under)
        )
        return jax.vmap(
            lambda *block: lanes.cost_bits(coder_tables, [lanes.Block(*block, block[0].size)])
        )(*flat)

    def cost(factors):
        arrays = networks.quantise(spans, factors, calibration, tables_of)[1]
        return calibrate.over(bits, calibration, at_step(spec, networks.form, arrays, 0))

    factors = calibrate.search_factors(networks.places(), cost)
    return networks.quantise(spans, factors, calibration, tables_of)


def parallel(
    spec, arrays, hyper_symbols, symbols, quality
) -> tuple[jax.Array | Mixture, jax.Array]:
    """`parameters` of all places of `symbols` (B, h, w, C) at once, as an encoder can, which knows
    them all.
    """
    codes = context_codes(spec, arrays, symbols)
    seen = context_part(spec, arrays, windows(codes, spec["pattern"]))
    seen = jnp.where(sees_context(spec["pattern"], *symbols.shape[1:3]), seen, 0)
    return parameters(spec, arrays, hyper_part(spec, arrays, hyper_symbols, quality) + seen)


class _Networks:
    """The float networks of a context model, as `quantise_context_path` needs them.

    hyper: from hyper-symbols to the hyper share of the first layer of the entropy parameters, its
      bias included.
    context: (12 C, K), from what a place sees to its share. rest: the entropy parameters from there
      on.
    """

    def __init__(self, description, params):
        self.pattern = description["entropy"]
        self.channels = description["gains"]["channels"]
        self.mixture = description.get("mixture", 1)
        self.form = description.get("scale_form", "linear")
        own = params["params"]
        first, second, third = (
            float_network.conv(own["entropy_parameters"][f"Conv_{i}"]) for i in range(3)
        )
        kernel, bias = (np.asarray(own["context"][name], np.float64) for name in ("kernel", "bias"))
        of_hyper, of_context = np.split(first.kernel[0, 0].astype(np.float64), [-kernel.shape[-1]])
        rows, columns = np.transpose(TAPS[self.pattern])
        self.context = kernel[rows, columns].reshape(-1, kernel.shape[-1]) @ of_context
        joined = float_network.Conv(of_hyper[None, None], first.bias + bias @ of_context)
        self.hyper = [*float_network.hyper_synthesis(description, params), joined]
        self.gain = (
            scales.log_offset(description, params)
            if self.form == "log"
            else np.zeros((1, self.channels))
        )
        if len(self.gain) == 1:
            own_gain = np.tile(self.gain[0], self.mixture)
            own_gain = np.pad(own_gain, (0, len(third.bias) - len(own_gain)))
            third = dataclasses.replace(third, bias=third.bias + own_gain)
        self.rest = [Activate("leaky_relu"), second, Activate("leaky_relu"), third]

    def forward(self, batch, quality, see):
        """Runs all of them on a batch of a calibration, see `calibrate.spans`."""
        hyper = float_network.run(
            self.hyper, batch.hyper_symbols.astype(jnp.float32), quality, see, ("hyper",)
        )
        symbols = batch.symbols.astype(jnp.float32)
        seen = windows(symbols, self.pattern) @ self.context.astype(np.float32)
        seen = jnp.where(sees_context(self.pattern, *symbols.shape[1:3]), seen, 0)
        return float_network.run(self.rest, hyper + seen, quality, see, ("parameters",))

    def places(self):
        """The convolutions whose inputs' ranges can be chosen."""
        hyper = calibrate.convolutions(self.hyper, ("hyper",))[1:]
        return hyper + calibrate.convolutions(self.rest, ("parameters",))

    def quantise(self, spans, factors, calibration, tables_of):
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
        units = [scales.UNITS[self.form], 2.0**-PHASE_BITS, 2.0**-LOGIT_BITS][
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
        arrays |= {"first_table": tables_of.first, "phase_bits": tables_of.bits.astype(np.int8)}
        arrays["thresholds"] = scales.thresholds(self.form)
        if self.mixture > 1:
            spec["mixture"] = self.mixture
            arrays["exp"] = np.round(
                np.exp(-np.arange(_WEIGHTLESS) / 2**LOGIT_BITS) * ((1 << 15) - 1)
            ).astype(np.int16)
        if spec["gain"]:
            arrays["gain"] = np.round(self.gain / scales.UNITS[self.form]).astype(np.int32)
        return spec, arrays
