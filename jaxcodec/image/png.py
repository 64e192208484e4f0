"""PNG files: chunks that describe a picture are read here, pixels by Pillow.

Pillow gets only the chunks that hold pixels.

Pillow refuses a file for a broken eXIf chunk, a wrong checksum of a text, or a text or profile over
1 MiB, and does not show cICP; given only what the pixels need, it cannot stumble over the rest.
"""

import binascii
import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from jaxcodec.image import colour, metadata, pillow, samples
from jaxcodec.image.decoded import Decoded, Refused, check_size

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LIMIT = 1 << 26  # bytes that a compressed profile or text may unpack to
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_TEXTS = (b"iTXt", b"zTXt", b"tEXt")
_DESCRIPTIONS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"pHYs", b"acTL", *_TEXTS)


def read(file: BinaryIO, max_pixels: int) -> Decoded:
    """Read a PNG file; of an animation its still picture or first frame.

    Raises:
      Refused: damaged, truncated or too large.
    """
    notes: list[str] = []
    chunks, texts = _collect(file, max_pixels, notes)
    pixels = _pixels(chunks, notes)
    icc, space = _colours(chunks, notes)
    if space is not None:
        pixels = colour.in_srgb(pixels, space, notes)
    if pixels.dtype != np.uint8:
        pixels = samples.integers_to_uint8(pixels, 16, notes)
    exif = chunks.get(b"eXIf") or _unhexed(
        texts.get(b"Raw profile type exif") or texts.get(b"Raw profile type APP1")
    )
    xmp = texts.get(b"XML:com.adobe.xmp") or _unhexed(texts.get(b"Raw profile type xmp"))
    return Decoded(pixels, icc, exif, xmp, _dpi(chunks.get(b"pHYs"), notes), notes=notes)


def _collect(
    file: BinaryIO, max_pixels: int, notes: list[str]
) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """The chunks by name, and the texts that hold metadata by keyword.

    The chunks of the pixels' data are joined.
    """
    chunks: dict[bytes, bytes] = {}
    texts: dict[bytes, bytes] = {}
    data, damaged, faults = [], set(), []
    for name, content, fault in _walk(file):
        if name == b"IDAT":
            data.append(content)
            faults += [fault] if fault else []
        elif fault and name not in (b"IHDR", b"PLTE"):
            damaged.add(name.decode())
        elif fault:
            raise Refused(f"is damaged: its {name.decode()} chunk {fault}")
        elif name == b"fcTL":
            if not data:
                chunks[name] = content  # the image data are the first frame, too
        elif name in _TEXTS:
            texts.update(_text(name, content))
        else:
            chunks[name] = content
            _check_header(chunks, max_pixels)
    if not data:
        raise Refused("is truncated: no pixels follow its header")
    if chunks[b"IHDR"][9] == 3 and b"PLTE" not in chunks:
        raise Refused("is damaged: its palette (PLTE chunk) is missing")
    chunks[b"IDAT"] = b"".join(data)
    if faults:
        _check_data(chunks[b"IDAT"], faults[0], notes)
    if damaged:
        notes.append(f"dropped a damaged chunk ({', '.join(sorted(damaged))})")
    _note_animation(chunks, notes)
    return chunks, texts


def _walk(file: BinaryIO) -> Iterator[tuple[bytes, bytes, str | None]]:
    """Name, content and fault of every chunk that is of use here, up to the end."""
    file.seek(len(_SIGNATURE))
    while len(header := file.read(8)) == 8:
        size, name = struct.unpack(">I4s", header)
        if name == b"IEND":
            return
        if name in (*_PIXELS, *_DESCRIPTIONS, b"fcTL"):
            content, checksum = file.read(size), file.read(4)
            if len(content) < size or len(checksum) < 4:
                yield name, content, "is cut off"
                return
            right = checksum == struct.pack(">I", zlib.crc32(name + content))
            yield name, content, None if right else "has a wrong checksum"
        else:
            file.seek(size + 4, io.SEEK_CUR)


def _check_header(chunks: dict[bytes, bytes], max_pixels: int) -> None:
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        raise Refused("is damaged: it does not begin with a header (IHDR chunk)")
    check_size(*struct.unpack(">II", header[:8]), max_pixels)


def _check_data(data: bytes, fault: str, notes: list[str]) -> None:
    """Accept pixels in a faulty chunk if their inner checksum holds.

    They must be whole and match the checksum inside the compressed data.
    """
    unpack = zlib.decompressobj()
    try:
        while data and not unpack.eof:
            unpack.decompress(data, 1 << 20)
            data = unpack.unconsumed_tail
    except zlib.error:
        pass
    if not unpack.eof:
        raise Refused(
            f"is {'truncated' if 'cut' in fault else 'damaged'}: the data of its pixels (an IDAT "
            f"chunk) {fault}"
        )
    notes.append(f"a chunk of its pixels {fault}, though the pixels themselves match theirs")


def _note_animation(chunks: dict[bytes, bytes], notes: list[str]) -> None:
    if len(chunks.get(b"acTL", b"")) != 8:
        return
    frames = struct.unpack(">II", chunks[b"acTL"])[0]
    if b"fcTL" not in chunks:
        notes.append(f"only the still picture is used, not the animation of {frames} frames")
    elif frames > 1:
        notes.append(f"only the first of {frames} frames is used")


def _png_of(chunks: dict[bytes, bytes], names: Sequence[bytes]) -> BinaryIO:
    """A PNG file of some of the chunks."""
    parts = (_chunk(name, chunks[name]) for name in names if name in chunks)
    return io.BytesIO(b"".join((_SIGNATURE, *parts, _chunk(b"IEND", b""))))


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def _pixels(chunks: dict[bytes, bytes], notes: list[str]) -> np.ndarray:
    """uint8, or uint16 for 16 bits a channel; (height, width, 1, 3 or 4)."""
    bits, kind = chunks[b"IHDR"][8:10]
    # Pillow sees the transparency of palettes alone: it does not scale a transparent grey of 2 or 4
    # bits.
    file = _png_of(chunks, [name for name in _PIXELS if name != b"tRNS" or kind == 3])
    with pillow.open_image(file, ("PNG",)) as image:
        deep = pillow.samples_of_16_bits(file, image) if bits == 16 else None
        image.load()
        if deep is not None:
            values = deep
        elif image.mode.startswith("I"):
            values = np.asarray(image).astype(np.uint16)[:, :, None]
        elif kind == 4 and bits == 16:
            notes.append("converted from 16 to 8 bits a channel")
            values = np.asarray(image)
        else:
            if kind == 3:
                _check_palette(image, len(chunks[b"PLTE"]) // 3, notes)
            values, _ = pillow.to_pixels(image, None, notes)
    if kind == 4 and bits == 16:
        notes.append("converted from grey with alpha to RGBA")
    key = chunks.get(b"tRNS")
    if kind in (0, 2) and key is not None:
        values = _transparent(values, key, bits, notes)
    return values


def _transparent(values: np.ndarray, key: bytes, bits: int, notes: list[str]) -> np.ndarray:
    """Grey or RGB as RGBA, clear where a sample is the colour of the tRNS chunk."""
    if len(key) != 2 * values.shape[2]:
        notes.append("dropped a damaged chunk (tRNS)")
        return values
    notes.append(f"converted from {'grey' if values.shape[2] == 1 else 'RGB'} to RGBA")
    scale = 255 // (2**bits - 1) if bits < 8 else 1
    mask = 2**bits - 1
    return pillow.with_transparent_colour(
        values, [(part & mask) * scale for part in struct.unpack(f">{len(key) // 2}H", key)]
    )


def _check_palette(image, colours: int, notes: list[str]) -> None:
    beyond = int((np.asarray(image) >= colours).sum())
    if beyond:
        notes.append(
            f"{beyond} pixels point beyond the palette of {colours} colours and become black"
        )


def _colours(
    chunks: dict[bytes, bytes], notes: list[str]
) -> tuple[bytes | None, colour.Space | None]:
    """The profile to carry, or the space to convert from.

    The first of cICP, iCCP, sRGB, gAMA and cHRM decides, in this order (PNG 3).
    """
    coded = chunks.get(b"cICP")
    if coded is not None and len(coded) == 4:
        primaries, transfer, matrix, full_range = coded
        if matrix or full_range != 1:
            notes.append("ignored its cICP chunk, which is not one of full-range RGB")
        else:
            return None, colour.coded_space(primaries, transfer, notes)
    profile = _profile(chunks.get(b"iCCP"), notes)
    if profile is not None or b"sRGB" in chunks:
        return profile, None
    return None, _described(chunks.get(b"gAMA"), chunks.get(b"cHRM"), notes)


def _described(
    gamma: bytes | None, chromaticities: bytes | None, notes: list[str]
) -> colour.Space | None:
    exponent = primaries = None
    if gamma is not None and len(gamma) == 4:
        (value,) = struct.unpack(">I", gamma)
        if 10_000 <= value <= 1_000_000:
            exponent = 100_000 / value
        else:
            notes.append(f"ignored a gamma of {value / 100_000:g} (gAMA)")
    if chromaticities is not None and len(chromaticities) == 32:
        white, *corners = ((x / 1e5, y / 1e5) for x, y in struct.iter_unpack(">II", chromaticities))
        primaries = (*corners, white)
        if not colour.is_sound_primaries(primaries):
            notes.append("ignored primaries that span no colours (cHRM)")
            primaries = None
    return colour.described_space(exponent, primaries)


def _profile(content: bytes | None, notes: list[str]) -> bytes | None:
    if content is None:
        return None
    _, _, packed = content.partition(b"\0")
    profile = _unpacked(packed[1:])
    if not profile:
        notes.append("dropped a broken ICC profile")
    return profile or None


def _text(name: bytes, content: bytes) -> dict[bytes, bytes]:
    """The keyword and bytes of a text chunk that holds metadata.

    Other and broken chunks give nothing.
    """
    keyword, _, rest = content.partition(b"\0")
    if keyword != b"XML:com.adobe.xmp" and not keyword.startswith(b"Raw profile type "):
        return {}
    if name == b"iTXt":
        compressed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
        text = _unpacked(rest) if compressed else rest
    else:
        text = _unpacked(rest[1:]) if name == b"zTXt" else rest
    return {keyword: text} if text else {}


def _unpacked(packed: bytes) -> bytes | None:
    try:
        unpack = zlib.decompressobj()
        data = unpack.decompress(packed, _LIMIT)
    except zlib.error:
        return None
    return data if unpack.eof else None


def _unhexed(text: bytes | None) -> bytes | None:
    """A block that ImageMagick wrote as text: a name, a length, hexadecimal digits."""
    parts = (text or b"").split(maxsplit=2)
    if len(parts) < 3:
        return None
    try:
        return binascii.unhexlify(b"".join(parts[2].split()))
    except binascii.Error:
        return None


def _dpi(content: bytes | None, notes: list[str]) -> tuple[float, float] | None:
    if content is None or len(content) != 9:
        return None
    horizontal, vertical, unit = struct.unpack(">IIB", content)
    if unit == 1:
        return metadata.checked_dpi(horizontal, vertical, 0.0254)
    if horizontal != vertical:
        notes.append(f"its pixels are {vertical}:{horizontal} and taken as square")
    return None
