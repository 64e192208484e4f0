"""The side sections: the alpha channel, and what describes the picture.

No network touches them.
"""

import lzma
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxcodec.errors import BitstreamError, VersionError
from jaxcodec.image import Picture, standard_profiles

MAX_BYTES = 1 << 24
"""A longer profile, EXIF block or XMP packet is none; the limit keeps a hostile file from filling
the memory.
"""

NAMES = {
    "alpha": "alpha channel",
    "icc": "ICC profile",
    "profile": "ICC profile",
    "exif": "EXIF block",
    "xmp": "XMP packet",
    "dpi": "resolution",
}
"""The side sections in words."""

_LZMA = {"id": lzma.FILTER_LZMA2, "preset": 6}
_PLAIN = [_LZMA]
# Bytes less their left neighbour, the filter "Sub" of PNG, which suits soft edges and gradients.
_ALPHA_FILTERS = [{"id": lzma.FILTER_DELTA, "dist": 1}, _LZMA]
_DPI_UNIT = 1000
_MAX_DPI = (2**32 - 1) / _DPI_UNIT


def pack(picture: Picture) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The side sections of a picture by name, and notes about what is dropped."""
    sections, notes = {}, []
    if picture.pixels.shape[2] == 4:
        sections["alpha"] = pack_alpha(picture.pixels[:, :, 3])
    number = None if picture.icc is None else standard_profiles.number(picture.icc)
    if number is not None:
        sections["profile"] = bytes([number])
    for name in ("icc", "exif", "xmp"):
        content = getattr(picture, name)
        if content and len(content) > MAX_BYTES:
            notes.append(f"dropped an {NAMES[name]} of {len(content):,} bytes, which is too long")
        elif content is not None and not (name == "icc" and number is not None):
            sections[name] = pack_bytes(content)
    if picture.dpi is not None and all(1 / _DPI_UNIT <= dpi <= _MAX_DPI for dpi in picture.dpi):
        sections["dpi"] = pack_dpi(picture.dpi)
    elif picture.dpi is not None:
        notes.append(f"dropped a resolution of {picture.dpi} dpi, which cannot be")
    return sections, tuple(notes)


def unpack(sections: Mapping[str, bytes]) -> dict[str, Any]:
    """The metadata of a picture, as keywords of `Picture`.

    These are icc, exif, xmp and dpi, as far as they are there.

    Raises:
      BitstreamError: a section does not hold what it should.
      VersionError: the number of a profile is not known here.
    """
    fields: dict[str, Any] = {
        name: unpack_bytes(sections[name], NAMES[name])
        for name in ("icc", "exif", "xmp")
        if name in sections
    }
    if "profile" in sections:
        fields["icc"] = standard_profiles.content(_profile_number(sections))
    if "dpi" in sections:
        fields["dpi"] = unpack_dpi(sections["dpi"])
    return fields


def describe(sections: Mapping[str, bytes]) -> dict[str, Any]:
    """The content of small sections, as JSON values; or None.

    `profile` is the name of a standard one or "its own"; `dpi` is the resolution.
    """
    profile = "its own" if "icc" in sections else None
    if "profile" in sections:
        profile = standard_profiles.NAMES[_profile_number(sections)]
    return {
        "profile": profile,
        "dpi": list(unpack_dpi(sections["dpi"])) if "dpi" in sections else None,
    }


def pack_alpha(alpha: np.ndarray) -> bytes:
    """The alpha channel, uint8 (height, width), compressed."""
    return lzma.compress(alpha.tobytes(), lzma.FORMAT_RAW, filters=_ALPHA_FILTERS)


def unpack_alpha(data: bytes, height: int, width: int) -> np.ndarray:
    """uint8 (height, width); raises BitstreamError where `data` does not hold exactly that."""
    raw = _decompress(data, _ALPHA_FILTERS, height * width, NAMES["alpha"])
    if len(raw) != height * width:
        raise BitstreamError(
            f"this file is invalid: its alpha channel has {len(raw)} values, not {height * width}; "
            "encode the picture anew"
        )
    return np.frombuffer(raw, np.uint8).reshape(height, width)


def pack_bytes(content: bytes) -> bytes:
    """A profile, an EXIF block or an XMP packet, compressed."""
    return lzma.compress(content, lzma.FORMAT_RAW, filters=_PLAIN)


def unpack_bytes(data: bytes, what: str) -> bytes:
    """The content of a packed section.

    Raises BitstreamError, which says `what` it is, where `data` holds none, or one beyond
    MAX_BYTES.
    """
    return _decompress(data, _PLAIN, MAX_BYTES, what)


def pack_dpi(dpi: tuple[float, float]) -> bytes:
    """The resolution in thousandths of a pixel per inch.

    It is stored once where it is the same in both directions.
    """
    across, down = (round(_DPI_UNIT * value) for value in dpi)
    return struct.pack("<I", across) if across == down else struct.pack("<II", across, down)


def unpack_dpi(data: bytes) -> tuple[float, float]:
    """Pixels per inch, horizontally and vertically; raises BitstreamError."""
    values = [value for (value,) in struct.iter_unpack("<I", data)] if len(data) in (4, 8) else [0]
    if 0 in values:
        raise BitstreamError(
            "this file is invalid: its resolution cannot be read; encode the picture anew"
        )
    return values[0] / _DPI_UNIT, values[-1] / _DPI_UNIT


def _profile_number(sections: Mapping[str, bytes]) -> int:
    data = sections["profile"]
    if len(data) != 1 or "icc" in sections:
        raise BitstreamError(
            "this file is invalid: its ICC profile is not told by one number; encode the picture "
            "anew"
        )
    if data[0] not in standard_profiles.NAMES:
        raise VersionError(
            f"this file has the ICC profile {data[0]}, which this jaxcodec does not know; update "
            "jaxcodec"
        )
    return data[0]


def _decompress(data: bytes, filters: list[dict], limit: int, what: str) -> bytes:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    try:
        raw = decompressor.decompress(data, limit + 1)
    except lzma.LZMAError as problem:
        raise BitstreamError(
            f"this file is invalid: its {what} cannot be read; encode the picture anew"
        ) from problem
    if len(raw) > limit or not decompressor.eof or decompressor.unused_data:
        raise BitstreamError(
            f"this file is invalid: its {what} does not end where it should; encode the picture "
            "anew"
        )
    return raw
