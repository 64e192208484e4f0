"""Image files to pictures, by Pillow."""

import contextlib
import io
import os
import threading

import numpy as np
from PIL import Image, ImageCms, ImageOps

from jaxcodec.errors import ImageError
from jaxcodec.files import MAX_PIXELS
from jaxcodec.image.arrays import to_uint8
from jaxcodec.image.picture import MAX_SIDE, Picture

_PILLOW_LIMIT = threading.Lock()


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
        return Picture(pixels, icc, notes=tuple(notes))


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
