"""The integer networks that choose table and offset of each symbol with a context.

They see hyper-symbols and earlier symbols.

The hyper-synthesis and the entropy parameters of a context model; the masked convolution between,
which is linear, and the share of it in the first layer of the entropy parameters are one matrix
here. A decoder runs `hyper_part` once, then `context_codes`, `context_part` and `parameters` for
the places that it has come to. A mean is an integer in sixteenths: its whole part is taken off the
symbol, the rest chooses among tables. Of a mixture each component has a table and an offset of its
own, and a weight.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcodec.coding.lane_distributions import WEIGHT_BITS, Component, Mixture
from jaxcodec.coding.make_tables import PHASE_BITS, PhaseTables, phase_tables
from jaxcodec.entropy.context import sees_context, windows
from jaxcodec.entropy.distributions.gaussian import SCALE_BOUND, SCALE_LEVELS, SCALE_MAX
from jaxcodec.integer import arithmetic, network

LOGIT_BITS = 5
"""The logarithms of weights are in units of 2^-5."""

WEIGHTLESS = 512
"""Of these units below the largest, a weight is zero."""

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

    At another step than the codec's own they are first converted to units of that one.
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
    """Table and offset of each symbol, int32 (..., C), from sums (..., K).

    The value coded is symbol - offset.

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
    """Softmax over components, int32 (..., K, C) that sum to 2^15.

    The heaviest takes the remainder of the division.
    """
    table = jnp.asarray(arrays["exp"], jnp.int32)
    logit = arithmetic.clip_values(logit)
    below = jnp.max(logit, axis=-2, keepdims=True) - logit
    share = table[jnp.minimum(below, table.size - 1)]
    weight = (share << WEIGHT_BITS) // jnp.sum(share, axis=-2, keepdims=True)
    heaviest = jnp.argmax(logit, axis=-2)[..., None, :] == np.arange(logit.shape[-2])[:, None]
    return weight + heaviest * ((1 << WEIGHT_BITS) - jnp.sum(weight, axis=-2, keepdims=True))


def tables() -> PhaseTables:
    """The tables that `parameters` chooses from.

    A Gaussian for each scale and phase of the mean.
    """
    return phase_tables(np.geomspace(SCALE_BOUND, SCALE_MAX, SCALE_LEVELS))


def parallel(
    spec: Spec,
    arrays: network.Arrays,
    hyper_symbols: jax.Array,
    symbols: jax.Array,
    quality: jax.Array,
) -> tuple[jax.Array | Mixture, jax.Array]:
    """`parameters` of all places of `symbols` (B, h, w, C) at once.

    For an encoder, which knows them all.
    """
    codes = context_codes(spec, arrays, symbols)
    seen = context_part(spec, arrays, windows(codes, spec["pattern"]))
    seen = jnp.where(sees_context(spec["pattern"], *symbols.shape[1:3]), seen, 0)
    return parameters(spec, arrays, hyper_part(spec, arrays, hyper_symbols, quality) + seen)
