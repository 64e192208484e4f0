"""The sections that no network touches: the alpha channel and the ICC profile, both lossless through LZMA2."""

import lzma

import numpy as np

from jaxcodec.errors import BitstreamError

MAX_ICC_BYTES = 1 << 24
"""A longer profile is no profile; the limit keeps a hostile file from filling the memory."""

_LZMA = {"id": lzma.FILTER_LZMA2, "preset": 6}
# Bytes less their left neighbour, the filter "Sub" of PNG, which suits soft edges and gradients.
_ALPHA_FILTERS = [{"id": lzma.FILTER_DELTA, "dist": 1}, _LZMA]
_ICC_FILTERS = [_LZMA]


def pack_alpha(alpha: np.ndarray) -> bytes:
    """The alpha channel, uint8 (height, width), compressed."""
    return lzma.compress(alpha.tobytes(), lzma.FORMAT_RAW, filters=_ALPHA_FILTERS)


def unpack_alpha(data: bytes, height: int, width: int) -> np.ndarray:
    """uint8 (height, width); raises BitstreamError where `data` does not hold exactly that."""
    raw = _decompress(data, _ALPHA_FILTERS, height * width, "alpha channel")
    if len(raw) != height * width:
        raise BitstreamError(
            f"this file is invalid: its alpha channel has {len(raw)} values, not {height * width}; "
            "encode the picture anew"
        )
    return np.frombuffer(raw, np.uint8).reshape(height, width)


def pack_icc(profile: bytes) -> bytes:
    """The ICC profile, compressed."""
    return lzma.compress(profile, lzma.FORMAT_RAW, filters=_ICC_FILTERS)


def unpack_icc(data: bytes) -> bytes:
    """The ICC profile; raises BitstreamError where `data` holds none, or one beyond MAX_ICC_BYTES."""
    return _decompress(data, _ICC_FILTERS, MAX_ICC_BYTES, "ICC profile")


def _decompress(data: bytes, filters: list[dict], limit: int, what: str) -> bytes:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    try:
        raw = decompressor.decompress(data, limit + 1)
    except lzma.LZMAError as problem:
        raise BitstreamError(f"this file is invalid: its {what} cannot be read; encode the picture anew") from problem
    if len(raw) > limit or not decompressor.eof or decompressor.unused_data:
        raise BitstreamError(f"this file is invalid: its {what} does not end where it should; encode the picture anew")
    return raw
