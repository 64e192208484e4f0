import dataclasses
import zlib

import numpy as np
import pytest


@dataclasses.dataclass(frozen=True)
class Coarse:
    """A coder for tests: grey levels in steps as large as its point, and zlib; larger files at
    smaller points.
    """

    name: str = "coarse"
    points: tuple[float, ...] = (64.0, 32.0, 16.0, 8.0)
    point_name: str = "step"
    settings: dict = dataclasses.field(default_factory=lambda: {"library": "zlib"})

    def encode(self, pixels, point):
        steps = (pixels // int(point)).astype(np.uint8)
        return np.array(pixels.shape, np.int32).tobytes() + zlib.compress(steps.tobytes())

    def decode(self, data, point):
        shape = np.frombuffer(data[:12], np.int32)
        steps = np.frombuffer(zlib.decompress(data[12:]), np.uint8).reshape(shape)
        return np.clip(steps.astype(int) * int(point) + int(point) // 2, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def coarse():
    """The class of the coder for tests."""
    return Coarse
