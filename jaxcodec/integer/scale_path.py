"""The integer network that chooses the table of each symbol from the hyper-symbols, made from a
trained model.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding.make_tables import gaussian_tables
from jaxcodec.entropy.conditional import SCALE_BOUND, SCALE_LEVELS, SCALE_MAX
from jaxcodec.integer import arithmetic, calibrate, float_network, network, quantise, scales
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.integer.step import THRESHOLDS


def index(
    spec: Mapping[str, Any], arrays: network.Arrays, hyper_symbols: jax.Array, quality: jax.Array
) -> jax.Array:
    """Table of each symbol, int32 (B, h, w, C) in [0, 63], from hyper-symbols (B, h', w', C')
    int32.

    `quality` is (B,) int32 in hundredths, [0, 10000].
    """
    return network.run(spec["ops"], arrays, hyper_symbols, quality)


def scale(
    spec: Mapping[str, Any], arrays: network.Arrays, hyper_symbols: jax.Array, quality: jax.Array
) -> jax.Array:
    """What `index` compares with thresholds, int32 (B, h, w, C): a scale or its logarithm, see
    `scales.UNITS`.
    """
    return network.run(spec["ops"][:-1], arrays, hyper_symbols, quality)


def level(spec: Mapping[str, Any], arrays: network.Arrays, scale: jax.Array) -> jax.Array:
    """The table of each symbol, int32, from its `scale`, both of any shape."""
    return arithmetic.count_reached(scale, arrays[f"{len(spec['ops']) - 1}/{THRESHOLDS}"])


def quantise_scale_path(
    description: Mapping[str, Any], params: Mapping[str, Any], calibration: Calibration
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(spec, arrays) for `index`, with the ranges of activations that cost the fewest bits on
    `calibration`.

    Args:
      description: of a model whose `entropy` is "mean_scale" or "scale", as `models.build` takes
        it.
      params: its variables, {"params": ...}.
      calibration: symbols of training pictures.

    Raises:
      CodecFileError: its hyper-synthesis has no integer form, or its sums do not fit 32 bits.
    """
    form = description.get("scale_form", "linear")
    ops = float_network.hyper_synthesis(description, params)
    if description["entropy"] == "mean_scale":
        ops = float_network.last_outputs(ops, slice(description["gains"]["channels"], None))

    def forward(batch, quality, see):
        float_network.run(ops, batch.hyper_symbols.astype(jnp.float32), quality, see)

    spans = calibrate.spans(calibration, forward)

    def build(factors):
        builder = quantise.Builder()
        codes = quantise.symbols_to_codes(builder, calibration.hyper_symbols)
        quantise.chain(builder, ops, spans, factors, codes, scales.UNITS[form])
        if form == "log":
            offset = np.round(scales.log_offset(description, params) / scales.UNITS[form])
            builder.add("offset", {"table": offset.astype(np.int32)})
        builder.add("index", {"thresholds": scales.thresholds(form)})
        return builder

    spec = {"kind": "scale", "ops": build({}).spec}

    @jax.jit
    def bits(batch, arrays, costs):
        chosen = index(spec, arrays, batch.hyper_symbols, batch.quality)
        return calibrate.total_bits(costs, chosen, batch.symbols)

    tables = gaussian_tables(np.geomspace(SCALE_BOUND, SCALE_MAX, SCALE_LEVELS))
    costs = jax.device_put(calibrate.costs(tables, int(np.abs(calibration.symbols).max())))
    factors = calibrate.search_factors(
        calibrate.convolutions(ops)[1:],
        lambda trial: calibrate.over(bits, calibration, build(trial).arrays, costs),
    )
    return spec, build(factors).arrays
