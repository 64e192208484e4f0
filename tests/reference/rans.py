"""A second implementation of the lanes coder's decoder, in plain Python and NumPy, from the
description of the format.
"""

import numpy as np

BASE = 1 << 16


class Decoder:
    """Decodes the blocks of a stream in turn.

    words: integers below 2^16, the whole stream. lanes: how many states it has.
    sets: objects with `cdf`, `starts`, `minimum` and `precision`, table sets that are numbered one
      after the other.
    """

    def __init__(self, words, lanes: int, sets):
        self.words = [int(word) for word in words]
        self.tables = [table for tables in sets for table in _split(tables)]
        self.far = []
        first = 0
        if self.words[0] == 0:
            count = self.words[1] + BASE * self.words[2]
            first = 3 + 2 * count
            self.far = [self.words[i] + BASE * self.words[i + 1] for i in range(3, first, 2)]
        self.states = [
            BASE * self.words[first + 2 * k] + self.words[first + 2 * k + 1] for k in range(lanes)
        ]
        self.words = self.words[first + 2 * lanes :]

    def block(self, indices) -> np.ndarray:
        """The symbols of the next block, int32, one for each table index, or for each list of
        (index, offset, weight).
        """
        tables = [
            mixed(self.tables, index) if isinstance(index, list) else self.tables[index]
            for index in indices
        ]
        symbols = [self._symbol(i % len(self.states), table) for i, table in enumerate(tables)]
        values = [
            value if value is not None else self._escaped(table)
            for value, table in zip(symbols, tables, strict=True)
        ]
        return np.array(values, np.int64).astype(np.uint32).astype(np.int32)

    def _symbol(self, lane: int, table) -> int | None:
        cdf, minimum = table
        state = self.states[lane]
        slot = state % BASE
        position = int(np.searchsorted(cdf, slot, side="right")) - 1
        state = int(cdf[position + 1] - cdf[position]) * (state // BASE) + slot - int(cdf[position])
        if state < BASE:
            state = BASE * state + self.words.pop(0)
        self.states[lane] = state
        return None if position == len(cdf) - 2 else minimum + position

    def _escaped(self, table) -> int:
        cdf, minimum = table
        word = self.words.pop()
        if word == BASE - 1:
            return self.far.pop(0)
        distance = word // 2 + 1
        return minimum + len(cdf) - 3 + distance if word % 2 else minimum - distance

    @property
    def finished(self) -> bool:
        """Whether nothing is left of the stream and the states are those that an encoder begins
        with.
        """
        return not self.words and not self.far and all(state == BASE for state in self.states)


def mixed(tables, components):
    """A mixture as a table, (cumulative counts, minimum): the values of its window, then the
    escape.

    components: (index, offset, weight) of each.
    """
    spans = []
    for index, offset, weight in components:
        cdf, minimum = tables[index]
        spans.append((int(minimum + offset), int(minimum + offset) + len(cdf) - 2, int(weight)))
    low, high, _ = max(spans, key=lambda span: span[2])  # the first of the heaviest
    for first, last, weight in spans:
        added = max(high, last) - min(low, first) - (high - low)
        if added <= min(16 * weight, 4096):
            low, high = min(low, first), max(high, last)
    values = np.arange(low, high + 1)
    below = np.zeros(len(values), np.int64)
    for (index, _, weight), (first, last, _) in zip(components, spans, strict=True):
        below += int(weight) * tables[index][0][np.clip(values, first, last) - first]
    below //= 1 << 15
    size = high - low
    counts = (below - below[0]) * (BASE - 1 - size) // BASE + np.arange(size + 1)
    return np.append(counts, BASE), low


def _split(tables):
    for t, minimum in enumerate(tables.minimum):
        cdf = tables.cdf[tables.starts[t] : tables.starts[t + 1]].astype(np.int64)
        yield cdf << (16 - tables.precision), int(minimum)
