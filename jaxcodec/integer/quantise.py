"""Float networks to integer networks, given how far every activation ranges.

Weights are int8 with a scale for each output channel; codes are int8 with a scale and a zero point
for each channel, the scale folded into the weights that it meets. Values have one unit from a
convolution to the next.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxcodec.errors import CodecFileError
from jaxcodec.integer import arithmetic
from jaxcodec.transforms.operations import (
    ELEMENTWISE,
    Activate,
    Conv,
    Modulate,
    Operation,
    Path,
    Residual,
    Shuffle,
)

_SUM_LIMIT = (1 << 31) - 1
_HEADROOM = 1.25  # of values above what calibration saw
_LEAST_REACH = 1e-2  # of values: what is smaller has fewer bits
_BIAS_BITS = 24
_LEAST_SHIFT = 17  # to the right, when sums become values


class Span(NamedTuple):
    """How far an activation ranges: lowest and highest of each channel (C,), zero between them."""

    low: np.ndarray
    high: np.ndarray


Spans = Mapping[Path, Span]
"""How far the input of each operation ranges, by where the operation stands."""


class Codes(NamedTuple):
    """What codes stand for: unit * (code - zero), for each channel (C,)."""

    unit: np.ndarray
    zero: np.ndarray


Spec = list[dict[str, Any]]
Arrays = dict[str, np.ndarray]


class Builder:
    """Collects operations and their arrays."""

    def __init__(self):
        self.spec: Spec = []
        self.arrays: Arrays = {}

    def add(self, op: str, arrays: Mapping[str, Any] | None = None, **settings: Any) -> None:
        """Append an operation."""
        self.arrays |= {
            f"{len(self.spec)}/{name}": np.asarray(array) for name, array in (arrays or {}).items()
        }
        self.spec.append({"op": op, **settings})


def fixed_point(
    ratio: np.ndarray, lowest: int = 0, highest: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    """(multiplier int16, shift int8) with ratio about multiplier / 2^shift, 15 bits.

    `lowest` <= shift <= `highest`.

    Raises:
      CodecFileError: a ratio is too large for the lowest shift.
    """
    ratio = np.asarray(ratio, np.float64)
    shift = np.clip(14 - np.floor(np.log2(ratio)), lowest, highest)
    multiplier = np.round(ratio * 2.0**shift)
    over = (multiplier == 1 << 15) & (shift > lowest)
    shift, multiplier = np.where(over, shift - 1, shift), np.where(over, 1 << 14, multiplier)
    if (multiplier >= 1 << 15).any():
        raise CodecFileError(
            "the weights of a network that decides tables are too large for its activations on the "
            "calibration pictures; "
            "calibrate on other photographs"
        )
    return multiplier.astype(np.int16), shift.astype(np.int8)


def symbols_to_codes(builder: Builder, symbols: np.ndarray) -> Codes:
    """Add the step from symbols to codes.

    The shift of each channel loses least of `symbols` (..., C) int32.
    """
    flat = symbols.reshape(-1, symbols.shape[-1]).astype(np.float64)
    widest = math.ceil(math.log2(max(np.abs(flat).max() / 127, 1)))
    kept = (np.clip(np.floor(flat / 2**s + 0.5), -127, 127) * 2**s for s in range(widest + 1))
    shift = np.argmin([np.mean((codes - flat) ** 2, axis=0) for codes in kept], axis=0)
    builder.add("codes", {"shift": shift.astype(np.int8)})
    return Codes(2.0**shift, np.zeros(len(shift), np.int64))


def narrow(builder: Builder, span: Span, unit: float) -> Codes:
    """Adds the step from values, in `unit`, to codes that cover `span`."""
    step = np.maximum((span.high - span.low) / 255, unit)
    multiplier, shift = fixed_point(unit / step)
    step = unit * 2.0**shift / multiplier
    zero = np.clip(np.round(-128 - span.low / step), -128, 127).astype(np.int8)
    builder.add("narrow", {"multiplier": multiplier, "shift": shift, "zero": zero})
    return Codes(step, zero.astype(np.int64))


def int8_weights(
    weights: np.ndarray, least_unit: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`weights` (..., O) as (int64 in [-127, 127], unit (O,)).

    Each output has a unit of `least_unit` or more.
    """
    unit = np.maximum(np.abs(weights).reshape(-1, weights.shape[-1]).max(axis=0) / 127, least_unit)
    return np.round(weights / unit).astype(np.int64), unit


def convolve(builder: Builder, op: Conv, codes: Codes) -> tuple[np.ndarray, np.ndarray]:
    """Add a convolution of codes; returns the unit and the bound of its sums, each (O,).

    The sums never exceed the bound.

    Raises:
      CodecFileError: sums could exceed 32 bits.
    """
    # An output whose weights are next to nothing has a unit that suits its bias.
    least_unit = np.maximum(np.abs(op.bias) * 2.0**-_BIAS_BITS, 1e-12)
    kernel, unit = int8_weights(op.kernel.astype(np.float64) * codes.unit[:, None], least_unit)
    zeros = np.einsum("hwio,i->hwo", kernel, codes.zero)
    met = [
        [tap for tap, _ in arithmetic.taps(phase, len(kernel), op.upsample)]
        for phase in range(op.upsample)
    ]
    # Every phase of the output meets other taps, and so another share of the zero points.
    zeros = np.stack(
        [zeros[np.ix_(rows, columns)].sum(axis=(0, 1)) for rows in met for columns in met]
    )
    bias = np.round(op.bias / unit) - zeros
    arrays = {"kernel": kernel.astype(np.int8), "zero": codes.zero.astype(np.int8)}
    taps = np.zeros((1, 1, len(unit)))
    if op.offset is not None:
        taps = np.round(np.einsum("hwio,i->hwo", op.kernel.astype(np.float64), op.offset) / unit)
        arrays["taps"] = taps.astype(np.int32)
    bound = (
        128 * np.abs(kernel).sum(axis=(0, 1, 2))
        + np.abs(bias).max(axis=0)
        + np.abs(taps).sum(axis=(0, 1))
    )
    check_sums(bound)
    builder.add(
        "conv",
        arrays | {"bias": bias.ravel().astype(np.int32)},
        border=op.border,
        upsample=op.upsample,
    )
    return unit, bound


def check_sums(bound: np.ndarray) -> None:
    """Raises CodecFileError where sums of up to `bound` would not fit 32 bits."""
    if not np.max(bound) <= _SUM_LIMIT:
        raise CodecFileError(
            f"a layer of a network that decides tables sums up to {np.max(bound):.0f}, which does "
            "not fit 32 bits; "
            "train it with fewer channels or smaller kernels"
        )


def requantise(
    builder: Builder, unit: np.ndarray, bound: np.ndarray, to: float | np.ndarray
) -> None:
    """Adds the step from sums, in `unit` (O,), to values in the unit `to`, or (O,)."""
    left = _headroom(bound)
    multiplier, shift = fixed_point(unit / to * 2.0**-left, _LEAST_SHIFT, 46)
    builder.add(
        "requantise", {"left": left.astype(np.int8), "multiplier": multiplier, "shift": shift - 16}
    )


def least_unit(unit: np.ndarray, bound: np.ndarray) -> float:
    """The smallest unit to which `requantise` can bring sums in `unit` (O,) of up to `bound` (O,).

    Values that calibration saw at zero only would have a smaller one, as in a network that was
    hardly trained.
    """
    return float(np.max(unit * 2.0 ** -_headroom(bound))) * 2.0**_LEAST_SHIFT / ((1 << 15) - 2)


def _headroom(bound: np.ndarray) -> np.ndarray:
    """By how many bits sums of up to `bound` can be shifted to the left within 32 bits."""
    return np.floor(np.log2(_SUM_LIMIT / np.maximum(bound, 1)))


def between(builder: Builder, op: Operation, unit: float) -> None:
    """Adds an operation on values in `unit`."""
    match op:
        case Modulate():
            largest = max(np.abs(1 + op.scale).max(), 2.0**-14)
            bits = int(np.clip(14 - math.floor(math.log2(largest)), 0, 14))
            scale = np.round((1 + op.scale) * 2.0**bits).clip(
                -arithmetic.VALUE_MAX, arithmetic.VALUE_MAX
            )
            shift = np.round(op.shift / unit).clip(-(1 << 16), 1 << 16)
            arrays = {
                "scale": scale.astype(np.int16),
                "shift": shift.astype(np.int32),
                "bits": np.int8(bits),
            }
            builder.add("modulate", arrays)
        case Activate("relu"):
            builder.add("leaky", {"slope": np.int16(0)})
        case Activate("leaky_relu"):
            builder.add("leaky", {"slope": np.int16(round(0.01 * (1 << arithmetic.SLOPE_BITS)))})
        case Activate():
            builder.add("look_up", {"table": _table(op.kind, unit)})
        case Shuffle():
            builder.add("shuffle", factor=op.factor)


def _table(kind: str, unit: float) -> np.ndarray:
    step = 1 << (16 - arithmetic.TABLE_BITS)
    middle = np.arange(-(1 << 15), 1 << 15, step) + (step - 1) / 2
    out = np.asarray(ELEMENTWISE[kind](jnp.asarray(middle * unit, jnp.float32)), np.float64) / unit
    return np.round(out).clip(-arithmetic.VALUE_MAX, arithmetic.VALUE_MAX).astype(np.int16)


def chain(
    builder: Builder,
    ops: Sequence[Operation],
    spans: Spans,
    factors: Mapping[Path, float],
    start: Codes | float,
    last_unit: float | np.ndarray,
    path: Path = (),
) -> np.ndarray:
    """Add a network that ends in a convolution; returns the bound of its values, (O,).

    Args:
      builder: where to.
      ops: the network.
      spans: of its operations.
      factors: for convolutions by their path, how much of its span the codes of the input cover; 1
        for others.
      start: what the network's input is: codes, or values in this unit.
      last_unit: of the values that it gives, one or (O,).
      path: where in `spans` and `factors` the network stands.
    """
    segments, units = _units(ops, spans, last_unit, path)
    return _chain(builder, ops, spans, factors, segments, units, start, path)


def _chain(builder, ops, spans, factors, segments, units, state, path):
    bound = np.zeros(0)
    for place, op in enumerate(ops):
        here = (*path, place)
        if isinstance(op, Conv):
            codes = state
            if not isinstance(state, Codes):
                low, high = spans[here]
                factor = factors.get(here, 1.0)
                codes = narrow(builder, Span(factor * low, factor * high), state)
            unit, bound = convolve(builder, op, codes)
            segment = segments[here]
            if segment == here:  # its first values: what is added to them later has their unit
                units[segment] = max(units[segment], least_unit(unit, bound))
            state = units[segment]
            requantise(builder, unit, bound, state)
            bound = bound * unit / state + 1
        elif isinstance(op, Residual):
            branch = Builder()
            _chain(branch, op.ops, spans, factors, segments, units, state, here)
            builder.add("residual", branch.arrays, ops=branch.spec)
        else:
            between(builder, op, state)
    return bound


def value_unit(*spans: Span) -> float:
    """The unit of values that range as far as `spans`."""
    reach = max(max(-span.low.min(), span.high.max()) for span in spans)
    return max(_HEADROOM * reach, _LEAST_REACH) / arithmetic.VALUE_MAX


def _units(ops, spans, last_unit, path) -> tuple[dict[Path, Any], dict[Any, Any]]:
    """The segment of the values that each convolution gives, and the unit of each segment.

    Values keep their unit up to the next convolution, so it must suit the widest of what lies
    between. What a residual adds has the unit of what it is added to.
    """
    segment_of, members = {}, {}

    def walk(ops, path, segment, final):
        last = max((place for place, op in enumerate(ops) if isinstance(op, Conv)), default=None)
        for place, op in enumerate(ops):
            here = (*path, place)
            members.setdefault(segment, []).append(spans[here])
            if isinstance(op, Conv):
                segment = final if place == last else here
                segment_of[here] = segment
            elif isinstance(op, Residual):
                walk(op.ops, here, segment, segment)

    walk(ops, path, "start", "last")
    return segment_of, {segment: value_unit(*found) for segment, found in members.items()} | {
        "last": last_unit
    }
