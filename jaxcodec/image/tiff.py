"""TIFF files: plain ones by libtiff (in Pillow), all others by tifffile.

libtiff knows every compression.

Plain is what Pillow is known to read right. tifffile gives the samples as they are stored, with
what the tags say of them, and what they mean is decided here. It needs imagecodecs (an extra) for
some compressions.
"""

import logging
import struct
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from jaxcodec.image import colour, metadata, pillow, samples
from jaxcodec.image.decoded import Decoded, Refused, check_size

_GREY = (0, 1)
_RGB, _PALETTE, _CMYK, _YCBCR, _CIELAB, _ICCLAB = 2, 3, 5, 6, 8, 9
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 8: 3, 9: 3}
_UNSIGNED, _SIGNED, _FLOAT = (1, 4), 2, 3
_ASSOCIATED, _UNASSOCIATED = 1, 2
_REFUSED = {
    10: "ITU Lab",
    32803: "the colour filter of a camera's sensor",
    34892: "linear raw values of a camera",
    32844: "LogL, whose range has no end",
    32845: "LogLuv, whose range has no end",
    4: "a mask alone",
}
_OPTIONAL_COMPRESSIONS = (34925, 50000, 50001)
"""LZMA, Zstandard and WebP, which the libtiff of some builds of Pillow lacks."""

_MAX_BYTES_A_PIXEL = 32  # that a file may unpack to, for the limit on pixels to mean something


def read(file: BinaryIO, max_pixels: int) -> Decoded:
    """Read the first page of a TIFF file.

    Raises:
      Refused: damaged, truncated, too large, or of a kind that cannot be converted.
    """
    import tifffile  # .14 s, so only where there is a TIFF file

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs what it raises
    file.seek(0)
    notes: list[str] = []
    with tifffile.TiffFile(file, name="") as tiff:
        page: Any = tiff.pages[0]
        check_size(page.imagewidth, page.imagelength, max_pixels)
        _check_page(page, max_pixels)
        if len(tiff.pages) > 1:
            notes.append(f"only the first of {len(tiff.pages)} frames is used")
        decoded = _decoded(file, page, notes)
        decoded.icc = decoded.icc and _bytes_of_tag(page, 34675)
        _describe(decoded, page, file)
    return decoded


def _decoded(file: BinaryIO, page, notes: list[str]) -> Decoded:
    if _libtiff_reads_right(page):
        try:
            return _by_libtiff(file, page, notes)
        except Refused:
            if page.compression not in _OPTIONAL_COMPRESSIONS:
                raise
    values = _stored(page)
    return _by_libtiff(file, page, notes) if values is None else _by_tifffile(page, values, notes)


def _check_page(page, max_pixels: int) -> None:
    """Refuse what is no picture, and what is cut off, which tifffile would fill with zeros."""
    if page.photometric in _REFUSED:
        raise Refused(
            f"holds {_REFUSED[page.photometric]}; convert it to RGB with another program first"
        )
    if 50706 in page.tags or (page.is_reduced and page.subifds):
        raise Refused(
            "is a camera's raw file (a TIFF whose first page is a preview); develop it to TIFF or "
            "JPEG first"
        )
    if page.imagedepth > 1:
        raise Refused(
            f"holds a volume of {page.imagedepth} planes; save the plane wanted as a picture"
        )
    if page.nbytes > _MAX_BYTES_A_PIXEL * max_pixels:
        raise Refused(
            f"unpacks to {page.nbytes} bytes ({page.samplesperpixel} samples a pixel), beyond the "
            "limit"
        )
    size = page.parent.filehandle.size
    if not page.databytecounts or any(
        count == 0 or offset + count > size
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
    ):
        raise Refused("is truncated: a part of its pixels lies beyond its end or is missing")


def _bits(page) -> int:
    bits = page.bitspersample
    if not isinstance(bits, int):
        raise Refused(
            f"has channels of different depths ({bits} bits); convert it to 8 or 16 bits first"
        )
    return bits


def _libtiff_reads_right(page) -> bool:
    """Whether Pillow reads the page right whatever its compression.

    It does for the plain kinds of up to 8 bits.
    """
    bits, channels, photometric = _bits(page), page.samplesperpixel, page.photometric
    if (
        bits > 8
        or page.sampleformat not in _UNSIGNED
        or page.compression not in TiffImagePlugin.COMPRESSION_INFO
    ):
        return False
    if photometric == _RGB:
        alpha = channels == 4 and page.extrasamples in ((), (_ASSOCIATED,), (_UNASSOCIATED,))
        return bits == 8 and (channels == 3 or alpha)
    if photometric in (*_GREY, _PALETTE):
        return channels == 1
    return bits == 8 and (photometric, channels) in ((_CMYK, 4), (_YCBCR, 3))


def _libtiff_reads_deep(page) -> bool:
    """Whether the page is of one of the kinds of more than 8 bits that Pillow reads right, too."""
    kind = (page.photometric, page.samplesperpixel, _bits(page), page.sampleformat)
    if page.planarconfig != 1 or page.extrasamples not in ((), (_UNASSOCIATED,)):
        return False
    if kind in ((1, 1, 12, 1), (1, 1, 32, 3)):
        return page.parent.byteorder == "<"
    return kind in ((1, 1, 16, 1), (_RGB, 3, 16, 1), (_RGB, 4, 16, 1))


def _by_libtiff(file: BinaryIO, page, notes: list[str]) -> Decoded:
    """The page through Pillow, which turns it upright when it loads it."""
    with pillow.open_image(file, ("TIFF",)) as image:
        raw_mode = pillow.raw_mode(image)
        try:
            deep = pillow.samples_of_16_bits(file, image)
            image.load()
        except OSError as problem:
            name = getattr(page.compression, "name", page.compression)
            raise Refused(
                f"cannot be unpacked ({name}): {problem}; it is damaged or needs a newer Pillow"
            ) from problem
        if raw_mode.startswith("RGBa"):
            notes.append("divided the colours by the alpha that they were multiplied with")
        icc = image.info.get("icc_profile") or None
        if deep is not None:
            return Decoded(
                samples.integers_to_uint8(deep, 16, notes), icc, orientation=1, notes=notes
            )
        if _bits(page) == 12:
            values = np.asarray(image)[:, :, None]
            return Decoded(
                samples.integers_to_uint8(values, 12, notes), icc, orientation=1, notes=notes
            )
        if page.photometric == _YCBCR and image.mode == "RGB" and page.compression not in (6, 7):
            notes.append("converted from YCbCr to RGB")
        pixels, icc = pillow.to_pixels(image, icc, notes)
        return Decoded(pixels, icc, orientation=1, notes=notes)


def _by_tifffile(page, values: np.ndarray, notes: list[str]) -> Decoded:
    channels = _COLOURS.get(page.photometric)
    if channels is None:
        raise Refused(
            f"has a colour space that is not known ({page.photometric}); convert it to RGB first"
        )
    if page.photometric in (_CIELAB, _ICCLAB) and values.shape[2] < 3:
        raise Refused("holds Lab without colours; convert it to grey first")
    if values.shape[2] < channels:
        raise Refused(
            f"has {values.shape[2]} channels where its colour space has {channels}; it is damaged"
        )
    colours, alpha = values[..., :channels], _alpha(page, values, channels, notes)
    icc = _bytes_of_tag(page, 34675)
    if page.photometric == _PALETTE:
        pixels = _from_palette(page, colours, notes)
    elif page.photometric in (_CIELAB, _ICCLAB):
        pixels, icc = _from_lab(page, colours, notes), None
    else:
        pixels = _to_uint8(page, colours, notes)
    if page.photometric == 0:
        pixels = 255 - pixels
    if page.photometric == _CMYK:
        pixels, icc = _from_cmyk(page, pixels, icc, notes), None
    if alpha is not None:
        pixels = _with_alpha(page, pixels, alpha, notes)
    return Decoded(pixels, icc, notes=notes)


def _stored(page) -> np.ndarray | None:
    """Samples as stored, (height, width, samples), or None.

    None where tifffile needs imagecodecs and libtiff will do.
    """
    try:
        values = page.asarray()
    except (ValueError, NotImplementedError, KeyError, ImportError) as problem:
        if "imagecodecs" in str(problem) or isinstance(problem, ImportError):
            if _libtiff_reads_deep(page):
                return None
            raise Refused(
                f"is compressed or packed in a way ({page.compression.name}, {_bits(page)} bits) "
                "that needs "
                "imagecodecs; install it (pip install 'jaxcodec[tiff]') or save the file "
                "uncompressed"
            ) from problem
        raise
    separate, _, height, width, together = page.shaped
    values = values.reshape(separate, height, width, together)
    return np.moveaxis(values, 0, -1)[..., 0, :] if separate > 1 else values[0]


def _alpha(page, values: np.ndarray, channels: int, notes: list[str]) -> np.ndarray | None:
    """The samples (height, width, 1) of alpha, if any.

    A note says how many other channels are dropped.
    """
    extra = values.shape[2] - channels
    kinds = tuple(int(kind) for kind in page.extrasamples)
    at = next(
        (index for index, kind in enumerate(kinds[:extra]) if kind in (_ASSOCIATED, _UNASSOCIATED)),
        None,
    )
    if at is None and not kinds and extra == 1 and page.photometric != _CMYK:
        at = 0  # written without the tag that would say so
    dropped = extra - (at is not None)
    if dropped:
        notes.append(f"dropped {dropped} extra channel{'s' if dropped > 1 else ''}")
    return None if at is None else values[..., channels + at :][..., :1]


def _to_uint8(page, values: np.ndarray, notes: list[str]) -> np.ndarray:
    if values.dtype.kind == "f":
        return samples.floats_to_uint8(values, notes)
    if values.dtype.kind not in "uib":
        raise Refused(f"holds {values.dtype} numbers; convert them to 8 or 16 bits first")
    return samples.integers_to_uint8(
        values.astype(np.uint8) if values.dtype.kind == "b" else values, _bits(page), notes
    )


def _with_alpha(page, pixels: np.ndarray, alpha: np.ndarray, notes: list[str]) -> np.ndarray:
    alpha = _to_uint8(page, alpha, [])
    if pixels.shape[2] == 1:
        notes.append("converted from grey with alpha to RGBA")
        pixels = pixels.repeat(3, axis=2)
    pixels = np.concatenate([pixels, alpha], axis=2)
    return samples.straight_alpha(pixels, notes) if _ASSOCIATED in page.extrasamples else pixels


def _from_palette(page, indices: np.ndarray, notes: list[str]) -> np.ndarray:
    table = page.colormap
    if table is None or int(indices.max()) >= table.shape[1]:
        raise Refused("is damaged: its palette is missing or too short")
    notes.append("converted from a palette to RGB")
    return samples.integers_to_uint8(table.T.astype(np.uint16), 16, [])[indices[..., 0]]


def _from_lab(page, values: np.ndarray, notes: list[str]) -> np.ndarray:
    """CIE Lab of 8 or 16 bits (a and b signed), or ICC Lab (a and b from 128), to sRGB."""
    bits = _bits(page)
    if bits not in (8, 16) or values.dtype.kind not in "ui":
        raise Refused(f"holds Lab of {bits} bits or of floats; convert it to RGB first")
    values = values.astype(np.uint16) if bits == 16 else values.astype(np.uint8)
    if page.photometric == _CIELAB:
        values = values.copy()
        values[..., 1:] ^= 1 << (bits - 1)
    notes_of_depth: list[str] = []
    if bits == 16:
        notes.append("converted from 16 to 8 bits a channel")
        whole = samples.integers_to_uint8(values[..., :1], 16, notes_of_depth)
        values = np.concatenate(
            [whole, ((values[..., 1:].astype(np.uint32) + 128) >> 8).clip(0, 255).astype(np.uint8)],
            2,
        )
    stored = values.copy()
    stored[..., 1:] ^= 128  # Pillow takes a and b as signed bytes
    height, width, _ = stored.shape
    return np.asarray(
        colour.lab_to_srgb(Image.frombytes("LAB", (width, height), stored.tobytes()), notes)
    )


def _from_cmyk(page, pixels: np.ndarray, icc: bytes | None, notes: list[str]) -> np.ndarray:
    inks = page.tags.valueof(332, 1)
    if inks != 1:
        raise Refused(
            "holds inks other than cyan, magenta, yellow and black; convert it to RGB first"
        )
    height, width, _ = pixels.shape
    image = Image.frombytes("CMYK", (width, height), np.ascontiguousarray(pixels).tobytes())
    return np.asarray(colour.cmyk_to_srgb(image, icc, notes))


def _bytes_of_tag(page, code: int) -> bytes | None:
    value = page.tags.valueof(code)
    if isinstance(value, str):
        value = value.encode()
    return bytes(value) if value else None


def _describe(decoded: Decoded, page, file: BinaryIO) -> None:
    """Fill in EXIF, XMP, resolution and orientation."""
    decoded.xmp = _bytes_of_tag(page, 700)
    orientation, dpi = page.tags.valueof(274, 1), _dpi(page)
    if dpi and decoded.orientation == 1 and orientation in (5, 6, 7, 8):  # turned already
        dpi = dpi[1], dpi[0]
    decoded.dpi, decoded.orientation = dpi, decoded.orientation or orientation
    try:
        decoded.exif = metadata.tiff_exif(file)
    except struct.error:
        decoded.notes.append("dropped a broken EXIF block")


def _dpi(page) -> tuple[float, float] | None:
    scale = {2: 1.0, 3: 2.54}.get(page.tags.valueof(296, 2))
    horizontal, vertical = page.tags.valueof(282), page.tags.valueof(283)
    if not (scale and horizontal and vertical and horizontal[1] and vertical[1]):
        return None
    return metadata.checked_dpi(horizontal[0] / horizontal[1], vertical[0] / vertical[1], scale)
