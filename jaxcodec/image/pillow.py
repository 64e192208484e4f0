"""Pixels of a Pillow image of any mode, and the files that Pillow opens."""

import re
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, TiffImagePlugin

from jaxcodec.image import colour, samples
from jaxcodec.image.decoded import Refused

FORMATS = (
    "PNG",
    "JPEG",
    "WEBP",
    "GIF",
    "BMP",
    "DIB",
    "PPM",
    "AVIF",
    "JPEG2000",
    "TGA",
    "ICO",
    "CUR",
    "ICNS",
    "SGI",
    "PCX",
    "DDS",
    "PSD",
    "QOI",
    "SUN",
    "XPM",
)
"""What is read through Pillow: not what starts another program (EPS), has a range of its own (FITS)
or comes out as a negative (XBM).
"""

_GLOBALS = threading.Lock()
_MODE_NAMES = {
    "1": "1 bit", "L": "grey", "LA": "grey with alpha", "La": "grey with alpha", "P": "a palette",
    "PA": "a palette with alpha", "RGB": "RGB", "RGBA": "RGBA",
}  # fmt: skip


def open_image(file: BinaryIO, formats: tuple[str, ...] | None = FORMATS) -> ImageFile.ImageFile:
    """Image.open for any number of pixels, with TIFF always by libtiff.

    Pillow's own code misreads some layouts of TIFF.

    Both are globals of Pillow; nothing is decoded here, and the caller checks the size before it
    loads.
    """
    file.seek(0)
    with _GLOBALS:
        before = Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF
        Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF = None, True
        try:
            with warnings.catch_warnings(
                category=UserWarning, action="ignore"
            ):  # of EXIF blocks, which are checked later
                return Image.open(file, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS, TiffImagePlugin.READ_LIBTIFF = before


def raw_mode(image: Image.Image) -> str:
    """The layout of samples in the file ("RGB;16B"), of an image that is not loaded yet."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else None
    mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return mode if isinstance(mode, str) else ""


def bits(image: Image.Image) -> int:
    """16 where an image that is not loaded has samples of 16 bits, else 8."""
    mode = raw_mode(image)
    return 16 if ";16" in mode and not mode.startswith("BGR") else 8


def samples_of_16_bits(file: BinaryIO, image: Image.Image) -> np.ndarray | None:
    """uint16 (height, width, 3 or 4) of RGB or RGBA of 16 bits, or None for another image.

    Pillow shows such colour by its high bytes; a second reading with the bytes swapped shows the
    low ones.
    """
    found = re.fullmatch(r"(RGBA?);16([LBN])", raw_mode(image))
    if not found or found[1] != image.mode:
        return None
    high = np.asarray(image)
    swapped_image = open_image(file, (str(image.format),))
    little = found[2] == "L" or found[2] == "N" and sys.byteorder == "little"
    swapped = f"{found[1]};16{'B' if little else 'L'}"
    swapped_image.tile = [
        tile._replace(args=(swapped, *tile.args[1:]) if isinstance(tile.args, tuple) else swapped)
        for tile in swapped_image.tile
    ]
    return (high.astype(np.uint16) << 8) | np.asarray(swapped_image)


def to_pixels(
    image: Image.Image, icc: bytes | None, notes: list[str]
) -> tuple[np.ndarray, bytes | None]:
    """uint8 (height, width, 1, 3 or 4) of a Pillow image, and its profile; adds notes.

    The profile is None where the conversion used it up.
    """
    mode = image.mode
    if mode.startswith("I"):
        return _integers(image, notes)[:, :, None], icc
    if mode == "F":
        return samples.floats_to_uint8(np.asarray(image), notes)[:, :, None], icc
    if mode == "CMYK":
        return np.asarray(colour.cmyk_to_srgb(image, icc, notes)), None
    if mode == "LAB":
        return np.asarray(colour.lab_to_srgb(image, notes)), None
    if mode == "RGBa":
        return np.asarray(image.convert("RGBA")), icc
    target = _target_mode(image)
    if target != mode:
        notes.append(f"converted from {_MODE_NAMES.get(mode, mode)} to {_MODE_NAMES[target]}")
        image = _converted(image, target)
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], -1), icc


def _integers(image: Image.Image, notes: list[str]) -> np.ndarray:
    values = np.asarray(image)
    if image.mode == "I" and image.format == "PPM":
        values = values.astype(np.uint16)  # scaled to 16 bits, but in 32
    return samples.integers_to_uint8(values, 8 * values.itemsize, notes)


def _target_mode(image: Image.Image) -> str:
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"


def _converted(image: Image.Image, target: str) -> Image.Image:
    if image.mode == "La":
        image = image.convert("LA")
    return image.convert(target)


def with_transparent_colour(values: np.ndarray, colour_key: Sequence[int]) -> np.ndarray:
    """Samples (height, width, 1 or 3) with an alpha channel (RGBA).

    Alpha is 0 where all samples equal the key, else full.
    """
    if values.shape[2] != len(colour_key):
        raise Refused(
            "has a transparent colour of another number of channels; its tRNS chunk is damaged"
        )
    alpha = np.where(
        (values == np.asarray(colour_key)).all(axis=2, keepdims=True), 0, np.iinfo(values.dtype).max
    )
    height, width, _ = values.shape
    return np.concatenate(
        [np.broadcast_to(values, (height, width, 3)), alpha.astype(values.dtype)], axis=2
    )
