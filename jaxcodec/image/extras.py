"""Readers that need an extra.

HEIC is read by pillow-heif, JPEG XL and deep JPEG 2000 by imagecodecs.
"""

from typing import BinaryIO

import numpy as np
from PIL import Image

from jaxcodec.image import iso, samples
from jaxcodec.image.decoded import Decoded, Refused, check_size

_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def open_heic(file: BinaryIO) -> Image.Image:
    """A HEIC file, opened and not yet decoded, upright.

    Raises:
      Refused: pillow-heif is not installed.
    """
    try:
        from pillow_heif import HeifImageFile  # pyright: ignore[reportMissingImports] the extra heif
    except ImportError:
        raise Refused(
            "is a HEIC file, which needs pillow-heif; install it (pip install 'jaxcodec[heif]') or "
            "convert it to PNG"
        ) from None
    file.seek(0)
    try:
        return HeifImageFile(file)
    except SyntaxError as problem:
        raise Refused(f"begins as a HEIC file, but is damaged ({problem})") from problem


def read_jpeg_xl(file: BinaryIO, max_pixels: int) -> Decoded:
    """Read a JPEG XL file, upright; its colours are taken as sRGB.

    Raises:
      Refused: imagecodecs is not installed, or the file is damaged or too large.
    """
    try:
        import imagecodecs  # pyright: ignore[reportMissingImports] the extra jxl
    except ImportError:
        raise Refused(
            "is a JPEG XL file, which needs imagecodecs; install it (pip install 'jaxcodec[jxl]') "
            "or convert it to PNG"
        ) from None
    contents = _contents(file)
    stream = contents.get(b"jxlc", b"")
    width, height, is_default = _size(stream)
    check_size(width, height, max_pixels)
    file.seek(0)
    try:
        values = imagecodecs.jpegxl_decode(file.read())
    except (RuntimeError, ValueError) as problem:
        raise Refused(f"begins as a JPEG XL file, but is damaged ({problem})") from problem
    notes = []
    if values.ndim == 4:
        notes.append(f"only the first of {len(values)} frames is used")
        values = values[0]
    if not is_default:
        notes.append("its colours are taken as sRGB; a profile in a JPEG XL file is not read")
    exif = contents.get(b"Exif", b"")[4:] or None  # after the offset of its header, which is 0
    return Decoded(
        _to_pixels(values, notes), exif=exif, xmp=contents.get(b"xml "), orientation=1, notes=notes
    )


def read_deep_jpeg_2000(file: BinaryIO, image: Image.Image, bits: int) -> Decoded:
    """Read a JPEG 2000 file in colour of more than 8 bits, which Pillow has opened.

    Pillow itself would turn its white to black.

    Raises:
      Refused: imagecodecs is not installed, or the file is damaged or has luma and chroma.
    """
    try:
        import imagecodecs  # pyright: ignore[reportMissingImports] the extra jp2
    except ImportError:
        raise Refused(
            f"is a JPEG 2000 file of {bits} bits a channel, which needs imagecodecs; "
            "install it (pip install 'jaxcodec[jp2]') or save it with 8 bits"
        ) from None
    if iso.is_jpeg_2000_ycc(file):
        raise Refused(
            f"is a JPEG 2000 file of luma and chroma of {bits} bits; save it as RGB or with 8 bits"
        )
    file.seek(0)
    values = imagecodecs.jpeg2k_decode(file.read())
    notes: list[str] = []
    return Decoded(
        _to_pixels(values, notes, bits), image.info.get("icc_profile") or None, notes=notes
    )


def _to_pixels(values: np.ndarray, notes: list[str], bits: int | None = None) -> np.ndarray:
    values = values.reshape(*values.shape[:2], -1)
    if values.shape[2] not in (1, 2, 3, 4):
        raise Refused(f"has {values.shape[2]} channels; convert it to RGB first")
    if values.dtype.kind == "f":
        values = samples.floats_to_uint8(values, notes)
    else:
        values = samples.integers_to_uint8(values, bits or 8 * values.itemsize, notes)
    if values.shape[2] == 2:
        notes.append("converted from grey with alpha to RGBA")
        values = values[..., [0, 0, 0, 1]]
    return values


def _contents(file: BinaryIO) -> dict[bytes, bytes]:
    """The start of the stream ("jxlc") and whole metadata boxes of a JPEG XL file.

    The stream may be bare or in boxes.
    """
    file.seek(0)
    start = file.read(64)
    if start.startswith(b"\xff\x0a"):
        return {b"jxlc": start}
    found: dict[bytes, bytes] = {}
    for name, at, size in iso.boxes(file):
        if name in (b"Exif", b"xml ", b"jxlc", b"jxlp"):
            file.seek(at + 4 if name == b"jxlp" else at)
            content = file.read(size if name in (b"Exif", b"xml ") else 64)
            found.setdefault(b"jxlc" if name == b"jxlp" else name, content)
    return found


def _size(stream: bytes) -> tuple[int, int, bool]:
    """Width, height, and whether the rest of a JPEG XL stream's header is the default.

    The default is 8 bits and sRGB.
    """
    number = int.from_bytes(stream[2:64], "little")

    def take(count: int) -> int:
        nonlocal number
        value, number = number & ((1 << count) - 1), number >> count
        return value

    def side(small: int) -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    if not stream.startswith(b"\xff\x0a") or len(stream) < 4:
        raise Refused("is a damaged JPEG XL file: its stream does not begin with a header")
    small = take(1)
    height = side(small)
    ratio = take(3)
    width = height * _RATIOS[ratio - 1][0] // _RATIOS[ratio - 1][1] if ratio else side(small)
    return width, height, bool(take(1))
