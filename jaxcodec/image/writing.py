"""Pictures to image files, by Pillow."""

import io
import math
import os
import pathlib
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, PngImagePlugin, TiffTags

from jaxcodec.errors import ImageError
from jaxcodec.files import write_atomic
from jaxcodec.image import metadata, standard_profiles
from jaxcodec.image.picture import Picture


class _Format(NamedTuple):
    """A format of Pillow: how it is written, and what it holds."""

    name: str
    options: dict[str, Any]
    alpha: bool = False
    grey: bool = True
    icc_bytes: int = 1 << 30
    text_bytes: int = 1 << 30  # of the EXIF block, and of the XMP packet
    max_dpi: float = 5e7


_PNG = _Format("PNG", {}, alpha=True)
_JPEG = _Format(
    "JPEG",
    {"quality": 95, "subsampling": 0},
    icc_bytes=255 * 65_519,
    text_bytes=65_504,
    max_dpi=65_535,
)
_WEBP = _Format("WebP", {"lossless": True, "exact": True}, alpha=True, grey=False, max_dpi=0)
_TIFF = _Format("TIFF", {"compression": "tiff_deflate"}, alpha=True)
_BMP = _Format("BMP", {}, icc_bytes=0, text_bytes=0)
_PPM = _Format("PPM", {}, icc_bytes=0, text_bytes=0, max_dpi=0)
_FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jpe": _JPEG,
    ".jfif": _JPEG,
    ".webp": _WEBP,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": _BMP,
    ".ppm": _PPM,
    ".pgm": _PPM,
    ".pnm": _PPM,
}
WRITE_SUFFIXES = tuple(_FORMATS)
"""Suffixes (lower case) of the formats that `write` knows."""

_SRGB, _GREY_SRGB = 1, 6  # standard profiles that mean what a picture without one means
_DESCRIPTIVE_TAGS = {270, 271, 272, 282, 283, 296, 305, 306, 315}
"""Tags below _FIRST_PRIVATE that describe a picture; the others are its layout."""

_FIRST_PRIVATE = 32_768


def write(
    target: str | os.PathLike[str] | BinaryIO, picture: Picture, format: str | None = None
) -> tuple[str, ...]:
    """Write a picture to a file, whole or not at all.

    PNG, TIFF, WebP, BMP and PPM are written without loss, JPEG at quality 95 without chroma
    subsampling. All but BMP and PPM keep ICC profile, EXIF and XMP (a TIFF with EXIF is not
    compressed); PNG, JPEG, TIFF and BMP the resolution. Where a profile cannot stay (in BMP and
    PPM; of a grey picture in WebP, which holds grey as RGB), the pixels are converted to sRGB. No
    orientation is written.

    Args:
      target: a path, or a file opened for writing bytes.
      picture: what to write.
      format: a suffix of WRITE_SUFFIXES, with or without its dot; without it that of the path.

    Returns:
      what was converted or dropped, one phrase each, for the user to see.

    Raises:
      ImageError: an unknown format, one that cannot hold the picture (alpha in a JPEG, a side over
        the format's limit), or a file that cannot be written (missing folder, full disk).
    """
    is_path = isinstance(target, str | os.PathLike)
    name = str(target) if is_path else getattr(target, "name", "the file")
    chosen = _FORMATS.get(_suffix(name, format))
    if chosen is None:
        raise ImageError(
            f"cannot tell the format of {name}; use one of the suffixes {' '.join(WRITE_SUFFIXES)}"
        )
    if picture.pixels.shape[2] == 4 and not chosen.alpha:
        raise ImageError(
            f"cannot write {name}: a {chosen.name} cannot hold the picture's alpha channel; use "
            ".png or .webp"
        )
    notes: list[str] = []
    try:
        encoded = _encoded(picture, chosen, notes)
    except (OSError, ValueError) as problem:
        raise ImageError(f"cannot write {name} as {chosen.name}: {problem}") from problem
    if is_path:
        write_atomic(target, encoded, ImageError)
    else:
        try:
            target.write(encoded)
        except OSError as problem:
            raise ImageError(f"cannot write {name}: {problem.strerror or problem}") from problem
    return tuple(notes)


def _suffix(name: str, format: str | None) -> str:
    return (
        pathlib.Path(name).suffix.lower()
        if format is None
        else f".{format.lower().removeprefix('.')}"
    )


def _encoded(picture: Picture, chosen: _Format, notes: list[str]) -> memoryview:
    """The bytes of the file; adds notes."""
    pixels, icc = _with_profile(picture, chosen, notes)
    exif, _ = metadata.upright_exif(picture.exif, notes)
    described = {"exif": exif, "xmp": metadata.upright_xmp(picture.xmp)}
    for name, content in described.items():
        if content is not None and len(content) > chosen.text_bytes:
            described[name] = None
            notes.append(
                f"dropped {name.upper()} of {len(content):,} bytes, which a {chosen.name} cannot "
                "hold"
            )
    dpi = (
        picture.dpi if picture.dpi and all(0 < value < math.inf for value in picture.dpi) else None
    )
    options = (
        chosen.options
        | {"icc_profile": icc, "dpi": dpi}
        | _described(chosen, described["exif"], described["xmp"], dpi)
    )
    if dpi is not None and max(dpi) > chosen.max_dpi:
        del options["dpi"]
        if "exif" not in options:
            notes.append(f"dropped the resolution, which a {chosen.name} cannot hold")
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    try:
        return _saved(image, chosen, options)
    except (
        Exception
    ):  # what Pillow raises at an EXIF block that it cannot take apart is nearly anything
        if chosen is not _TIFF or exif is None:
            raise
    notes.append("dropped an EXIF block, which cannot be written as tags of a TIFF")
    return _saved(
        image, chosen, options | chosen.options | _described(chosen, None, described["xmp"], dpi)
    )


def _saved(image: Image.Image, chosen: _Format, options: dict[str, Any]) -> memoryview:
    encoded = io.BytesIO()
    image.save(
        encoded,
        chosen.name,
        **{name: value for name, value in options.items() if value is not None},
    )
    return encoded.getbuffer()


def _with_profile(
    picture: Picture, chosen: _Format, notes: list[str]
) -> tuple[np.ndarray, bytes | None]:
    """Pixels and the profile for the format; adds notes.

    The profile is the picture's own, or none, with the pixels in sRGB.
    """
    pixels, icc = picture.pixels, picture.icc
    if icc is None:
        return pixels, None
    grey = pixels.shape[2] == 1
    if icc[16:20] != (b"GRAY" if grey else b"RGB "):
        notes.append("dropped an ICC profile that does not fit the pixels")
        return pixels, None
    if len(icc) <= chosen.icc_bytes and (chosen.grey or not grey):
        return pixels, icc
    standard = _GREY_SRGB if grey else _SRGB
    if standard_profiles.number(icc) == standard:
        return pixels, None
    try:
        converted = standard_profiles.convert(pixels, icc, standard)
    except (ImageCms.PyCMSError, OSError):  # nothing that littlecms can read
        notes.append(f"dropped an ICC profile, which a {chosen.name} cannot hold")
        return pixels, None
    notes.append(f"converted to sRGB by its ICC profile, which a {chosen.name} cannot hold")
    return converted, None


def _described(chosen: _Format, exif: bytes | None, xmp: bytes | None, dpi) -> dict[str, Any]:
    """EXIF and XMP as Pillow takes them for a format."""
    if chosen is _PNG:
        info = PngImagePlugin.PngInfo()
        if xmp is not None:
            info.add_itxt("XML:com.adobe.xmp", xmp)
        return {"exif": exif, "pnginfo": info}
    if chosen is _TIFF:
        tags = _descriptive(exif)
        if xmp is not None:
            tags[ExifTags.Base.XMLPacket] = xmp
        nested = any(tag in TiffTags.TAGS_V2_GROUPS for tag in tags)
        return {"exif": tags} | (
            {"compression": None} if nested else {}
        )  # libtiff cannot write them
    if chosen is _WEBP and exif is None and dpi is not None:
        exif = _resolution(dpi)  # the only place for it
    options = {"xmp": xmp} | ({} if exif is None else {"exif": b"Exif\0\0" + exif})
    return options


def _descriptive(exif: bytes | None) -> Image.Exif:
    """Tags of an EXIF block for a TIFF file of other pixels."""
    tags = Image.Exif()
    if exif is not None:
        tags.load(exif)
    for tag in list(tags):
        if tag < _FIRST_PRIVATE and tag not in _DESCRIPTIVE_TAGS:
            del tags[tag]
    return tags


def _resolution(dpi: tuple[float, float]) -> bytes:
    """An EXIF block of a resolution alone."""
    tags = Image.Exif()
    tags[ExifTags.Base.XResolution], tags[ExifTags.Base.YResolution] = dpi
    tags[ExifTags.Base.ResolutionUnit] = 2
    return tags.tobytes().removeprefix(b"Exif\0\0")
