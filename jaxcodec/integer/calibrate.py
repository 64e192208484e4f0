"""Calibration: the ranges of activations, and the cost of symbols.

Symbols are charged by the tables that are chosen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding.tables import Tables
from jaxcodec.integer.quantise import Span, Spans
from jaxcodec.transforms.operations import Conv, Operation, Path, Residual

_BATCH = 8
_FACTORS = (0.9, 0.8, 0.7, 0.6)
_LEAST_SAVING = 1e-4  # of the bits: what is less is noise


class Calibration(NamedTuple):
    """Symbols of N pictures of one size, or of one picture at several qualities.

    hyper_symbols: (N, h', w', C') int32. symbols: (N, h, w, C) int32, of the latent. quality: (N,)
      int32, hundredths.
    """

    hyper_symbols: np.ndarray
    symbols: np.ndarray
    quality: np.ndarray


def batches(calibration: Calibration) -> Iterator[Calibration]:
    """The calibration in parts that a network can take at once."""
    for start in range(0, len(calibration.quality), _BATCH):
        yield Calibration(*(array[start : start + _BATCH] for array in calibration))


See = Callable[[Path, jax.Array], jax.Array]


def spans(calibration: Calibration, forward: Callable[[Calibration, jax.Array, See], Any]) -> Spans:
    """How far the input of each operation ranges, by its path.

    `forward` runs float networks on a batch, at a quality (B,) in [0, 1], with this `see`.
    """

    @jax.jit
    def extremes(batch):
        seen = {}

        def see(path, value):
            seen[path] = value.min(axis=(0, 1, 2)), value.max(axis=(0, 1, 2))
            return value

        forward(batch, batch.quality.astype(jnp.float32) / 10_000, see)
        return seen

    found: dict[Path, Span] = {}
    for batch in batches(calibration):
        for path, (low, high) in extremes(batch).items():
            before = found.get(path, Span(np.zeros(()), np.zeros(())))
            found[path] = Span(np.minimum(before.low, low), np.maximum(before.high, high))
    return found


def costs(tables: Tables, reach: int) -> np.ndarray:
    """Bits of the symbols -reach .. reach under each table, float32 (T, 2 reach + 1).

    A symbol outside of its table costs the escape and an Exp-Golomb code of how far outside it is.
    """
    symbols = np.arange(-reach, reach + 1)
    bits = np.empty((len(tables), len(symbols)), np.float32)
    for table in range(len(tables)):
        counts, first = tables.counts(table), tables.minimum[table]
        last = first + len(counts) - 2
        excess = np.maximum(np.maximum(first - symbols, symbols - last), 1)
        bits[table] = tables.precision - np.log2(counts[-1]) + 2 * np.floor(np.log2(excess)) + 2
        inside = (symbols >= first) & (symbols <= last)
        bits[table, inside] = tables.precision - np.log2(counts[symbols[inside] - first])
    return bits


def total_bits(costs: jax.Array, index: jax.Array, symbols: jax.Array) -> jax.Array:
    """The bits (B,) of `symbols` under the tables `index`, same shape, (B, ...).

    Symbols beyond the reach count as the reach.
    """
    reach = costs.shape[1] // 2
    bits = jnp.asarray(costs)[index, jnp.clip(symbols, -reach, reach) + reach]
    return bits.sum(axis=tuple(range(1, bits.ndim)))


def over(bits: Callable[..., jax.Array], calibration: Calibration, *arguments: Any) -> np.ndarray:
    """`bits(batch, *arguments)` of the whole calibration, (N,)."""
    return np.concatenate([np.asarray(bits(batch, *arguments)) for batch in batches(calibration)])


def search_factors(
    places: Sequence[Any], bits: Callable[[Mapping[Any, float]], np.ndarray]
) -> dict[Any, float]:
    """How much of its span each of `places` should cover, so that pictures cost the fewest bits.

    Coordinate descent: each place in turn covers less, for as long as that saves more than chance
    would. `bits` gives the bits (N,) of all pictures from the factors so far; every picture weighs
    the same, whatever its rate.
    """
    factors: dict[Any, float] = {}
    best = start = bits(factors)
    for place in places:
        for factor in _FACTORS:
            trial = factors | {place: factor}
            cost = bits(trial)
            saved = (best - cost) / start
            if not saved.mean() > max(_LEAST_SAVING, 2 * saved.std() / np.sqrt(len(saved))):
                break
            factors, best = trial, cost
    return factors


def convolutions(ops: Sequence[Operation], path: Path = ()) -> list[Path]:
    """Where the convolutions of a network stand, in order."""
    found = []
    for place, op in enumerate(ops):
        here = (*path, place)
        if isinstance(op, Conv):
            found.append(here)
        elif isinstance(op, Residual):
            found += convolutions(op.ops, here)
    return found
