import dataclasses
import zlib

import numpy as np
import pytest

from jaxcodec import image
from jaxcodec.image import Picture


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


@pytest.fixture(scope="session")
def pictures(tmp_path_factory, photo):
    """A folder with three small pictures: RGB, RGBA of the same size, and grey."""
    folder = tmp_path_factory.mktemp("pictures")
    part = photo[80:120, 200:248]
    alpha = np.full((40, 48, 1), 128, np.uint8)
    image.write(folder / "a.png", Picture(part))
    image.write(
        folder / "b.png", Picture(np.concatenate([photo[200:240, 100:148], alpha], axis=-1))
    )
    image.write(folder / "c <grey>.png", Picture(photo[200:240, 300:340, :1]))
    return folder
