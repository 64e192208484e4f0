"""JPEG, WebP, AVIF and JPEG 2000 by Pillow, at settings chosen for the best PSNR at a rate.

  jpeg      libjpeg-turbo: optimised Huffman tables, 4:2:0.
  webp      libwebp, lossy: method 6, the slowest and best.
  avif      libaom by libavif: speed 4, 4:4:4, tuned for PSNR; 13 % fewer bits than Pillow's
            defaults (speed 6, 4:2:0, tuned for the eye) on four pictures of Kodak, for about five
            times the time.
  jpeg2000  OpenJPEG: irreversible wavelet and colour transform; the operating points are
            compression ratios.

A file is counted whole, container included, as it would lie on a disk; none carries metadata.
"""

import dataclasses
import io
from collections.abc import Callable, Sequence

import numpy as np
import PIL
from PIL import Image, features

from jaxcodec.evaluation.coder import EvaluationError


def _quality(point: float) -> dict:
    return {"quality": int(point)}


def _compression_ratio(point: float) -> dict:
    return {"quality_layers": [point]}


@dataclasses.dataclass(frozen=True)
class ClassicalCoder:
    """A `Coder` on top of Pillow.

    Attributes:
      name, points, point_name: see `Coder`; every whole number between two points is a point, too.
      pillow_format: Pillow's name of the file format.
      feature: Pillow's name of the library behind it.
      options: what is given to Pillow's `save` at every point.
      point_options: makes the options that hold at one point.
    """

    name: str
    pillow_format: str
    feature: str
    points: tuple[float, ...]
    options: dict
    point_name: str = "quality"
    point_options: Callable[[float], dict] = _quality

    @property
    def settings(self) -> dict:
        """Pillow's version, the library's version and the options of `save`."""
        return {
            "pillow": PIL.__version__,
            "library": f"{self.feature} {features.version(self.feature)}",
            "format": self.pillow_format,
            "options": self.options,
        }

    def encode(self, pixels: np.ndarray, point: float) -> bytes:
        """The file of a picture, uint8 (height, width, 1 or 3).

        Raises:
          EvaluationError: the format cannot hold it, for its size mostly.
        """
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        file = io.BytesIO()
        try:
            image.save(file, self.pillow_format, **self.options, **self.point_options(point))
        except (OSError, ValueError) as problem:
            raise EvaluationError(
                f"{self.name} cannot encode a picture of {image.width} x {image.height} pixels "
                f"({problem}); "
                "leave that baseline or that picture out"
            ) from problem
        return file.getvalue()

    def decode(self, data: bytes, point: float) -> np.ndarray:
        """The picture of a file, uint8 (height, width, 1 or 3).

        The file alone decides how, whatever the point.
        """
        with Image.open(io.BytesIO(data), formats=[self.pillow_format]) as image:
            pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
        return pixels.reshape(*pixels.shape[:2], -1)


_CODERS = (
    ClassicalCoder(
        name="jpeg",
        pillow_format="JPEG",
        feature="libjpeg_turbo",
        points=(4, 5, 6, 8, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 95),
        options={"optimize": True, "subsampling": "4:2:0"},
    ),
    ClassicalCoder(
        name="webp",
        pillow_format="WEBP",
        feature="webp",
        points=(0, 1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95),
        options={"method": 6},
    ),
    ClassicalCoder(
        name="avif",
        pillow_format="AVIF",
        feature="avif",
        points=(10, 20, 30, 40, 50, 60, 70, 80),
        options={"speed": 4, "subsampling": "4:4:4", "advanced": {"tune": "psnr"}},
    ),
    ClassicalCoder(
        name="jpeg2000",
        pillow_format="JPEG2000",
        feature="jpg_2000",
        points=(240, 160, 120, 80, 60, 40, 30, 24, 16, 12, 8),
        options={"quality_mode": "rates", "irreversible": True, "mct": 1},
        point_name="compression ratio",
        point_options=_compression_ratio,
    ),
)
BASELINES = {coder.name: coder for coder in _CODERS}
"""The classical coders by name."""


def baselines(names: Sequence[str]) -> list[ClassicalCoder]:
    """The classical coders of these names, in this order.

    Raises:
      EvaluationError: a name is unknown, or this Pillow was built without that format.
    """
    coders = []
    for name in names:
        if name not in BASELINES:
            raise EvaluationError(
                f"there is no baseline {name!r}; choose from {', '.join(BASELINES)}"
            )
        coder = BASELINES[name]
        if not features.check(coder.feature):
            raise EvaluationError(
                f"this Pillow, {PIL.__version__}, was built without {coder.feature}, which the "
                f"baseline {name} needs; "
                "install a Pillow that has it, or leave that baseline out"
            )
        coders.append(coder)
    return coders
