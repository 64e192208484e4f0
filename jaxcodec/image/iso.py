"""Facts in the boxes of AVIF, HEIC and JPEG 2000 files that their readers do not give."""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

_LOOK_AT = 1 << 18  # the boxes that describe a picture lie before its data


def boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, start of the content and its size of every box at the top of a file."""
    end = file.seek(0, io.SEEK_END)
    at = 0
    while at + 8 <= end:
        file.seek(at)
        size, name = int.from_bytes(file.read(4), "big"), file.read(4)
        start = at + 8
        if size == 1:
            size, start = int.from_bytes(file.read(8), "big"), at + 16
        size = size or end - at
        if size < start - at:
            return
        yield name, start, min(size, end - at) - (start - at)
        at += size


def bits(file: BinaryIO) -> int | None:
    """Bits a channel of an AVIF, HEIC or JPEG 2000 file; None if it does not say.

    From pixi of an AVIF or HEIC file, from ihdr or SIZ (of a bare stream) of a JPEG 2000 file.
    """
    head = _head(file)
    if found := re.search(rb"pixi.{4}([\1-\4])", head, re.DOTALL):
        return max(head[found.end() : found.end() + found[1][0]], default=None)
    if found := re.search(rb"ihdr.{10}(.)|^\xff\x4f\xff\x51.{38}(.)", head, re.DOTALL):
        depths = found[1] or found[2]
        if depths == b"\xff":  # a box of its own lists them
            listed = re.search(rb"(....)bpcc", head, re.DOTALL)
            depths = (
                head[listed.end() : listed.end() + int.from_bytes(listed[1], "big") - 8]
                if listed
                else b"\x07"
            )
        return max((depth & 0x7F) + 1 for depth in depths)
    return None


def coded_colours(file: BinaryIO) -> tuple[int, int] | None:
    """The code points of primaries and transfer curve of an AVIF or HEIC file.

    From a colr box of type nclx; None without one.
    """
    found = re.search(rb"colrnclx(..)(..)", _head(file), re.DOTALL)
    return (int.from_bytes(found[1], "big"), int.from_bytes(found[2], "big")) if found else None


def is_jpeg_2000_ycc(file: BinaryIO) -> bool:
    """Whether the channels of a JPEG 2000 file are declared as luma and chroma.

    The declaration is enumerated space 18 in a colr box.
    """
    return re.search(rb"colr\x01..\0\0\0\x12", _head(file), re.DOTALL) is not None


def without_exif(file: BinaryIO) -> BinaryIO:
    """A copy of an AVIF file whose EXIF item has a type that no reader knows."""
    file.seek(0)
    return io.BytesIO(
        re.sub(rb"(infe[\2\3].{7,9})Exif", rb"\g<1>none", file.read(), flags=re.DOTALL)
    )


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(_LOOK_AT)
