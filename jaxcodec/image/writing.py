"""Pictures to image files, by Pillow."""

import io
import os
import pathlib

from PIL import Image

from jaxcodec.errors import ImageError
from jaxcodec.files import write_atomic
from jaxcodec.image.picture import Picture

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
