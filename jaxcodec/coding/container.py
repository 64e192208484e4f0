"""The .jxc container: a header of 33 bytes, then sections that each begin with their length. See docs/format.md."""

import dataclasses
import struct
import zlib

from jaxcodec.coding import step
from jaxcodec.errors import BitstreamError, VersionError

MAGIC = b"\x89JXC"
VERSION = 3
ONE_QUALITY = 0xFFFF
"""The quality field of a codec that has only one."""

MAX_QUALITY = 10_000
"""Quality 100 in hundredths."""

SECTIONS = ("hyper", "latent", "second", "alpha", "icc")
"""The sections in their order; bit i of the flags says that section i is there."""

CODERS = ("host", "lanes", "tfc")
"""The entropy coders, each under its number in the header."""

_READERS = ("0.1", "0.1", "0.2")
"""The release that reads each earlier version of the format."""

_FIXED = struct.Struct("<4sBBBBB8sHHHhII")
_ALPHA = SECTIONS.index("alpha")
_CRC_BYTES = 4


@dataclasses.dataclass(frozen=True)
class Header:
    """What a .jxc file says about itself.

    Attributes:
      version: of the format.
      codec_id: 16 hexadecimal digits.
      width, height: of the picture, in pixels.
      channels: 1 (grey), 3 (RGB) or 4 (RGBA).
      quality: hundredths, 0 to 10000, or None for a codec with one quality.
      step: the field of the quantiser step (`coding.step`), -5768 to 5768; 0 is the codec's own step.
      precision: bits of the probability tables.
      coder: which of CODERS wrote the symbols.
      lanes: how many streams that coder interleaved, a power of two; 1 for all but "lanes".
      symbol_crc: CRC-32 of what `identity` gives, and then of the decoded symbols.
      section_bytes: the length of each section that is there, by name, in their order.
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
    section_bytes: dict[str, int]

    def as_dict(self) -> dict:
        """The fields as JSON values, the quality on the scale 0 to 100, the step as a factor on the codec's own."""
        quality = None if self.quality is None else self.quality / 100
        readable = {"quality": quality, "step": round(step.size(self.step), 6), "symbol_crc": f"{self.symbol_crc:08x}"}
        return dataclasses.asdict(self) | readable


def identity(header: Header) -> bytes:
    """What the symbols belong to: codec, size, channels, quality and step, 17 bytes.

    The checksum of the symbols begins with it, so that the symbols of one file do not pass for those of another.
    """
    quality = ONE_QUALITY if header.quality is None else header.quality
    fields = header.width, header.height, quality, header.step, header.channels
    return bytes.fromhex(header.codec_id) + struct.pack("<HHHhB", *fields)


def write(header: Header, sections: dict[str, bytes]) -> bytes:
    """A whole file. `header.section_bytes` is ignored: the lengths are those of `sections`."""
    flags = sum(1 << i for i, name in enumerate(SECTIONS) if name in sections)
    quality = ONE_QUALITY if header.quality is None else header.quality
    coding = CODERS.index(header.coder) | (header.lanes.bit_length() - 1) << 4
    fields = (header.version, flags, header.channels, header.precision, coding, bytes.fromhex(header.codec_id))
    size = (header.width, header.height, quality, header.step)
    framed = [_varint(len(sections[name])) + sections[name] for name in SECTIONS if name in sections]
    fixed = _FIXED.pack(MAGIC, *fields, *size, header.symbol_crc, 0)[:-_CRC_BYTES]
    body = b"".join(framed)
    return fixed + struct.pack("<I", zlib.crc32(body, zlib.crc32(fixed))) + body


def read_header(data: bytes) -> Header:
    """The header of a whole .jxc file, after checking that every byte of it is as it was written.

    Raises:
      VersionError: another version of jaxcodec wrote it.
      BitstreamError: not a .jxc file, cut short, longer than it says, damaged, or with fields that cannot be.
    """
    return _parse(data)[0]


def read(data: bytes) -> tuple[Header, dict[str, bytes]]:
    """The header and the sections by name; raises as `read_header`."""
    header, position = _parse(data)
    sections = {}
    for name, start in position.items():
        sections[name] = data[start : start + header.section_bytes[name]]
    return header, sections


def _parse(data: bytes) -> tuple[Header, dict[str, int]]:
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise BitstreamError("this is not a .jxc file: it does not begin as one; give a file that jaxcodec encoded")
    if len(data) > len(MAGIC):
        _check_version(data[len(MAGIC)])
    if len(data) < _FIXED.size:
        raise _cut_short(len(data), f"the header alone takes {_FIXED.size}")
    _, version, flags, channels, precision, coding, *fields = _FIXED.unpack_from(data)
    codec_id, width, height, quality, step_field, symbol_crc, crc = fields
    lengths, position = _section_lengths(data, flags)
    covered = zlib.crc32(data[_FIXED.size :], zlib.crc32(data[: _FIXED.size - _CRC_BYTES]))
    if covered != crc:
        raise BitstreamError("this file is damaged: its checksum does not fit its content; fetch it again")
    if (coder := coding & 15) >= len(CODERS):
        raise BitstreamError(f"this file is invalid: there is no entropy coder {coder}; encode the picture anew")
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
        section_bytes=lengths,
    )
    _check_fields(header, flags)
    return header, position


def _check_version(version: int) -> None:
    if version > VERSION:
        raise VersionError(
            f"this file has version {version} of the format and this jaxcodec knows up to {VERSION}; update jaxcodec"
        )
    if version < VERSION:
        raise VersionError(
            f"this file has version {version} of the format, which this jaxcodec reads no more; decode it with jaxcodec "
            f"{_READERS[version]}"
        )


def _section_lengths(data: bytes, flags: int) -> tuple[dict[str, int], dict[str, int]]:
    """Length and start of each section; raises BitstreamError where they do not fill the file exactly."""
    lengths, starts, position = {}, {}, _FIXED.size
    for i, name in enumerate(SECTIONS):
        if flags >> i & 1:
            lengths[name], starts[name] = _read_varint(data, position)
            position = starts[name] + lengths[name]
    if position > len(data):
        raise _cut_short(len(data), f"its header says {position}")
    if position < len(data):
        raise BitstreamError(f"this file has {len(data) - position} bytes after its end, at byte {position}; remove them")
    return lengths, starts


def _check_fields(header: Header, flags: int) -> None:
    """Fields that pass the checksum and still cannot be: a faulty or hostile encoder wrote them."""
    checks = {
        "flags": flags < 1 << len(SECTIONS),
        "width": header.width > 0,
        "height": header.height > 0,
        "lanes": header.lanes == 1 or header.coder == "lanes",
        "channels": header.channels in (1, 3, 4) and (header.channels == 4) == bool(flags >> _ALPHA & 1),
        "quality": header.quality is None or header.quality <= MAX_QUALITY,
        "step": abs(header.step) <= step.MAX_FIELD,
    }
    wrong = [name for name, valid in checks.items() if not valid]
    if wrong:
        value = flags if wrong[0] == "flags" else getattr(header, wrong[0])
        raise BitstreamError(f"this file is invalid: its header's {wrong[0]} cannot be {value}; encode the picture anew")


def _cut_short(size: int, needed: str) -> BitstreamError:
    return BitstreamError(f"this file is cut short: it has {size} bytes and {needed}; fetch it again")


def _varint(value: int) -> bytes:
    """Little-endian base 128, the high bit of a byte set where another follows."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The value at `position` and the position after it; the length of a section takes five bytes at most."""
    value = 0
    for i in range(5):
        if position + i >= len(data):
            raise _cut_short(len(data), "a section's length is still to come")
        byte = data[position + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, position + i + 1
    raise BitstreamError("this file is damaged: the length of a section is not a number; fetch it again")
