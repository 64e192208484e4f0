"""What describes a picture beside its pixels: EXIF, XMP, orientation, resolution.

An EXIF block is edited in place, entry by entry, and not parsed and written anew as Pillow would:
that guesses types, loses letters outside ASCII, and moves a maker note, whose own offsets then
point elsewhere.
"""

import math
import re
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

_ORIENTATION, _SIDES = 0x0112, (0xA002, 0xA003)
_BYTES_OF_TYPE = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    129: 1,
}
_EXIF, _GPS, _INTEROPERABILITY, _MAKER_NOTE = 0x8769, 0x8825, 0xA005, 0x927C
_POINTERS = (_EXIF, _GPS)
_LARGEST_VALUE = 1 << 20
_TIFF_TAGS = (0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298)
"""Tags of a TIFF file that describe its picture: names, camera, program, date, artist, host,
copyright.
"""


def upright_exif(block: bytes | None, notes: list[str]) -> tuple[bytes | None, int]:
    """An EXIF block without orientation and thumbnail, and the orientation.

    The block is in TIFF bytes; the orientation is 1 to 8, and 1 where there is none.

    The orientation may be an integer of any type, or a digit, as ImageMagick and exiftool take it.
    Entries that point nowhere are taken out, a block whose header or first directory cannot be
    followed is dropped, both with a note. None is returned for a block in which nothing is left.
    """
    block = (block or b"").removeprefix(b"Exif\0\0")
    if not block.strip(b"\0"):
        return None, 1
    try:
        return _edited(block, notes)
    except (struct.error, ValueError):
        notes.append("dropped a broken EXIF block")
        return None, 1


def _edited(block: bytes, notes: list[str]) -> tuple[bytes | None, int]:
    editor = _Editor(block)
    (first,) = struct.unpack_from(editor.order + "I", block, 4)
    left = editor.edit(first, follow=_POINTERS)
    if editor.broken:
        notes.append(
            f"dropped {editor.broken} broken {'entry' if editor.broken == 1 else 'entries'} of the "
            "EXIF block"
        )
    return (bytes(editor.data[: editor.end]) if left else None), editor.orientation


class _Editor:
    """An EXIF block, and what `edit` finds out about it."""

    def __init__(self, block: bytes):
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
        if order is None:
            raise ValueError("no TIFF header")
        self.order: str = order
        self.data = bytearray(block)
        self.orientation = 1
        self.broken = 0
        self.end = 8  # nothing beyond it is referred to; a thumbnail usually lies there
        self._seen = set()

    def edit(self, at: int, follow: tuple[int, ...]) -> int:
        """Remove broken and outdated entries from the directory at `at`.

        Returns how many entries are left.
        """
        if at < 8 or at in self._seen:
            raise ValueError("a directory lies in the header or in a circle")
        self._seen.add(at)
        (count,) = struct.unpack_from(self.order + "H", self.data, at)
        end = at + 2 + 12 * count
        if end > len(self.data):
            raise ValueError("a directory lies beyond the end")
        self.end = max(self.end, end + 4)
        entries = [bytes(self.data[start : start + 12]) for start in range(at + 2, end, 12)]
        kept = [entry for entry in entries if self._keeps(entry, follow)]
        room = (b"".join(kept)).ljust(
            12 * count + 4, b"\0"
        )  # the next directory, a thumbnail's, is cut off
        self.data[at : at + 2 + len(room)] = struct.pack(self.order + "H", len(kept)) + room
        return len(kept)

    def _keeps(self, entry: bytes, follow: tuple[int, ...]) -> bool:
        tag, kind, count, at = struct.unpack(self.order + "HHII", entry)
        size = _BYTES_OF_TYPE[kind] * count if kind in _BYTES_OF_TYPE else math.inf
        if size > 4 and at + size > len(self.data):
            self.broken += 1
            return False
        start, block = (8, entry) if size <= 4 else (at, self.data)
        value = bytes(block[start : start + int(size)])
        if tag == _ORIENTATION:
            self.orientation = _orientation(kind, count, value, self.order)
            return False
        if tag in _SIDES and self.orientation >= 5:
            return False
        if tag in follow:
            return self._follows(tag, at)
        if size > 4:
            self.end = max(self.end, at + size)
        return True

    def _follows(self, tag: int, at: int) -> bool:
        try:
            return self.edit(at, follow=(_INTEROPERABILITY,) if tag == _EXIF else ()) > 0
        except (struct.error, ValueError):
            self.broken += 1
            return False


def _orientation(kind: int, count: int, value: bytes, order: str) -> int:
    if kind == 2:
        text = value.rstrip(b"\0 ")
        number = int(text) if text.isdigit() else 1
    else:
        form = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}.get(kind) if count == 1 else None
        number = struct.unpack(order + form, value)[0] if form else 1
    return number if 1 <= number <= 8 else 1


def tiff_exif(file: BinaryIO) -> bytes | None:
    """An EXIF block of those tags of a TIFF file that describe its picture, not its layout.

    Types and bytes are those of the file; a maker note, which other places of the file may belong
    to, is left out.

    Raises:
      struct.error: the tags are broken.
    """
    file.seek(0)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(file.read(4))
    if order is None:
        return None
    (first,) = struct.unpack(order + "I", file.read(4))
    entries = {entry[0]: entry for entry in _entries(file, order, first)}
    below = {
        tag: _entries(file, order, *struct.unpack(order + "I", entries[tag][3]))
        for tag in _POINTERS
        if tag in entries
    }
    kept = [entries[tag] for tag in _TIFF_TAGS if tag in entries]
    return (
        _block(order, kept, {tag: found for tag, found in below.items() if found})
        if kept or any(below.values())
        else None
    )


_Entry = tuple[int, int, int, bytes]
"""Tag, type, count and value of an entry of a TIFF directory."""


def _entries(file: BinaryIO, order: str, at: int) -> list[_Entry]:
    file.seek(at)
    (count,) = struct.unpack(order + "H", file.read(2))
    found = []
    for entry in struct.iter_unpack(order + "HHI4s", file.read(12 * count)):
        tag, kind, number, value = entry
        size = _BYTES_OF_TYPE.get(kind, 0) * number
        if size > 4 and size <= _LARGEST_VALUE:
            file.seek(struct.unpack(order + "I", value)[0])
            value = file.read(size)
        if 0 < size <= len(value) and tag not in (_MAKER_NOTE, _INTEROPERABILITY):
            found.append((tag, kind, number, value[:size]))
    return found


def _block(order: str, entries: list[_Entry], below: dict[int, list[_Entry]]) -> bytes:
    """An EXIF block of a first directory and those below it, each by the tag that points at it."""
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    pointers = [(tag, 4, 1, bytes(4)) for tag in below]
    at = len(block) + len(_directory(order, entries + pointers, 0))
    parts = []
    for index, (tag, found) in enumerate(below.items()):
        pointers[index] = (tag, 4, 1, struct.pack(order + "I", at))
        parts.append(_directory(order, found, at))
        at += len(parts[-1])
    return b"".join((block, _directory(order, entries + pointers, len(block)), *parts))


def _directory(order: str, entries: list[_Entry], at: int) -> bytes:
    """A directory that lies at `at`, with the values that do not fit into its entries behind it."""
    values = b""
    start = at + 2 + 12 * len(entries) + 4
    packed = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in sorted(entries):
        if len(value) > 4:
            place = struct.pack(order + "I", start + len(values))
            values += value + b"\0" * (len(value) % 2)
        else:
            place = value.ljust(4, b"\0")
        packed += struct.pack(order + "HHI", tag, kind, count) + place
    return packed + bytes(4) + values


def describes(tags: Image.Exif) -> bool:
    """Whether a TIFF file has tags that describe its picture."""
    return any(tag in tags for tag in (*_TIFF_TAGS, *_POINTERS))


def tags_orientation(tags: Image.Exif) -> int:
    """The orientation in the tags of a TIFF file, or 1."""
    value = tags.get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright_xmp(packet: bytes | None) -> bytes | None:
    """An XMP packet with tiff:Orientation, if any, set to upright.

    So no reader turns the picture again.
    """
    if not packet:
        return None
    packet = re.sub(rb"""(tiff:Orientation\s*=\s*["'])\s*\d+\s*(?=["'])""", rb"\g<1>1", packet)
    return re.sub(rb"(<tiff:Orientation[^>]*>)\s*\d+\s*(?=</)", rb"\g<1>1", packet)


def xmp_orientation(packet: bytes | None) -> int:
    """The tiff:Orientation of an XMP packet, or 1."""
    found = re.search(
        rb"""tiff:Orientation\s*=\s*["']\s*(\d)|<tiff:Orientation[^>]*>\s*(\d)""", packet or b""
    )
    return int(found[1] or found[2]) if found else 1


def exif_dpi(block: bytes | None) -> tuple[float, float] | None:
    """Pixels per inch, horizontally and vertically, in an EXIF block, or None."""
    if not block:
        return None
    tags = Image.Exif()
    try:
        tags.load(block)
    except Exception:  # Pillow raises nearly anything at what it cannot parse
        return None
    return tags_dpi(tags)


def tags_dpi(tags: Image.Exif) -> tuple[float, float] | None:
    """Pixels per inch in TIFF tags (ResolutionUnit 2 is inches, 3 centimetres), or None."""
    scale = {2: 1.0, 3: 2.54}.get(tags.get(0x0128, 2))
    return None if scale is None else checked_dpi(tags.get(0x011A), tags.get(0x011B), scale)


def checked_dpi(horizontal: Any, vertical: Any, scale: float) -> tuple[float, float] | None:
    """Both times `scale`, or None unless they are positive finite numbers."""
    try:
        dpi = (float(horizontal) * scale, float(vertical) * scale)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return dpi if all(0 < value < 1e6 for value in dpi) else None


_TURN: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (height, width, channels) turned upright by their EXIF orientation."""
    return np.ascontiguousarray(_TURN[orientation](pixels)) if orientation in _TURN else pixels
