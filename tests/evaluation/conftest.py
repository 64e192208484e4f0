import dataclasses
import math
import zlib

import numpy as np
import pytest

from jaxcodec.evaluation.curves import MeanCurve
from jaxcodec.evaluation.measure import Measurement, Photo, Sweep
from jaxcodec.evaluation.results import Evaluation


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


@pytest.fixture
def evaluation() -> Evaluation:
    """An evaluation made by hand: two coders on two pictures at two points, the second at 3/2
    of the rate of the first, and a published curve of other pictures.
    """
    photos = tuple(Photo(name, np.full((10, 20, 3), 90, np.uint8)) for name in ("a", "<b>"))

    def sweep(name: str, factor: float) -> Sweep:
        points = ((1.0, 0.5, 30.0), (2.0, 1.0, math.inf))
        rows = [
            Measurement(
                photo.name,
                point,
                round(factor * bpp * 25),
                factor * bpp,
                {"psnr_db": psnr_db + place, "ms_ssim": None, "ssim": 0.9, "ssimulacra2": 60.0},
                0.1,
                0.2,
            )
            for point, bpp, psnr_db in points
            for place, photo in enumerate(photos)
        ]
        return Sweep(Coarse(name, points=(1.0, 2.0)), tuple(rows))

    return Evaluation(
        machine={
            "cpu": "a <cpu>",
            "cores": 2,
            "memory_gib": 4.0,
            "devices": ["cpu"],
            "system": "Linux",
            "versions": {"jax": "1", "scipy": None},
            "date": "2026-11-29",
        },
        folder="photos",
        workers=1,
        photos=photos,
        sweeps=(sweep("mine", 1.0), sweep("theirs & others", 1.5)),
        tests=("mine",),
        published=(MeanCurve("Paper", "a source", (0.5, 1.0), {"psnr_db": (30.0, 31.0)}, "Kodak"),),
        examples=(),
        left_out={"c": "it is broken"},
    )
