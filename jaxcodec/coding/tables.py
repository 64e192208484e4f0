"""Integer probability tables: made once at export, from then on data.

A table gives each of a run of consecutive integers, and an escape for all others, a count out of
2^precision. Nothing that codes or decodes ever computes a probability, so no rounding of floats can
set an encoder and a decoder apart.
"""

import dataclasses

import numpy as np

PRECISION = 16
"""Bits of the counts: every table sums to 2^16."""

MAX_PRECISION = 24
"""The most that the range coder can carry."""


@dataclasses.dataclass(frozen=True, eq=False)
class Tables:
    """A set of T tables, back to back.

    Attributes:
      cdf: int32, the cumulative counts of all tables; each runs from 0 to 2^precision and strictly
        rises. A table of n values has n + 2 entries: the n values in order, then the escape.
      starts: int32 (T + 1,), where each table starts in `cdf`, and the end.
      minimum: int32 (T,), the integer that the first count of each table belongs to.
      precision: bits of the counts.

    Raises:
      ValueError: the arrays are no such tables.
    """

    cdf: np.ndarray
    starts: np.ndarray
    minimum: np.ndarray
    precision: int = PRECISION

    def __post_init__(self) -> None:
        if not (
            all(a.dtype == np.int32 and a.ndim == 1 for a in self.arrays().values())
            and self._well_formed()
        ):
            raise ValueError("these arrays are not probability tables")

    def _well_formed(self) -> bool:
        cdf, starts = self.cdf, self.starts
        if (
            len(starts) != len(self.minimum) + 1
            or len(starts) < 2
            or not 1 <= self.precision <= MAX_PRECISION
        ):
            return False
        if starts[0] != 0 or starts[-1] != len(cdf) or np.any(np.diff(starts) < 3):
            return False
        rises = np.diff(cdf) > 0
        rises[starts[1:-1] - 1] = True  # from the end of a table to the start of the next
        ends = (cdf[starts[:-1]] == 0).all() and (cdf[starts[1:] - 1] == 1 << self.precision).all()
        return bool(ends and rises.all())

    def __len__(self) -> int:
        return len(self.minimum)

    def counts(self, table: int) -> np.ndarray:
        """Counts of one table, int32 (n + 1,), the escape last."""
        return np.diff(self.cdf[self.starts[table] : self.starts[table + 1]])

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, as codec files store them."""
        return {"cdf": self.cdf, "starts": self.starts, "minimum": self.minimum}
