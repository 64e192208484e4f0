"""ICC profiles of standard colour spaces, each with a number.

`tools/make_profiles.py` made their files.
"""

import functools
import io
import pathlib

import numpy as np
from PIL import Image, ImageCms

NAMES = {
    1: "sRGB",
    2: "Display P3",
    3: "Adobe RGB (1998)",
    4: "ProPhoto RGB",
    5: "grey, gamma 2.2",
    6: "grey, sRGB's curve",
}
"""The standard profiles by number."""

_FILES = {1: "srgb", 2: "display_p3", 3: "adobe_rgb", 4: "prophoto", 5: "grey_22", 6: "grey_srgb"}
_FOLDER = pathlib.Path(__file__).resolve().parent / "icc"
_MODES = {b"RGB ": "RGB", b"GRAY": "L"}
_INTENTS = ImageCms.Intent.PERCEPTUAL, ImageCms.Intent.RELATIVE_COLORIMETRIC
_TOLERANCE = 1  # steps of Lab in 8 bits, which the rounding of two profiles' numbers makes


@functools.cache
def content(number: int) -> bytes:
    """The profile of that number."""
    return (_FOLDER / f"{_FILES[number]}.icc").read_bytes()


@functools.lru_cache(maxsize=8)
def number(profile: bytes) -> int | None:
    """The number of the standard profile that means the same as `profile`, or None.

    It does where every sample has the same colour in Lab under both, to the rounding of 8 bits,
    whatever the intent: so that names, versions and copyrights do not count, and tables for an
    intent do.
    """
    try:
        colours = _lab(profile)
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError):  # nothing that littlecms can read
        return None
    same_space = [number for number in NAMES if content(number)[16:20] == profile[16:20]]
    return next(
        (number for number in same_space if _differ(colours, _standard_lab(number)) <= _TOLERANCE),
        None,
    )


def convert(pixels: np.ndarray, profile: bytes, number: int) -> np.ndarray:
    """Pixels uint8 (height, width, 1 or 3) from a profile to the standard one of a number.

    Raises:
      ImageCms.PyCMSError, OSError: littlecms cannot read the profile, or it is of other channels.
    """
    own, standard = (
        ImageCms.ImageCmsProfile(io.BytesIO(each)) for each in (profile, content(number))
    )
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return np.asarray(ImageCms.profileToProfile(image, own, standard)).reshape(pixels.shape)


@functools.cache
def _standard_lab(number: int) -> np.ndarray:
    return _lab(content(number))


def _lab(profile: bytes) -> np.ndarray:
    """What the samples are under a profile: L, a and b as bytes, for each intent."""
    samples = _samples(_MODES[profile[16:20]])
    lab, own = ImageCms.createProfile("LAB"), ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return np.stack(
        [
            np.asarray(
                ImageCms.profileToProfile(
                    samples, own, lab, renderingIntent=intent, outputMode="LAB"
                )
            )
            for intent in _INTENTS
        ]
    )


def _differ(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference; a and b are signed, so that their bytes go round."""
    return np.abs((one - other).view(np.int8).astype(int)).max()


@functools.cache
def _samples(mode: str) -> Image.Image:
    """All greys, and a grid of colours that has the ends and the dark ones."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.array([0, 4, 8, 16, 32, 64, 96, 128, 160, 192, 224, 240, 255], np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    greys = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    return Image.fromarray(np.concatenate([grid, greys])[None])
