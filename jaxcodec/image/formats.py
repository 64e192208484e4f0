"""Which kind of file it is, by its first bytes, and what to do with the kinds that are not read."""

import os
import re
from typing import BinaryIO

from jaxcodec.image.decoded import Refused

HEAD_BYTES = 512
"""How much of a file `kind_of` looks at."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x01\xda", "SGI"),
    (b"8BPS", "PSD"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"icns", "ICNS"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
)

_ELSEWHERE = "convert it to PNG or TIFF with another program first"
_NOT_READ = (
    (b"%!PS|\xc5\xd0\xd3\xc6", "is a drawing (PostScript)", "render it to PNG first"),
    (b"%PDF", "is a PDF document", "render its page to PNG first"),
    (
        rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE[^>]*>\s*)?<svg[\s>]",
        "is a drawing (SVG)",
        "render it to PNG first",
    ),
    (
        rb"(\xef\xbb\xbf)?\s*<(?i:!doctype html|html)",
        "is a web page and no image",
        "download the image itself",
    ),
    (rb"v/1\x01", "is an OpenEXR file, whose range has no end", "tone-map it to PNG or TIFF first"),
    (
        rb"#\?(RADIANCE|RGBE)",
        "is a Radiance file, whose range has no end",
        "tone-map it to PNG or TIFF first",
    ),
    (rb"PF[\s]", "is a colour float map (PFM)", _ELSEWHERE),
    (rb"P7[\s]", "is a PAM file", _ELSEWHERE),
    (rb"SIMPLE  =", "is a FITS file, whose values have no common range", _ELSEWHERE),
    (
        rb"II\*\0....CR|FUJIFILMCCD-RAW|IIRO|IIRS|MMOR|IIU\0",
        "is a camera's raw file",
        "develop it to TIFF or JPEG first",
    ),
    (rb"II\xbc\x01", "is a JPEG XR file", _ELSEWHERE),
    (rb"BPG\xfb", "is a BPG file", _ELSEWHERE),
    (
        rb"....ftyp(isom|iso2|mp4|qt  |M4V|avc1|3gp)",
        "is a video",
        "save one of its frames as PNG first",
    ),
    (rb"\x1a\x45\xdf\xa3", "is a video", "save one of its frames as PNG first"),
    (rb"PK\x03\x04", "is a ZIP archive", "unpack it first"),
)


def kind_of(head: bytes) -> str | None:
    """The name of the format of a file that begins with `head`, or None without a known signature.

    Raises:
      Refused: a kind of file that is known and not read, with what to do instead.
    """
    for pattern, what, remedy in _NOT_READ:
        if re.match(pattern, head, re.DOTALL):
            raise Refused(f"{what}; {remedy}")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _iso_kind(head)
    if re.match(rb"P[1-6f]\s", head):
        return "PPM"
    return next((kind for signature, kind in _SIGNATURES if head.startswith(signature)), None)


def why_no_jpeg(file: BinaryIO) -> str | None:
    """Why a JPEG file cannot be opened: more than 8 bits, or JPEG-LS; None otherwise."""
    file.seek(2)
    while len(marker := file.read(4)) == 4 and marker[0] == 0xFF:
        if marker[1] == 0xF7:
            return "is a JPEG-LS file"
        if 0xC0 <= marker[1] <= 0xCF and marker[1] not in (0xC4, 0xC8, 0xCC):
            bits = file.read(1)
            return f"is a JPEG file of {bits[0]} bits a channel" if bits and bits[0] != 8 else None
        file.seek(int.from_bytes(marker[2:], "big") - 2, os.SEEK_CUR)
    return None


def _iso_kind(head: bytes) -> str | None:
    """AVIF or HEIC, by the brands of an ISO base media file."""
    brands = head[8 : int.from_bytes(head[:4], "big")]
    brands = {brands[:4], *(brands[at : at + 4] for at in range(8, len(brands), 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return (
        "HEIC"
        if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
        else None
    )
