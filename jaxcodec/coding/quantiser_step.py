"""The quantiser step of a file: how many of a codec's own steps one of its symbols stands for.

A file stores it as an index, an integer: step = (25600 / 11)^(index / 16128). Index 0 is the step
that the codec was trained with, and each unit is .048 %. 16128 units go from the least to the
greatest scale of the conditional tables. Tables are chosen with the step as a ratio of integers,
made here with decimal arithmetic, which gives the same digits on every machine.
"""

import decimal
import functools
import math

UNIT = math.log(25600 / 11) / 16128
"""One unit of the index, in the natural logarithm of the step."""

MAX_INDEX = 5768
"""Fields go from -5768 to 5768, steps from about 1/16 to 16."""

RATIO_BITS = 14

_CONTEXT = decimal.Context(prec=50, rounding=decimal.ROUND_HALF_EVEN)


def size(step_index: int) -> float:
    """The step that an index stands for."""
    return math.exp(step_index * UNIT)


@functools.lru_cache(maxsize=256)
def ratio(step_index: int) -> tuple[int, int]:
    """The step of an index as (multiplier, exponent): multiplier / 2^14 * 2^exponent.

    The multiplier is in [2^14, 2^15).

    Field 0 is (2^14, 0). Rounded to the nearest multiplier.
    """
    log = _CONTEXT.multiply(
        _CONTEXT.ln(_CONTEXT.divide(decimal.Decimal(25600), decimal.Decimal(11))), step_index
    )
    step = _CONTEXT.exp(_CONTEXT.divide(log, 16128))
    exponent = 0
    while step >= 2:
        step, exponent = _CONTEXT.divide(step, 2), exponent + 1
    while step < 1:
        step, exponent = _CONTEXT.multiply(step, 2), exponent - 1
    multiplier = int(
        _CONTEXT.multiply(step, 1 << RATIO_BITS).to_integral_value(decimal.ROUND_HALF_EVEN)
    )
    if multiplier == 2 << RATIO_BITS:
        return 1 << RATIO_BITS, exponent + 1
    return multiplier, exponent


def scaled(value: int, step_index: int) -> int:
    """An integer times the step of an index, to the nearest, ties up."""
    multiplier, exponent = ratio(step_index)
    shift = RATIO_BITS - exponent
    return (2 * value * multiplier + (1 << shift)) >> (shift + 1)
