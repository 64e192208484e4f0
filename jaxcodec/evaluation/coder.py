"""What the evaluation asks of anything that turns pictures into bytes and back.

A coder has a name, a list of operating points (a quality, a bitrate, a compression ratio: one
number each) and two functions. Classical and learned codecs both are coders, so both are measured
by one path.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from jaxcodec.errors import CodecError


class EvaluationError(CodecError):
    """An evaluation cannot be done as requested."""


def check_qualities(qualities: Sequence[float]) -> tuple[float, ...]:
    """Qualities, rising and each once; raises EvaluationError for one outside 0 to 100."""
    for quality in qualities:
        if not 0 <= quality <= 100:
            raise EvaluationError(
                f"a quality of {quality:g} is out of range; give numbers from 0 to 100"
            )
    return tuple(sorted(set(map(float, qualities))))


def check_rates(bpps: Sequence[float]) -> tuple[float, ...]:
    """Rates in bpp, rising and each once; raises EvaluationError for one that is not above 0."""
    for bpp in bpps:
        if not (math.isfinite(bpp) and bpp > 0):
            raise EvaluationError(f"a rate of {bpp:g} bpp makes no sense; give numbers above 0")
    return tuple(sorted(set(map(float, bpps))))


class Coder(Protocol):
    """A compressor under test.

    Attributes:
      name: what tables and legends call it.
      point_name: what the numbers in `points` are, "quality" say.
      points: the operating points of its sweep, cheapest file first.
      settings: what is needed to repeat the run, as JSON values: versions, options, identity.
    """

    @property
    def name(self) -> str: ...

    @property
    def point_name(self) -> str: ...

    @property
    def points(self) -> tuple[float, ...]: ...

    @property
    def settings(self) -> dict: ...

    def encode(self, pixels: np.ndarray, point: float) -> bytes:
        """The whole file of a picture, uint8 (height, width, 1 or 3), at an operating point."""
        ...

    def decode(self, data: bytes, point: float) -> np.ndarray:
        """The picture of a file, uint8 (height, width, 1 or 3)."""
        ...
