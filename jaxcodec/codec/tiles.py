"""Runs a network over a large image in overlapping windows.

The result equals one run up to float rounding.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxcodec.entropy.geometry import Windows

PIXEL_BUDGET = 1 << 21
"""The most pixels that a network sees at once; bounds the memory that it takes."""


class Span(NamedTuple):
    """A window along one axis, in latent positions.

    Where it starts, and the [first, stop) of it that is kept.
    """

    start: int
    first: int
    stop: int


def plan(
    height: int, width: int, reach: int, budget: int
) -> tuple[tuple[int, int], list[tuple[Span, Span]]]:
    """Windows of one size, (rows, columns), that cover a `height` x `width` grid.

    A window has at most `budget` positions.

    Every kept place is `reach` positions or more away from its window's border, unless the border
    is the grid's. Of all ways the one is taken that computes least. Where `reach` alone goes beyond
    the budget, windows keep one position.
    """
    best: tuple[int, tuple[int, int], tuple[int, int]] | None = None
    for across in range(1, width + 1):
        columns = _window(width, across, reach)
        limit = budget // columns
        if limit < height and limit <= 2 * reach and across < width:
            continue
        down = 1 if limit >= height else math.ceil(height / max(limit - 2 * reach, 1))
        rows = _window(height, down, reach)
        cost = across * columns * down * rows
        if best is None or cost < best[0]:
            best = cost, (rows, columns), (down, across)
    assert best is not None  # one window a column is always among them
    _, (rows, columns), (down, across) = best
    row_spans, column_spans = (
        _spans(height, down, rows, reach),
        _spans(width, across, columns, reach),
    )
    return (rows, columns), [(row, column) for row in row_spans for column in column_spans]


def _window(size: int, count: int, reach: int) -> int:
    """The length of each of `count` windows that cover `size` positions."""
    return min(size, math.ceil(size / count) + 2 * reach)


def _spans(size: int, count: int, window: int, reach: int) -> list[Span]:
    kept = math.ceil(size / count)
    firsts = range(0, size, kept)
    return [
        Span(min(max(first - reach, 0), size - window), first, min(first + kept, size))
        for first in firsts
    ]


def whole(windows: Windows, network: Callable[..., Any], *arrays: Any) -> Any:
    """`network(*arrays)`: the same as `run` with an unlimited budget.

    Inside `jit` only this is possible.
    """
    del windows
    return network(*arrays)


def run(
    windows: Windows, network: Callable[..., Any], *arrays: Any, budget: int | None = None
) -> Any:
    """Apply `network` to windows of `arrays` and join what it gives.

    Args:
      windows: of the network.
      network: takes one window of each array and gives (1, rows * out, columns * out, C), or a
        tuple of such.
      arrays: each (1, rows * into, columns * into, any).
      budget: the most pixels that a window may stand for; PIXEL_BUDGET if not given.

    Returns:
      The joined output: the network's own where one window is enough, else NumPy arrays.
    """
    into, out = windows.into, windows.out
    height, width = arrays[0].shape[1] // into, arrays[0].shape[2] // into
    (rows, columns), places = plan(
        height, width, windows.reach, max((budget or PIXEL_BUDGET) // windows.pixels, 1)
    )
    if len(places) == 1:
        return network(*arrays)
    arrays = tuple(np.asarray(array) for array in arrays)
    joined, structure = [], None
    for row, column in places:
        high, wide = (
            _slice(row.start, row.start + rows, into),
            _slice(column.start, column.start + columns, into),
        )
        given = network(*(array[:, high, wide] for array in arrays))
        tiles, structure = jax.tree.flatten(given)
        if not joined:
            joined = [
                np.empty((1, height * out, width * out, tile.shape[-1]), tile.dtype)
                for tile in tiles
            ]
        for whole_array, tile in zip(joined, tiles, strict=True):
            put(whole_array, np.asarray(tile), row, column, out)
    assert structure is not None  # there are windows
    return jax.tree.unflatten(structure, joined)


def put(whole_array: np.ndarray, tile: np.ndarray, row: Span, column: Span, scale: int) -> None:
    """Write the kept part of a window's output into the whole.

    Both are (1, any, any, C) with `scale` elements a position.
    """
    inner = tile[:, _slice(row.first - row.start, row.stop - row.start, scale)]
    inner = inner[:, :, _slice(column.first - column.start, column.stop - column.start, scale)]
    whole_array[:, _slice(row.first, row.stop, scale), _slice(column.first, column.stop, scale)] = (
        inner
    )


def _slice(start: int, stop: int, scale: int) -> slice:
    return slice(start * scale, stop * scale)
