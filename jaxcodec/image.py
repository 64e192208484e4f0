"""Images at the edges of the codec: reading, writing, listing, padding.

Outside the networks an image is uint8, height x width x channels, with 1 (grey), 3 (RGB) or 4 (RGBA) channels; inside
they see float32 in [0, 1]. Whatever a file holds beyond that is converted, and the picture carries a note that says so.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
import threading

import numpy as np
from PIL import Image, ImageCms, ImageOps

from jaxcodec.errors import DataError, ImageError
from jaxcodec.files import MAX_PIXELS, write_atomic

MAX_SIDE = 65_535
"""Largest width and height, in pixels: the bitstream's fields hold no more."""

READ_SUFFIXES = frozenset(".png .jpg .jpeg .webp .tif .tiff .bmp .gif .ppm .pgm .avif .jp2".split())
"""Suffixes (lower case) by which `list_images` knows the images in a folder."""

_JPEG = {"format": "JPEG", "quality": 95, "subsampling": 0}
_TIFF = {"format": "TIFF", "compression": "tiff_deflate"}
_WRITERS = {
    ".png": {"format": "PNG"},
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": {"format": "WEBP", "lossless": True, "exact": True},
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
WRITE_SUFFIXES = tuple(_WRITERS)
"""Suffixes (lower case) of the formats that `write` knows."""

_PILLOW_LIMIT = threading.Lock()


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """An image as the codec takes and gives it.

    Attributes:
      pixels: uint8 (height, width, channels) with 1 (grey), 3 (RGB) or 4 (RGBA, straight alpha) channels.
      icc: the ICC profile that describes the pixels, or None (then sRGB is assumed).
      notes: what was converted or dropped while reading, one phrase each, for the user to see.

    Raises:
      ImageError: the array has another type or shape, or a side outside 1 to 65535.
    """

    pixels: np.ndarray
    icc: bytes | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        dtype, shape = getattr(self.pixels, "dtype", type(self.pixels).__name__), np.shape(self.pixels)
        if dtype != np.uint8 or len(shape) != 3 or shape[2] not in (1, 3, 4):
            raise ImageError(
                f"an image must be uint8 of shape (height, width, 1, 3 or 4), not {dtype} of shape {shape}; "
                "scale it to 0..255 and give grey images a last axis of 1"
            )
        if not all(1 <= side <= MAX_SIDE for side in shape[:2]):
            raise ImageError(f"an image of {shape[1]} x {shape[0]} pixels has a side outside 1 to {MAX_SIDE}")


def read(path: str | os.PathLike, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read an image file as 8-bit grey, RGB or RGBA, upright.

    The EXIF orientation is applied. Other modes are converted with a note: palettes to RGB or RGBA, 1 bit to grey,
    grey with alpha to RGBA, 16 bits to the high 8 bits, floats from [0, 1] (or [0, 255] where any exceeds 1), CMYK to
    sRGB through its profile where it has one. Of several frames the first is taken, with a note. An ICC profile
    is kept where it still describes the pixels, and otherwise dropped with a note.

    Args:
      path: a file in any format that Pillow reads.
      max_pixels: refuse a file that claims more pixels (width times height) than this, before decoding it.

    Raises:
      ImageError: missing, not an image, damaged, too large, or of a kind that cannot be converted.
    """
    with _pillow_errors(path), _open_any_size(path) as image:
        width, height = image.size
        if width * height > max_pixels or max(width, height) > MAX_SIDE:
            raise ImageError(
                f"{path} is {width} x {height} pixels, beyond the limit of {max_pixels} pixels in all "
                f"and {MAX_SIDE} a side; raise max_pixels (--max-pixels) if the file can be trusted, or scale it down"
            )
        notes = []
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            notes.append(f"only the first of {frames} frames is used")
        deep = _has_16_bit_samples(image)
        image.load()
        icc = image.info.get("icc_profile") or None
        ImageOps.exif_transpose(image, in_place=True)
        if deep:
            notes.append("converted from 16 to 8 bits a channel")
            if image.info.pop("transparency", None) is not None:
                notes.append("the transparent colour of a 16-bit image is dropped")
        pixels, icc = _to_8_bit(image, icc, notes)
        if icc is not None and icc[16:20] != (b"GRAY" if pixels.shape[2] == 1 else b"RGB "):
            notes.append("dropped an ICC profile that does not fit the converted pixels")
            icc = None
        return Picture(pixels, icc, tuple(notes))


def write(path: str | os.PathLike, picture: Picture) -> None:
    """Write `picture` to `path`, whole or not at all, in the format of its suffix.

    PNG, TIFF and WebP (which holds grey as RGB) are written without loss, JPEG at quality 95 without chroma
    subsampling; all keep the profile.

    Raises:
      ImageError: an unknown suffix, a format that cannot hold the picture (alpha in a JPEG, a side over the
        format's limit), or a file that cannot be written (missing folder, full disk).
    """
    options = _WRITERS.get(pathlib.Path(path).suffix.lower())
    if options is None:
        raise ImageError(f"cannot tell the format of {path}; use one of the suffixes {' '.join(WRITE_SUFFIXES)}")
    pixels = picture.pixels
    if options["format"] == "JPEG" and pixels.shape[2] == 4:
        raise ImageError(f"cannot write {path}: a JPEG cannot hold the picture's alpha channel; use .png or .webp")
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    encoded = io.BytesIO()
    try:
        image.save(encoded, icc_profile=picture.icc, **options)
    except (OSError, ValueError) as problem:
        raise ImageError(f"cannot write {path} as {options['format']}: {problem}") from problem
    write_atomic(path, encoded.getbuffer(), ImageError)


def list_images(path: str | os.PathLike) -> list[pathlib.Path]:
    """The images that `path` names: itself if a file, else those in the folder (not deeper), sorted by name.

    In a folder the suffix decides (see READ_SUFFIXES), and hidden files are passed over; nothing is opened.

    Raises:
      DataError: `path` does not exist, or is a folder without images.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist; give an image or a folder of images")
    if not path.is_dir():
        return [path]
    images = sorted(
        entry for entry in path.iterdir() if entry.suffix.lower() in READ_SUFFIXES and not entry.name.startswith(".")
    )
    if not images:
        raise DataError(f"the folder {path} holds no images; known suffixes are {' '.join(sorted(READ_SUFFIXES))}")
    return images


def pad_to_multiple(pixels: np.ndarray, multiple: int) -> np.ndarray:
    """Extend (..., H, W, C) at the bottom and right, repeating the edge, until `multiple` divides H and W."""
    height, width = pixels.shape[-3:-1]
    if height % multiple == 0 and width % multiple == 0:
        return pixels
    fill = [(0, 0)] * (pixels.ndim - 3) + [(0, -height % multiple), (0, -width % multiple), (0, 0)]
    return np.pad(pixels, fill, mode="edge")


def crop(pixels, height: int, width: int):
    """The top left `height` x `width` of a NumPy or JAX array (..., H, W, C): undoes `pad_to_multiple`."""
    return pixels[..., :height, :width, :]


def to_float(pixels):
    """uint8 0..255 to float32 [0, 1], same shape; takes a NumPy or a JAX array and returns the same kind."""
    if pixels.dtype != np.uint8:
        raise TypeError(f"to_float takes uint8 pixels, not {pixels.dtype}")
    return pixels.astype(np.float32) / np.float32(255)


def to_uint8(values):
    """float [0, 1] to uint8 0..255, clipped, rounded to nearest; takes a NumPy or a JAX array, returns the same kind."""
    return (values.clip(0, 1) * np.float32(255)).round().astype(np.uint8)


@contextlib.contextmanager
def _pillow_errors(path):
    """Turn whatever Pillow's format readers raise at a damaged file, which is nearly anything, into ImageError."""
    try:
        yield
    except ImageError:
        raise
    except Image.UnidentifiedImageError as problem:
        raise ImageError(f"{path} is not an image in a known format") from problem
    except Exception as problem:
        reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        raise ImageError(f"cannot read {path}: {reason}") from problem


def _open_any_size(path) -> Image.Image:
    """Image.open without Pillow's own limit on pixels, which warns and is global; `read` applies the caller's."""
    with _PILLOW_LIMIT:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(path)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _has_16_bit_samples(image: Image.Image) -> bool:
    """Whether the file holds 16 bits a channel; Pillow shows colour as 8 bits, so only the raw mode tells."""
    if image.mode.startswith("I"):
        return True
    arguments = image.tile[0][3] if image.tile else None
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return isinstance(raw_mode, str) and ";16" in raw_mode and not raw_mode.startswith("BGR")


def _to_8_bit(image: Image.Image, icc: bytes | None, notes: list[str]) -> tuple[np.ndarray, bytes | None]:
    """Pixels (height, width, 1, 3 or 4) of an opened image, and the profile unless it was used up; adds notes."""
    mode = image.mode
    if mode.startswith(("I", "F")):
        return _numbers_to_8_bit(np.asarray(image), notes)[:, :, None], icc
    if mode == "CMYK" and icc is not None:
        try:
            pixels = np.asarray(_cmyk_to_srgb(image, icc))
            notes.append("converted from CMYK to sRGB by its ICC profile")
            return pixels, None
        except ImageCms.PyCMSError:
            notes.append("dropped an ICC profile that does not fit CMYK")
            icc = None
    target = _target_mode(image)
    if target != mode:
        notes.append(f"converted from {_MODE_NAMES.get(mode, mode)} to {_MODE_NAMES[target]}")
        image = image.convert(target)
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], -1), icc


_MODE_NAMES = {
    "1": "1 bit", "L": "grey", "LA": "grey with alpha", "P": "a palette", "PA": "a palette with alpha",
    "RGB": "RGB", "RGBA": "RGBA",
}  # fmt: skip


def _target_mode(image: Image.Image) -> str:
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"


def _cmyk_to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, io.BytesIO(icc), srgb, outputMode="RGB")


def _numbers_to_8_bit(values: np.ndarray, notes: list[str]) -> np.ndarray:
    """One channel of 16-bit integers (in 32 bits, too) or floats (height, width) to uint8; adds notes."""
    if values.dtype.kind in "ui":
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError("its 32-bit values leave the range 0 to 65535; convert it to 8 or 16 bits first")
        return (values >> 8).astype(np.uint8)  # the high byte, as Pillow takes it for 16-bit colour
    if not np.isfinite(values).all():
        raise ValueError("some of its values are not finite numbers; replace them first")
    limit = 255 if values.max() > 1 else 1
    notes.append(f"converted from floats in [0, {limit}] to 8 bits a channel")
    return to_uint8(values / limit)
