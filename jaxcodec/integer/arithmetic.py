"""Integer operations that give the same integers on every device.

Three kinds of integers, all signed:

    codes   int8, what weights are multiplied with; padding is a code that stands for zero
    sums    int32, accumulators of products of int8, proved at export to stay below 2^31
    values  int32 that hold 16 bits, on which everything between two convolutions works

Shifts to the right round down, as two's complement does, so `(v * m + half) >> s` rounds to the
nearest, ties up. No operation can overflow for arguments in the ranges that it states, so the order
of evaluation does not matter either. Nothing here needs 64-bit integers.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Int, Int8, Int32

from jaxcodec.ops import Array

Integers = Int[Array, "..."] | np.integer
"""Any that broadcast."""

VALUE_MAX = (1 << 15) - 1
QUALITY_STEPS = 10_000
TABLE_BITS = 12
SLOPE_BITS = 15


def clip_values(v: Int32[Array, "*shape"]) -> Int32[jax.Array, "*shape"]:
    """`v` clipped to the 16 bits of values, [-32767, 32767]."""
    return jnp.clip(v, -VALUE_MAX, VALUE_MAX)


def multiply_shift(
    v: Int32[Array, "*shape"], multiplier: Integers, shift: Integers
) -> Int32[jax.Array, "*shape"]:
    """v * multiplier / 2^shift to the nearest.

    For |v| < 2^15, |multiplier| < 2^15, shift in [0, 30].
    """
    half = (1 << shift.astype(jnp.int32)) >> 1
    return (jnp.asarray(v) * multiplier.astype(jnp.int32) + half) >> shift.astype(jnp.int32)


def requantise(
    sums: Int32[Array, "*shape"], multiplier: Integers, shift: Integers
) -> Int32[jax.Array, "*shape"]:
    """sums * multiplier / 2^(16 + shift) to the nearest, for any int32 sums.

    The multiplier is in [0, 2^15), the shift in [1, 30].

    The product has up to 47 bits; it is taken in 16-bit halves of the sum, so that each part fits
    32 bits (Jacob et al. 2018, section 2.2, has the same operation with a 64-bit product).
    """
    multiplier, shift = multiplier.astype(jnp.int32), shift.astype(jnp.int32)
    sums = jnp.asarray(sums)
    product = (sums >> 16) * multiplier + (((sums & 0xFFFF) * multiplier) >> 16)
    return (product + ((1 << shift) >> 1)) >> shift


def narrow(
    v: Int32[Array, "*rest c"],
    multiplier: Int[Array, " c"],
    shift: Int[Array, " c"],
    zero: Integers,
) -> Int8[jax.Array, "*rest c"]:
    """Values to codes: v * multiplier / 2^shift + zero, clipped to int8.

    The last axis is the channel of all four.
    """
    scaled = multiply_shift(clip_values(v), multiplier, shift)
    return jnp.clip(scaled + zero.astype(jnp.int32), -128, 127).astype(jnp.int8)


def rescale(v: Int32[Array, "*shape"], ratio: Int32[Array, "2"]) -> Int32[jax.Array, "*shape"]:
    """v * multiplier / 2^14 * 2^exponent to the nearest, ties up, for any int32 v.

    v is clipped to +-2^22 before.

    `ratio` is int32 (multiplier, exponent), as `quantiser_step.ratio` gives it, exponent from
    -4 to 4.
    """
    limit = 1 << 22
    return requantise(jnp.clip(v, -limit, limit) << 8, ratio[0], 6 - ratio[1])


def symbol_codes(
    symbols: Int32[Array, "*rest c"], shift: Int[Array, " c"]
) -> Int8[jax.Array, "*rest c"]:
    """Any int32 symbols (..., C) to codes in [-127, 127].

    They are divided by 2^shift (C,), rounded to the nearest, and clipped.
    """
    shift = shift.astype(jnp.int32)
    # Clipped first, so that the rounding offset cannot overflow.
    limit = jnp.int32(127) << shift
    return ((jnp.clip(symbols, -limit, limit) + ((1 << shift) >> 1)) >> shift).astype(jnp.int8)


def leaky(v: Int32[Array, "*shape"], slope: Integers | int) -> Int32[jax.Array, "*shape"]:
    """Leaky ReLU of values; `slope` below zero in units of 2^-15, zero for ReLU."""
    v = clip_values(v)
    return jnp.maximum(v, (v * slope + (1 << SLOPE_BITS >> 1)) >> SLOPE_BITS)


def look_up(v: Int32[Array, "*shape"], table: Int[Array, "4096"]) -> Int32[jax.Array, "*shape"]:
    """Any function of values as a table (4096,) over steps of 16."""
    entry = (clip_values(v) + (1 << 15)) >> (16 - TABLE_BITS)
    return jnp.asarray(table, jnp.int32)[entry]


def interpolate(
    table: Int[Array, "points c"], quality: Int[Array, " b"]
) -> Int32[jax.Array, "b 1 1 c"]:
    """`table` (points, C) at `quality` (B,) int32 in [0, 10000]: (B, 1, 1, C) int32.

    Neighbours in the table are less than 2^17 apart.

    Quality 0 is the first point and 10000 the last, linear between, to the nearest.
    """
    table = jnp.asarray(table, jnp.int32)
    points = table.shape[0]
    position = jnp.clip(quality, 0, QUALITY_STEPS) * (points - 1)
    low = jnp.clip(position // QUALITY_STEPS, 0, max(points - 2, 0))
    high = jnp.minimum(low + 1, points - 1)
    fraction = (position - low * QUALITY_STEPS)[:, None]
    step = (table[high] - table[low]) * fraction + QUALITY_STEPS // 2
    return (table[low] + step // QUALITY_STEPS)[:, None, None]


def count_reached(
    v: Int32[Array, "*shape"], thresholds: Int[Array, " t"]
) -> Int32[jax.Array, "*shape"]:
    """How many of `thresholds` (T,) each value reaches, int32."""
    # One fused loop; a sum over a new axis, or a search, is from 5 to 300 times slower on a CPU.
    count = jnp.int32(0)
    for threshold in thresholds:
        count += (v >= threshold).astype(jnp.int32)
    return count


def taps(phase: int, size: int, upsample: int) -> list[tuple[int, int]]:
    """The taps of a kernel that meet the input at a phase of the output: (tap, offset).

    Along one axis. The offset is how far off the tap is.

    The kernel lies on the grid of the output, whose element upsample * q + phase sums kernel[tap] *
    input[q + offset].
    """
    reach = [phase + tap - size // 2 for tap in range(size)]
    return [(tap, at // upsample) for tap, at in enumerate(reach) if at % upsample == 0]


def correlate(padded: Array, kernel: Array, upsample: int = 1) -> Array:
    """Sums (B, h, w, s s O) of codes (B, h + k - 1, w + k - 1, I), s = `upsample`.

    The kernel (k, k, I, O) is odd.

    Channels are (row, column, O) of what `depth_to_space` makes the output. One int8 matrix product
    for each tap: XLA has no integer convolution on GPUs (jax #7637), and on the CPU these are as
    fast.
    """
    pad = kernel.shape[0] // 2
    height, width = padded.shape[1] - 2 * pad, padded.shape[2] - 2 * pad

    def product(tap, offset):
        rows, columns = (
            slice(pad + at, pad + at + n) for at, n in zip(offset, (height, width), strict=True)
        )
        dimensions = (((3,), (0,)), ((), ()))
        return lax.dot_general(
            padded[:, rows, columns], kernel[tap], dimensions, preferred_element_type=jnp.int32
        )

    none = jnp.zeros((padded.shape[0], height, width, kernel.shape[3]), jnp.int32)
    met = [taps(phase, kernel.shape[0], upsample) for phase in range(upsample)]
    phases = [
        sum((product((i, j), (y, x)) for i, y in rows for j, x in columns), start=none)
        for rows in met
        for columns in met
    ]
    return jnp.concatenate(phases, axis=-1)
