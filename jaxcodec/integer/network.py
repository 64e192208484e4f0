"""Runs integer networks.

A network is a spec and arrays. The spec is a JSON value, a list of operations in order, each a
dictionary: `op`, its name, and settings that decide shapes. All numbers stand in the arrays, int8,
int16 or int32, named "PLACE/ARRAY" by the place of the operation in the list (inside of a residual
"PLACE/PLACE/ARRAY"). See `jaxcodec.integer.arithmetic` for codes, sums and values.

    codes       shift                    symbols to codes
    narrow      multiplier, shift, zero  values to codes
    conv        kernel, zero             codes to sums; `border` "zeros" (pads with `zero`) or
                                         "edge"; `upsample` is s >= 1
                bias                     int32 (s s O,), for each place of the output in an s x s
                                         square
                taps, where present      int32 (k, k, O), added for each tap that lies inside of the
                                         border
    requantise  left, multiplier, shift  sums to values
    modulate    scale, shift, bits       values times scale / 2^bits, plus shift; both (points, C),
                                         over the quality
    offset      table                    values plus a table (points, C), over the quality
    leaky       slope                    leaky ReLU, or ReLU, of values
    look_up     table                    any function of values
    shuffle                              depth to space by `factor`
    residual                             values plus what `ops` make of them
    index       thresholds               values to how many thresholds they reach
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxcodec.integer import arithmetic
from jaxcodec.ops import depth_to_space

Arrays = Mapping[str, jax.Array]
Spec = Sequence[Mapping[str, Any]]


def run(ops: Spec, arrays: Arrays, x: jax.Array, quality: jax.Array | None = None) -> jax.Array:
    """The output of the operations for `x` (B, h, w, C) at `quality` (B,).

    The quality is int32 in hundredths, [0, 10000].

    Exact: the same integers on every device, under any transformation of JAX, with or without
      64-bit types. `quality` is None only for networks without `modulate` and `offset`.
    """
    for place, op in enumerate(ops):
        own = part(arrays, f"{place}/")
        if op["op"] == "residual":
            x = arithmetic.clip_values(x + run(op["ops"], own, x, quality))
        else:
            x = _OPERATIONS[op["op"]](op, own, x, quality)
    return x


def part(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin with `prefix`, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _conv(op, arrays, codes, quality):
    del quality
    size, upsample = arrays["kernel"].shape[0], op["upsample"]
    pad = size // 2
    margins = ((0, 0), (pad, pad), (pad, pad), (0, 0))
    if op["border"] == "edge":
        padded = jnp.pad(codes, margins, mode="edge")
    else:
        zero = arrays["zero"]
        padded = jnp.pad(codes - zero, margins) + zero  # int8 wraps around, and back again
    sums = arithmetic.correlate(padded, arrays["kernel"], upsample) + arrays["bias"]
    if "taps" in arrays:
        inside = jnp.pad(jnp.ones((1, *codes.shape[1:3], 1), jnp.int32), margins)
        sums = sums + arithmetic.correlate(inside, arrays["taps"][:, :, None], upsample)
    return depth_to_space(sums, upsample)


def _modulate(op, arrays, values, quality):
    del op
    scale, shift = (arithmetic.interpolate(arrays[name], quality) for name in ("scale", "shift"))
    return arithmetic.multiply_shift(arithmetic.clip_values(values), scale, arrays["bits"]) + shift


_OPERATIONS: dict[str, Callable] = {
    "codes": lambda op, a, x, q: arithmetic.symbol_codes(x, a["shift"]),
    "narrow": lambda op, a, x, q: arithmetic.narrow(x, a["multiplier"], a["shift"], a["zero"]),
    "conv": _conv,
    "requantise": lambda op, a, x, q: arithmetic.requantise(
        x << a["left"].astype(jnp.int32), a["multiplier"], a["shift"]
    ),
    "modulate": _modulate,
    "offset": lambda op, a, x, q: arithmetic.clip_values(x) + arithmetic.interpolate(a["table"], q),
    "leaky": lambda op, a, x, q: arithmetic.leaky(x, a["slope"].astype(jnp.int32)),
    "look_up": lambda op, a, x, q: arithmetic.look_up(x, a["table"]),
    "shuffle": lambda op, a, x, q: depth_to_space(x, op["factor"]),
    "index": lambda op, a, x, q: arithmetic.count_reached(x, a["thresholds"]),
}
