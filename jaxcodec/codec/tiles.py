"""Running a network over a large image in overlapping windows, equal to one run up to float rounding."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

PIXEL_BUDGET = 1 << 20
"""The most pixels that a network sees at once; bounds the memory that it takes."""


class Span(NamedTuple):
    """Along one axis, in units of the latent grid: a window [start, start + size), of which [first, stop) is kept."""

    start: int
    first: int
    stop: int


def halo(settings: Mapping[str, Any]) -> int:
    """How far, in latent positions, a network of a model description reaches beyond the place that it computes."""
    kind = settings["kind"]
    if kind in ("patch_analysis", "patch_synthesis"):
        return math.ceil(settings["blocks"] / 2)  # each block reaches one patch of 8 pixels
    layers = list(zip(settings["kernels"], settings["strides"], strict=True))
    strides = [stride for _, stride in layers]
    if kind == "conv_analysis":
        pixels = sum((kernel // 2) * math.prod(strides[:i]) for i, (kernel, _) in enumerate(layers))
        return math.ceil(pixels / math.prod(strides))
    # A kernel of an upsampling layer lies on the grid of the layer's output.
    return math.ceil(sum((kernel // 2) / math.prod(strides[: i + 1]) for i, (kernel, _) in enumerate(layers)))


def plan(height: int, width: int, reach: int, budget: int) -> tuple[tuple[int, int], list[tuple[Span, Span]]]:
    """Windows of one size, (rows, columns), that hold at most about `budget` positions of a `height` x `width` grid.

    Every kept place is `reach` positions or more away from its window's border, unless the border is the grid's.
    """
    if height * width <= budget:
        return (height, width), [(Span(0, 0, height), Span(0, 0, width))]
    side = math.isqrt(budget)
    columns, column_spans = _spans(width, reach, max(side, budget // height))
    rows, row_spans = _spans(height, reach, max(side, budget // columns))
    return (rows, columns), [(row, column) for row in row_spans for column in column_spans]


def _spans(size: int, reach: int, limit: int) -> tuple[int, list[Span]]:
    """Equal windows along one axis, no longer than `limit` unless `reach` leaves no room."""
    if size <= limit:
        return size, [Span(0, 0, size)]
    count = math.ceil(size / max(limit - 2 * reach, 1))
    kept = math.ceil(size / count)
    window = min(size, kept + 2 * reach)
    firsts = range(0, size, kept)
    return window, [Span(min(max(first - reach, 0), size - window), first, min(first + kept, size)) for first in firsts]


def run(
    network: Callable[..., Any],
    arrays: tuple[Any, ...],
    scales: tuple[int, int],
    reach: int,
    budget: int,
) -> Any:
    """Apply `network` to windows of `arrays` and join what it gives.

    Args:
      network: takes one window of each array and gives (1, rows * out, columns * out, C).
      arrays: each (1, rows * in, columns * in, any).
      scales: (in, out), elements of an input and of the output per latent position.
      reach: the network's halo, in latent positions.
      budget: the most latent positions of a window.

    Returns:
      The joined output: the network's own where one window is enough, else a NumPy array.
    """
    into, out = scales
    height, width = arrays[0].shape[1] // into, arrays[0].shape[2] // into
    (rows, columns), places = plan(height, width, reach, budget)
    if len(places) == 1:
        return network(*arrays)
    arrays = tuple(np.asarray(array) for array in arrays)
    joined = None
    for row, column in places:
        window = (slice(None), _slice(row.start, row.start + rows, into), _slice(column.start, column.start + columns, into))
        tile = np.asarray(network(*(array[window] for array in arrays)))
        if joined is None:
            joined = np.empty((1, height * out, width * out, tile.shape[-1]), tile.dtype)
        inner = tile[:, _slice(row.first - row.start, row.stop - row.start, out)]
        inner = inner[:, :, _slice(column.first - column.start, column.stop - column.start, out)]
        joined[:, _slice(row.first, row.stop, out), _slice(column.first, column.stop, out)] = inner
    return joined


def _slice(start: int, stop: int, scale: int) -> slice:
    return slice(start * scale, stop * scale)
