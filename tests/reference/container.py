"""A second implementation of the .jxc container, from docs/format.md: versions 3 and 4, written and
taken apart.
"""

import struct
import zlib

TAGS = {"alpha": 1, "icc": 2, "profile": 3, "exif": 64, "xmp": 65, "dpi": 66}
CODERS = ["host", "lanes", "tfc"]
SYMBOLS_3 = {1: [1], 2: [0, 1], 3: [0, 1, 2]}
"""Bits of the flags of version 3 for so many parts."""


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    groups = [value >> 7 * i & 0x7F for i in range(max(-(-value.bit_length() // 7), 1))]
    return bytes(group | (0x80 if i < len(groups) - 1 else 0) for i, group in enumerate(groups))


def fixed(version: int, content: int, header) -> bytes:
    """Bytes 0 to 28."""
    coder = CODERS.index(header.coder) + 16 * (header.lanes.bit_length() - 1)
    start = b"\x89JXC" + bytes([version, content, header.channels, header.precision, coder])
    quality = 65_535 if header.quality is None else header.quality
    sizes = struct.pack(
        "<HHHhI", header.width, header.height, quality, header.step, header.symbol_crc
    )
    return start + bytes.fromhex(header.codec_id) + sizes


def checked(start: bytes, body: bytes) -> bytes:
    """A file with the checksum of all that comes before and after it."""
    return start + struct.pack("<I", zlib.crc32(start + body)) + body


def write_3(header, parts, sections) -> bytes:
    """A file of version 3: one to three parts, alpha, icc."""
    flags = sum(1 << bit for bit in SYMBOLS_3[len(parts)]) if len(parts) != 1 else 2
    contents = [*parts, *(sections[name] for name in ("alpha", "icc") if name in sections)]
    flags |= 8 * ("alpha" in sections) | 16 * ("icc" in sections)
    return checked(
        fixed(3, flags, header), b"".join(varint(len(content)) + content for content in contents)
    )


def write_4(header, parts, tagged) -> bytes:
    """A file of version 4 with side sections [(tag, content)] in the order given."""
    body = b"".join(varint(len(part)) + part for part in parts)
    for i, (tag, content) in enumerate(tagged):
        body += bytes([tag + 128 * (i < len(tagged) - 1)]) + varint(len(content)) + content
    return checked(fixed(4, len(parts) + 128 * bool(tagged), header), body)
