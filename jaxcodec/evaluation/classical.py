"""Classical codecs as baselines: JPEG, WebP, AVIF and JPEG 2000 by Pillow, JPEG XL by imagecodecs.

Settings are chosen for the best PSNR at a rate, but for those of `avif_default`.

  jpeg          libjpeg-turbo: optimised Huffman tables, 4:2:0.
  webp          libwebp, lossy: method 6, the slowest and best.
  avif          libaom by libavif: speed 4, 4:4:4, tuned for PSNR; 13 % fewer bits than Pillow's
                defaults on four pictures of Kodak, for about five times the time.
  jpeg2000      OpenJPEG: irreversible wavelet and colour transform; the operating points are
                compression ratios.
  avif_default  AVIF as most people write it, by Pillow's defaults: speed 6, 4:2:0, tuned for the
                eye.
  jpegxl        libjxl, lossy: effort 7, which is cjxl's; it needs the extra `jxl`.

Some have a setting that trades time for bits: `named("avif@speed=0")`. `encode` and `decode` are
the same in one call each.

A file is counted whole, container included, as it would lie on a disk; none carries metadata.
"""

import dataclasses
import importlib.util
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import PIL
from PIL import Image, features

from jaxcodec.evaluation.coder import Coder, EvaluationError


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
      ranges: lowest and highest value of the options that a caller may set.
    """

    name: str
    pillow_format: str
    feature: str
    points: tuple[float, ...]
    options: dict
    point_name: str = "quality"
    point_options: Callable[[float], dict] = _quality
    ranges: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)

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
            raise _refused(self.name, pixels, problem) from problem
        return file.getvalue()

    def decode(self, data: bytes, point: float) -> np.ndarray:
        """The picture of a file, uint8 (height, width, 1 or 3).

        The file alone decides how, whatever the point.
        """
        with Image.open(io.BytesIO(data), formats=[self.pillow_format]) as image:
            pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
        return pixels.reshape(*pixels.shape[:2], -1)

    def missing(self) -> str | None:
        """Why it cannot run here, or None."""
        if features.check(self.feature):
            return None
        return (
            f"this Pillow, {PIL.__version__}, was built without {self.feature}, which the baseline "
            f"{self.name} needs; install a Pillow that has it, or leave that baseline out"
        )


@dataclasses.dataclass(frozen=True)
class JpegXlCoder:
    """A `Coder` on top of imagecodecs, whose points are qualities as cjxl has them.

    Attributes:
      name, points, point_name: see `Coder`; every whole number between two points is a point, too.
      options: what is given to `imagecodecs.jpegxl_encode` at every point.
      ranges: lowest and highest value of the options that a caller may set.
    """

    name: str
    points: tuple[float, ...]
    options: dict
    point_name: str = "quality"
    ranges: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)

    @property
    def settings(self) -> dict:
        """The versions of imagecodecs and libjxl, and the options."""
        codecs = _imagecodecs()
        return {
            "imagecodecs": codecs.__version__,
            "library": codecs.jpegxl_version(),
            "options": self.options,
        }

    def encode(self, pixels: np.ndarray, point: float) -> bytes:
        """The file of a picture, uint8 (height, width, 1 or 3).

        Raises:
          EvaluationError: the format cannot hold it.
        """
        codecs = _imagecodecs()
        picture = np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        try:
            return bytes(
                codecs.jpegxl_encode(picture, distance=butteraugli_of(point), **self.options)
            )
        except (RuntimeError, ValueError) as problem:
            raise _refused(self.name, pixels, problem) from problem

    def decode(self, data: bytes, point: float) -> np.ndarray:
        """The picture of a file, uint8 (height, width, 1 or 3), whatever the point."""
        pixels = _imagecodecs().jpegxl_decode(data)
        return pixels.reshape(*pixels.shape[:2], -1)

    def missing(self) -> str | None:
        """Why it cannot run here, or None."""
        if importlib.util.find_spec("imagecodecs") is not None:
            return None
        return (
            f"the baseline {self.name} needs imagecodecs; install it (pip install 'jaxcodec[jxl]'),"
            " or leave that baseline out"
        )


def butteraugli_of(quality: float) -> float:
    """The Butteraugli distance that stands for a quality of 0 to 100, as cjxl's `--quality` has it:
    libjxl's `JxlEncoderDistanceFromQuality`, for lossy files.
    """
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def _imagecodecs() -> Any:
    import imagecodecs  # pyright: ignore[reportMissingImports] the extra jxl

    return imagecodecs


def _refused(name: str, pixels: np.ndarray, problem: Exception) -> EvaluationError:
    height, width = pixels.shape[:2]
    return EvaluationError(
        f"{name} cannot encode a picture of {width} x {height} pixels ({problem}); "
        "leave that baseline or that picture out"
    )


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
        ranges={"method": (0, 6)},
    ),
    ClassicalCoder(
        name="avif",
        pillow_format="AVIF",
        feature="avif",
        points=(10, 20, 30, 40, 50, 60, 70, 80),
        options={"speed": 4, "subsampling": "4:4:4", "advanced": {"tune": "psnr"}},
        ranges={"speed": (0, 10)},
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
    ClassicalCoder(
        name="avif_default",
        pillow_format="AVIF",
        feature="avif",
        points=(10, 20, 30, 40, 50, 60, 70, 80),
        options={},
        ranges={"speed": (0, 10)},
    ),
    JpegXlCoder(
        name="jpegxl",
        points=(5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95),
        options={"effort": 7},
        ranges={"effort": (1, 10)},
    ),
)
BASELINES: Mapping[str, ClassicalCoder | JpegXlCoder] = {coder.name: coder for coder in _CODERS}
"""The classical coders by name, with the settings that they have unless a caller says otherwise."""


def baselines(names: Sequence[str]) -> list[Coder]:
    """The classical coders of these names, `NAME` or `NAME@SETTING=VALUE`, in this order.

    Raises:
      EvaluationError: a name or a setting is unknown, a value is out of its range, or what a coder
        needs is not installed: this Pillow was built without that format, say.
    """
    return [named(name) for name in names]


def named(name: str) -> ClassicalCoder | JpegXlCoder:
    """The classical coder of a name, `NAME` or `NAME@SETTING=VALUE[@SETTING=VALUE...]`.

    Raises: as `baselines`.
    """
    bare, *given = name.split("@")
    settings: dict[str, int] = {}
    for setting in given:
        key, _, value = setting.partition("=")
        if not value.isdecimal():
            raise EvaluationError(
                f"{name!r} is no baseline with a setting; give one as in avif@speed=0"
            )
        settings[key] = int(value)
    return with_settings(bare, **settings)


def with_settings(name: str, **settings: int) -> ClassicalCoder | JpegXlCoder:
    """The classical coder of a name with some options set, under a name that tells them.

    Raises: as `baselines`.
    """
    if name not in BASELINES:
        raise EvaluationError(f"there is no baseline {name!r}; choose from {', '.join(BASELINES)}")
    coder = BASELINES[name]
    for setting, value in settings.items():
        if setting not in coder.ranges:
            known = ", ".join(coder.ranges) or "none"
            raise EvaluationError(
                f"the baseline {name} has no setting {setting!r}; those that can be given: {known}"
            )
        low, high = coder.ranges[setting]
        if not low <= value <= high:
            raise EvaluationError(
                f"a {setting} of {value} is out of range for the baseline {name}; give {low} to "
                f"{high}"
            )
    if (problem := coder.missing()) is not None:
        raise EvaluationError(problem)
    told = "".join(f"@{setting}={value}" for setting, value in settings.items())
    return dataclasses.replace(coder, name=name + told, options=coder.options | settings)


def encode(name: str, pixels: np.ndarray, quality: float, **settings: int) -> bytes:
    """The file that a classical codec makes of a picture.

    Args:
      name: a key of `BASELINES`.
      pixels: uint8 (height, width, 1 or 3).
      quality: an operating point of that codec: 0 to 100, a compression ratio for JPEG 2000.
      **settings: options to set, `speed=0` for AVIF or `effort=9` for JPEG XL say.

    Raises: as `baselines`; EvaluationError too where the format cannot hold the picture.
    """
    return with_settings(name, **settings).encode(pixels, quality)


def decode(name: str, data: bytes) -> np.ndarray:
    """The picture of a file that a classical codec made, uint8 (height, width, 1 or 3).

    Raises: as `baselines`.
    """
    return with_settings(name).decode(data, 0)
