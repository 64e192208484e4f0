"""Image files that the tests make byte by byte, as no writer makes them."""

import struct
import zlib

import numpy as np


def chunk(name: bytes, content: bytes) -> bytes:
    """A PNG chunk."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(
    samples: np.ndarray,
    colour_type: int,
    bits: int,
    before: bytes = b"",
    after: bytes = b"",
    end: bool = True,
) -> bytes:
    """A PNG file of samples (height, width, channels), with chunks before and after those of its
    pixels.
    """
    height, width = samples.shape[:2]
    flat = samples.reshape(height, -1)
    if bits == 16:
        rows = [row.astype(">u2").tobytes() for row in flat]
    elif bits == 8:
        rows = [row.astype(np.uint8).tobytes() for row in flat]
    else:
        digits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :].reshape(
            height, -1
        )
        rows = [np.packbits(row).tobytes() for row in digits]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + before
        + data
        + after
        + (chunk(b"IEND", b"") if end else b"")
    )


def exif(
    entries: list[tuple[int, int, int, bytes]],
    order: str = "<",
    tail: bytes = b"",
    following: int = 0,
) -> bytes:
    """An EXIF block of one directory: (tag, type, count, 4 bytes of value or offset); `tail` lies
    at 14 + 12 n.
    """
    directory = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        directory += struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")
    start = b"II*\0" if order == "<" else b"MM\0*"
    return (
        start + struct.pack(order + "I", 8) + directory + struct.pack(order + "I", following) + tail
    )


def oriented(orientation: int, order: str = "<") -> bytes:
    """An EXIF block that holds an orientation alone."""
    return exif([(0x0112, 3, 1, struct.pack(order + "H", orientation))], order)
