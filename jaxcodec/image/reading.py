"""Image files, and Pillow's images, to pictures. docs/images.md says what is read by what."""

import contextlib
import io
import os
import re
from typing import BinaryIO

from PIL import Image

from jaxcodec.errors import ImageError
from jaxcodec.files import MAX_PIXELS
from jaxcodec.image import colour, extras, formats, iso, metadata, pillow, png, tiff
from jaxcodec.image.decoded import Decoded, Refused, check_size
from jaxcodec.image.picture import Picture

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO


def read(source: Source, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Picture:
    """Read an image file as 8-bit grey, RGB or RGBA, upright, with its metadata.

    Metadata are profile, EXIF, XMP and resolution.

    The contents decide about the format, not the suffix. Whatever is not 8-bit grey, RGB or RGBA in
    sRGB or with an ICC profile is converted, and the picture carries a note that says so; see
    docs/images.md. Of several frames or pages the first is taken, with a note.

    Args:
      source: a path, the bytes of a file, or an open binary file, which is read from where it
        stands.
      max_pixels: refuse a file that claims more pixels (width times height) than this, before
        decoding it.
      name: what errors call the source; the path, where it is one.

    Raises:
      ImageError: missing, not an image, damaged, too large, or of a kind that cannot be converted.
    """
    name = name or _name(source)
    with _image_errors(name), _opened(source) as file:
        return _finished(_decode(file, max_pixels))


def from_pil(image: Image.Image) -> Picture:
    """A picture of a Pillow image of any mode, converted as `read` does, upright.

    One that is just opened is read from its file, as some files come out wrong once Pillow has
    decoded them; of others the pixels are taken, so that 16-bit colour has 8 bits already.

    Raises:
      ImageError: it is too large, its file is damaged, or its mode cannot be converted.
    """
    with _image_errors("the Pillow image"):
        check_size(*image.size, MAX_PIXELS)
        file = _file_behind(image)
        if file is None:
            return _finished(_of_pixels(image))
        at = file.tell()
        try:
            file.seek(0)
            return _finished(_decode(file, MAX_PIXELS))
        finally:
            file.seek(at)


def _file_behind(image: Image.Image) -> BinaryIO | None:
    """The file of an image of which nothing is decoded yet, and that is to be decoded whole."""
    file = getattr(image, "fp", None)
    fresh = (
        getattr(image, "tile", None)
        and not getattr(image, "decoderconfig", None)
        and image.tell() == 0
    )
    return file if fresh and file is not None and not file.closed and file.seekable() else None


def _of_pixels(image: Image.Image) -> Decoded:
    notes: list[str] = []
    decoded = _by_pillow(_with_known_transparency(image, notes), notes)
    decoded.dpi = _dpi(image)
    if image.format == "TIFF":
        decoded.orientation = metadata.tags_orientation(image.getexif())
        if metadata.describes(image.getexif()):
            notes.append(
                "dropped the EXIF tags of a TIFF image that Pillow decoded; read its file to keep "
                "them"
            )
    space = None if decoded.icc or "srgb" in image.info else _described_space(image.info)
    if space:
        decoded.pixels = colour.in_srgb(decoded.pixels, space, notes)
    return decoded


def _with_known_transparency(image: Image.Image, notes: list[str]) -> Image.Image:
    """The image, less a transparent colour of 16 bits, which cannot be found among its pixels."""
    key = image.info.get("transparency")
    if not (
        image.mode.startswith("I") and key is not None or isinstance(key, tuple) and max(key) > 255
    ):
        return image
    notes.append("the transparent colour of a 16-bit image is dropped")
    image = image.copy()
    del image.info["transparency"]
    return image


def _described_space(info: dict) -> colour.Space | None:
    """The space of the gAMA and cHRM chunks that Pillow found in a PNG file."""
    corners = info.get("chromaticity")
    primaries = (corners[2:4], corners[4:6], corners[6:8], corners[:2]) if corners else None
    sound = primaries and colour.is_sound_primaries(primaries)
    return colour.described_space(
        1 / info["gamma"] if info.get("gamma") else None, primaries if sound else None
    )


def _name(source: Source) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    given = getattr(source, "name", None)
    return given if isinstance(given, str) else "the image"


@contextlib.contextmanager
def _image_errors(name: str):
    """Turn refusals and the errors of readers into ImageError.

    At a damaged file readers raise nearly anything.
    """
    try:
        yield
    except ImageError:
        raise
    except Refused as problem:
        raise ImageError(f"{name} {problem}") from problem
    except MemoryError as problem:
        raise ImageError(
            f"cannot read {name}: not enough memory for its pixels; scale it down"
        ) from problem
    except Exception as problem:
        reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        raise ImageError(f"cannot read {name}: {reason}") from problem


@contextlib.contextmanager
def _opened(source: Source):
    """A seekable binary file of the source."""
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            yield file if file.seekable() else io.BytesIO(file.read())
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield io.BytesIO(source)
    else:
        yield io.BytesIO(source.read())


def _decode(file: BinaryIO, max_pixels: int) -> Decoded:
    head = file.read(formats.HEAD_BYTES)
    kind = formats.kind_of(head)
    if kind == "PNG":
        return png.read(file, max_pixels)
    if kind == "TIFF":
        return tiff.read(file, max_pixels)
    if kind == "JPEG XL":
        return extras.read_jpeg_xl(file, max_pixels)
    notes: list[str] = []
    with _open(file, kind, notes) as image:
        check_size(*image.size, max_pixels)
        bits = _bits(kind, head, file)
        if kind == "JPEG 2000" and bits and bits > 8 and not image.mode.startswith("I"):
            return extras.read_deep_jpeg_2000(file, image, bits)
        decoded = _by_pillow(image, notes + _notes_of_frames(image), bits)
        height, width = decoded.pixels.shape[:2]  # an icon's size is that of the picture inside
        check_size(width, height, max_pixels)
    coded = iso.coded_colours(file) if kind in ("AVIF", "HEIC") and decoded.icc is None else None
    space = coded and colour.coded_space(*coded, decoded.notes)
    if space:
        decoded.pixels = colour.in_srgb(decoded.pixels, space, decoded.notes)
    return decoded


def _bits(kind: str | None, head: bytes, file: BinaryIO) -> int | None:
    """Bits a channel of the formats for which Pillow does not give them, or None."""
    if kind in ("AVIF", "HEIC", "JPEG 2000"):
        return iso.bits(file)
    if kind == "SGI":
        return 8 * head[3]
    if kind == "PPM":
        found = re.match(
            rb"P[2356]\s+(?:#[^\n]*\n\s*)*\d+\s+(?:#[^\n]*\n\s*)*\d+\s+(?:#[^\n]*\n\s*)*(\d+)", head
        )
        return int(found[1]).bit_length() if found else None
    return None


def _open(file: BinaryIO, kind: str | None, notes: list[str]) -> Image.Image:
    if kind == "HEIC":
        return extras.open_heic(file)
    try:
        return pillow.open_image(file)
    except Exception as problem:
        if kind == "AVIF":  # refused for a broken EXIF block, whatever its pixels
            with contextlib.suppress(Exception):
                image = pillow.open_image(iso.without_exif(file))
                notes.append("dropped a broken EXIF block")
                return image
        if kind is None:
            raise Refused(
                "is not an image in a known format; convert it to PNG with another program first"
            ) from problem
        if kind == "JPEG" and (rare := formats.why_no_jpeg(file)):
            raise Refused(
                f"{rare}; convert it to PNG or TIFF with another program first"
            ) from problem
        why = "" if isinstance(problem, Image.UnidentifiedImageError) else f" ({problem})"
        raise Refused(
            f"begins as a {kind} file, but is damaged or of a rare kind that cannot be read{why}"
        ) from problem


def _notes_of_frames(image: Image.Image) -> list[str]:
    frames = getattr(image, "n_frames", 1)
    if frames <= 1:
        return []
    if image.format == "PSD":
        return [f"only the merged picture is used, not its {frames} layers"]
    return [f"only the first of {frames} frames is used"]


def _by_pillow(image: Image.Image, notes: list[str], bits: int | None = None) -> Decoded:
    """The content of an opened Pillow image; `bits` a channel of its file, if known."""
    info, bits = image.info, bits or pillow.bits(image)
    image.load()
    icc = info.get("icc_profile") or None
    if bits > 8 and not image.mode.startswith(("I", "F")):
        notes.append(f"converted from {bits} to 8 bits a channel")
    pixels, icc = pillow.to_pixels(image, icc, notes)
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    return Decoded(
        pixels,
        icc,
        info.get("exif"),
        xmp.encode() if isinstance(xmp, str) else xmp,
        _dpi(image),
        notes=notes,
    )


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    if image.format in ("JPEG", "MPO"):  # for which Pillow says 72 by default
        scale = {1: 1.0, 2: 2.54}.get(image.info.get("jfif_unit", 0))
        if scale is None:
            return None
        horizontal, vertical = image.info["jfif_density"]
        return metadata.checked_dpi(horizontal, vertical, scale)
    if "dpi" not in image.info:
        return None
    horizontal, vertical = image.info["dpi"]
    return metadata.checked_dpi(horizontal, vertical, 1.0)


def _finished(decoded: Decoded) -> Picture:
    """The picture upright, with the metadata that still hold for it."""
    notes = decoded.notes
    exif, orientation = metadata.upright_exif(decoded.exif, notes)
    if decoded.orientation is not None:
        orientation = decoded.orientation
    xmp_orientation = metadata.xmp_orientation(decoded.xmp)
    if xmp_orientation != 1 and orientation == 1:
        notes.append(
            f"its XMP says to turn it (orientation {xmp_orientation}), which is ignored, "
            "as browsers do"
        )
    dpi = decoded.dpi or metadata.exif_dpi(exif)
    if dpi and orientation >= 5:
        dpi = dpi[1], dpi[0]
    pixels = metadata.turned(decoded.pixels, orientation)
    icc = _fitting_profile(decoded.icc, pixels.shape[2], notes)
    return Picture(
        pixels, icc, exif, metadata.upright_xmp(decoded.xmp), dpi, tuple(dict.fromkeys(notes))
    )


def _fitting_profile(icc: bytes | None, channels: int, notes: list[str]) -> bytes | None:
    if icc is None:
        return None
    if not colour.is_icc(icc):
        notes.append("dropped a broken ICC profile")
    elif icc[16:20] != (b"GRAY" if channels == 1 else b"RGB "):
        notes.append("dropped an ICC profile that does not fit the converted pixels")
    else:
        return icc
    return None
