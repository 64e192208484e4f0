"""What the evaluation asks of anything that turns pictures into bytes and back.

A coder has a name, a list of operating points (a quality, a bitrate, a compression ratio: one number each) and two
functions. Classical and learned codecs both are coders, so both are measured by one path.
"""

from typing import Protocol

import numpy as np

from jaxcodec.errors import CodecError


class EvaluationError(CodecError):
    """An evaluation cannot be done as it was asked for."""


class Coder(Protocol):
    """A compressor under test.

    Attributes:
      name: what tables and legends call it.
      point_name: what the numbers in `points` are, "quality" say.
      points: the operating points of its sweep, cheapest file first.
      settings: what is needed to repeat the run, as JSON values: versions, options, identity.
    """

    name: str
    point_name: str
    points: tuple[float, ...]
    settings: dict

    def encode(self, pixels: np.ndarray, point: float) -> bytes:
        """The whole file of a picture, uint8 (height, width, 1 or 3), at an operating point."""

    def decode(self, data: bytes, point: float) -> np.ndarray:
        """The picture of a file, uint8 (height, width, 1 or 3)."""
