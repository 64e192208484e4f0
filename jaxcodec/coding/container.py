"""The .jxc container: a header of 33 bytes, the parts of the symbols, side sections.

See docs/format.md.
"""

import dataclasses
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxcodec.coding import quantiser_step
from jaxcodec.errors import BitstreamError, VersionError

MAGIC = b"\x89JXC"
VERSION = 4
ONE_QUALITY = 0xFFFF
"""The quality field of a codec that has only one."""

MAX_QUALITY = 10_000
"""Quality 100 in hundredths."""

TAGS = {"alpha": 1, "icc": 2, "profile": 3, "exif": 64, "xmp": 65, "dpi": 66}
"""The side sections, each with its tag."""

OPTIONAL_TAG = 64
"""A reader passes over sections that it does not know from this tag on, and refuses a file with
others.
"""

MAX_PARTS = 127
"""The most parts that symbols can be coded in."""

CODERS = ("host", "lanes", "tfc")
"""The entropy coders, each under its number in the header."""

_SECTIONS_3 = ("hyper", "latent", "second", "alpha", "icc")
"""The sections of version 3, the first three of them symbols; bit i of its flags says that section
i is there.
"""

_READERS = ("0.1", "0.1", "0.2")
"""The release that reads each earlier version of the format."""

_FIXED = struct.Struct("<4sBBBBB8sHHHhII")
CHECKSUM = slice(_FIXED.size - 4, _FIXED.size)
"""Where a file's own checksum stands, the last of the header's fixed bytes."""

_MORE = 0x80  # with the number of parts: side sections follow; with a tag: another one does
_NAMES = {tag: name for name, tag in TAGS.items()}


@dataclasses.dataclass(frozen=True)
class Header:
    """What a .jxc file says about itself.

    Attributes:
      version: of the format, 3 or 4; `write` writes 4 whatever it is.
      codec_id: 16 hexadecimal digits.
      width, height: of the picture, in pixels.
      channels: 1 (grey), 3 (RGB) or 4 (RGBA).
      quality: hundredths, 0 to 10000, or None for a codec with one quality.
      step: the index of the quantiser step (`quantiser_step`), -5768 to 5768; 0 is the codec's own
        step.
      precision: bits of the probability tables.
      coder: which of CODERS wrote the symbols.
      lanes: how many streams that coder interleaved, a power of two; 1 for all but "lanes".
      symbol_crc: CRC-32 of what `identity` gives, and then of the decoded symbols.
      part_bytes: the length of each part of the coded symbols, in the order of coding.
      section_bytes: the length of each side section that is there, by name, in their order.
    """

    version: int
    codec_id: str
    width: int
    height: int
    channels: int
    quality: int | None
    step: int
    precision: int
    coder: str
    lanes: int
    symbol_crc: int
    part_bytes: tuple[int, ...] = ()
    section_bytes: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values.

        The quality is on the scale 0 to 100, the step a factor on the codec's own.
        """
        quality = None if self.quality is None else self.quality / 100
        readable = {
            "quality": quality,
            "step": round(quantiser_step.size(self.step), 6),
            "symbol_crc": f"{self.symbol_crc:08x}",
        }
        return dataclasses.asdict(self) | readable | {"part_bytes": list(self.part_bytes)}


def identity(header: Header) -> bytes:
    """What the symbols belong to: codec, size, channels, quality and step, 17 bytes.

    The checksum of the symbols begins with it, so that the symbols of one file do not pass for
    those of another.
    """
    quality = ONE_QUALITY if header.quality is None else header.quality
    fields = header.width, header.height, quality, header.step, header.channels
    return bytes.fromhex(header.codec_id) + struct.pack("<HHHhB", *fields)


def checksum(symbols: Iterable[Any], identity: bytes) -> int:
    """CRC-32 of an `identity`, the hyper-symbols if there are any, and then those of the latent.

    Symbols are little-endian int32 in row-major order, None for none.
    """
    crc = zlib.crc32(identity)
    for array in symbols:
        if array is not None:
            crc = zlib.crc32(np.ascontiguousarray(array, "<i4").data, crc)
    return crc


def write(header: Header, parts: Sequence[bytes], sections: Mapping[str, bytes]) -> bytes:
    """A whole file.

    Args:
      header: its `version`, `part_bytes` and `section_bytes` do not count.
      parts: the coded symbols, in the order of coding, at most MAX_PARTS.
      sections: side sections by name, see TAGS.
    """
    quality = ONE_QUALITY if header.quality is None else header.quality
    coding = CODERS.index(header.coder) | (header.lanes.bit_length() - 1) << 4
    counts = len(parts) | (_MORE if sections else 0)
    fields = (
        VERSION,
        counts,
        header.channels,
        header.precision,
        coding,
        bytes.fromhex(header.codec_id),
    )
    size = (header.width, header.height, quality, header.step)
    fixed = _FIXED.pack(MAGIC, *fields, *size, header.symbol_crc, 0)[: CHECKSUM.start]
    body = b"".join(_varint(len(part)) + part for part in parts)
    tagged = sorted((TAGS[name], content) for name, content in sections.items())
    for place, (tag, content) in enumerate(tagged, 1):
        body += (
            bytes([tag | (_MORE if place < len(tagged) else 0)]) + _varint(len(content)) + content
        )
    return mended(fixed + bytes(4) + body)


def mended(data: bytes) -> bytes:
    """A file with the checksum of its bytes: the CRC-32 of all but the checksum itself."""
    return data[: CHECKSUM.start] + struct.pack("<I", _crc(data)) + data[CHECKSUM.stop :]


def _crc(data: bytes) -> int:
    return zlib.crc32(data[CHECKSUM.stop :], zlib.crc32(data[: CHECKSUM.start]))


def read_header(data: bytes | bytearray | memoryview) -> Header:
    """The header of a whole .jxc file, after checking that every byte of it is as it was written.

    Raises:
      VersionError: another version of jaxcodec wrote it.
      BitstreamError: no bytes, not a .jxc file, cut short, longer than it says, damaged, or with
        fields that cannot be.
    """
    return read(data)[0]


def read(
    data: bytes | bytearray | memoryview,
) -> tuple[Header, tuple[bytes, ...], dict[str, bytes]]:
    """The header, the parts of the coded symbols, and the side sections by name.

    Raises as `read_header`.
    """
    data = _as_bytes(data)
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise BitstreamError(
            "this is not a .jxc file: it does not begin as one; give a file that jaxcodec encoded"
        )
    if len(data) > len(MAGIC):
        _check_version(data[len(MAGIC)])
    if len(data) < _FIXED.size:
        raise _cut_short(len(data), f"the header alone takes {_FIXED.size}")
    _, version, content, channels, precision, coding, *fields = _FIXED.unpack_from(data)
    codec_id, width, height, quality, step_field, symbol_crc, crc = fields
    parts, tagged = _split(
        data, _layout_3(data, content) if version == 3 else _layout(data, content)
    )
    if _crc(data) != crc:
        raise BitstreamError(
            "this file is damaged: its checksum does not fit its content; fetch it again"
        )
    sections = _by_name(tagged)
    coder: int = coding & 15
    if coder >= len(CODERS):
        raise BitstreamError(
            f"this file is invalid: there is no entropy coder {coder}; encode the picture anew"
        )
    header = Header(
        version=version,
        codec_id=codec_id.hex(),
        width=width,
        height=height,
        channels=channels,
        quality=None if quality == ONE_QUALITY else quality,
        step=step_field,
        precision=precision,
        coder=CODERS[coder],
        lanes=1 << (coding >> 4),
        symbol_crc=symbol_crc,
        part_bytes=tuple(map(len, parts)),
        section_bytes={name: len(section) for name, section in sections.items()},
    )
    _check_fields(header, content)
    return header, parts, sections


def _as_bytes(data: object) -> bytes:
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)  # pyright: ignore[reportUnknownArgumentType] of items of any kind
    is_path = isinstance(data, str | os.PathLike)
    remedy = "read the file first, with pathlib.Path.read_bytes" if is_path else "give its bytes"
    raise BitstreamError(
        f"a {type(data).__name__} is no .jxc file, which is read from its bytes; {remedy}"
    )


def _check_version(version: int) -> None:
    if version > VERSION:
        raise VersionError(
            f"this file has version {version} of the format and this jaxcodec knows up to "
            f"{VERSION}; update jaxcodec"
        )
    if version < len(_READERS):
        raise VersionError(
            f"this file has version {version} of the format, which this jaxcodec reads no more; "
            "decode it with jaxcodec "
            f"{_READERS[version]}"
        )


class _Piece(NamedTuple):
    """A part (tag None) or a side section, and where its content lies."""

    tag: int | None
    start: int
    end: int


def _layout(data: bytes, content: int) -> Iterator[_Piece]:
    """The pieces of a file of version 4; `content` is the byte that counts them."""
    position = _FIXED.size
    for _ in range(content & ~_MORE):
        yield (piece := _piece(data, position, None))
        position = piece.end
    more = content & _MORE
    while more:
        if position >= len(data):
            raise _cut_short(len(data), "a section is still to come")
        more = data[position] & _MORE
        yield (piece := _piece(data, position + 1, data[position] & ~_MORE))
        position = piece.end


def _layout_3(data: bytes, flags: int) -> Iterator[_Piece]:
    """The pieces of a file of version 3."""
    position = _FIXED.size
    for bit, name in enumerate(_SECTIONS_3):
        if flags >> bit & 1:
            yield (piece := _piece(data, position, TAGS.get(name)))
            position = piece.end


def _piece(data: bytes, position: int, tag: int | None) -> _Piece:
    """The piece whose length stands at `position`."""
    length, start = _read_varint(data, position)
    return _Piece(tag, start, start + length)


def _split(
    data: bytes, layout: Iterator[_Piece]
) -> tuple[tuple[bytes, ...], list[tuple[int, bytes]]]:
    """The parts, and the side sections with their tags.

    Raises BitstreamError where they do not fill the file exactly.
    """
    parts: list[bytes] = []
    tagged: list[tuple[int, bytes]] = []
    end = _FIXED.size
    for tag, start, end in layout:
        if end > len(data):
            raise _cut_short(len(data), f"its header says {end}")
        if tag is None:
            parts.append(data[start:end])
        else:
            tagged.append((tag, data[start:end]))
    if end < len(data):
        raise BitstreamError(
            f"this file has {len(data) - end} bytes after its end, at byte {end}; remove them"
        )
    return tuple(parts), tagged


def _by_name(tagged: list[tuple[int, bytes]]) -> dict[str, bytes]:
    """The known side sections, by name.

    Others are ignored, or refused where they may not be.
    """
    tags = [tag for tag, _ in tagged]
    if tags != sorted(set(tags)):
        raise BitstreamError(
            "this file is invalid: its sections are out of order; encode the picture anew"
        )
    unknown = [tag for tag in tags if tag not in _NAMES and tag < OPTIONAL_TAG]
    if unknown:
        raise VersionError(
            f"this file has a section {unknown[0]}, which this jaxcodec does not know; update "
            "jaxcodec"
        )
    return {_NAMES[tag]: section for tag, section in tagged if tag in _NAMES}


def _check_fields(header: Header, content: int) -> None:
    """Fields that pass the checksum and still cannot be: a faulty or hostile encoder wrote them."""
    flags_valid = content < 1 << len(_SECTIONS_3) and content & 7 in (
        2,
        3,
        7,
    )  # latent, hyper before it, second after
    checks = {
        "flags": header.version > 3 or flags_valid,
        "width": header.width > 0,
        "height": header.height > 0,
        "lanes": header.lanes == 1 or header.coder == "lanes",
        "channels": header.channels in (1, 3, 4)
        and (header.channels == 4) == ("alpha" in header.section_bytes),
        "quality": header.quality is None or header.quality <= MAX_QUALITY,
        "step": abs(header.step) <= quantiser_step.MAX_INDEX,
    }
    wrong = [name for name, valid in checks.items() if not valid]
    if wrong:
        value = content if wrong[0] == "flags" else getattr(header, wrong[0])
        raise BitstreamError(
            f"this file is invalid: its header's {wrong[0]} cannot be {value}; encode the picture "
            "anew"
        )


def _cut_short(size: int, needed: str) -> BitstreamError:
    return BitstreamError(
        f"this file is cut short: it has {size} bytes and {needed}; fetch it again"
    )


def _varint(value: int) -> bytes:
    """Little-endian base 128, the high bit of a byte set where another follows."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The value at `position` and the position after it.

    The length of a section takes five bytes at most.
    """
    value = 0
    for i in range(5):
        if position + i >= len(data):
            raise _cut_short(len(data), "a section's length is still to come")
        byte = data[position + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, position + i + 1
    raise BitstreamError(
        "this file is damaged: the length of a section is not a number; fetch it again"
    )
