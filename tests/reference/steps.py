"""A second implementation of what a quantiser step changes, with exact fractions in plain
Python.
"""

import fractions
import math

import numpy as np

PLACES = 2**10


def ratio(step_index: int) -> tuple[int, int]:
    """(multiplier, exponent), 15 bits, of (25600 / 11)^(index / 16128)."""
    log2 = step_index * math.log2(25600 / 11) / 16128
    exponent = math.floor(log2)
    return round(2 ** (log2 - exponent + 14)), exponent


def integer_arrays(spec, form: str, arrays: dict, step_index: int) -> dict:
    """The arrays of a codec's integer networks at the step of an index; `form` is its
    `scale_form`.
    """
    multiplier, exponent = ratio(step_index)
    step = fractions.Fraction(multiplier, 2**14) * fractions.Fraction(2) ** exponent
    name = (
        "thresholds"
        if spec["kind"] in ("context", "four_step")
        else f"{len(spec['ops']) - 1}/thresholds"
    )
    own = [int(threshold) for threshold in arrays[name]]
    if form == "log":
        moved = [threshold + step_index for threshold in own]
    else:
        moved = [math.floor(threshold * step + fractions.Fraction(1, 2)) for threshold in own]
    return arrays | {
        name: np.array(moved),
        "step": ratio(step_index),
        "inverse": ratio(-step_index),
    }


def prior(tables, step_index: int):
    """The tables of a factorized codec at the step of an index, as `rans.Decoder` takes them."""
    return tables if step_index == 0 else _Prior(tables, step_index)


class _Prior:
    def __init__(self, tables, step_index: int):
        self.precision = tables.precision
        cdfs, self.minimum = [], []
        for table, minimum in enumerate(tables.minimum):
            counts = [int(count) for count in tables.counts(table)[:-1]]
            cdf, low = _moved(counts, int(minimum), step_index, 2**tables.precision)
            cdfs.append(cdf)
            self.minimum.append(low)
        self.cdf = np.concatenate(cdfs)
        self.starts = np.cumsum([0, *map(len, cdfs)])


def _moved(counts, minimum, step_index, total):
    """(cumulative counts, minimum) of one table."""
    multiplier, exponent = ratio(step_index)
    step = fractions.Fraction(multiplier, 2**14) * fractions.Fraction(2) ** exponent
    begin = minimum - fractions.Fraction(1, 2)
    end = begin + len(counts)
    low, high = (math.floor(place / step + fractions.Fraction(1, 2)) for place in (begin, end))

    def below(symbol):
        edge = math.floor((2 * symbol - 1) * step * PLACES)  # twice the place, in 2^-10
        place = (edge - int(2 * begin) * PLACES) // 2
        return _cumulative(counts, min(max(place, 0), len(counts) * PLACES))

    masses = [below(symbol + 1) - below(symbol) for symbol in range(low, high + 1)]
    likely = [at for at, mass in enumerate(masses) if mass >= PLACES**3] or [
        masses.index(max(masses))
    ]
    kept = masses[likely[0] : likely[-1] + 1]
    kept.append(total * PLACES**3 - sum(kept))
    shares = [1 + mass // PLACES**2 * (total - len(kept)) // (PLACES * total) for mass in kept]
    shares[shares.index(max(shares))] += total - sum(shares)
    return np.cumsum([0, *shares]), low + likely[0]


def _cumulative(counts, place):
    """The cumulative count at a place in 2^-10 from the beginning on, times 2^30, by a cubic in
    each interval.
    """
    at = min(place // PLACES, len(counts) - 1)
    t = place - at * PLACES
    before, own, after = (counts[i] if 0 <= i < len(counts) else 0 for i in (at - 1, at, at + 1))
    left, right = (2 * a * b // max(a + b, 1) for a, b in ((before, own), (own, after)))
    rest = PLACES - t
    cubic = own * t * t * (3 * PLACES - 2 * t) + left * t * rest * rest - right * t * t * rest
    return sum(counts[:at]) * PLACES**3 + cubic
