"""Samples of other types to 8 bits: integers of any size, floats, alpha that was multiplied in."""

import numpy as np

from jaxcodec.image.decoded import Refused

_ROWS_OF_BYTES = 1 << 24


def integers_to_uint8(samples: np.ndarray, bits: int, notes: list[str]) -> np.ndarray:
    """Integers of `bits` bits to uint8 of the same shape; adds notes.

    The array may be of any integer type.

    Unsigned ones of up to 16 bits are scaled from [0, 2^bits - 1], rounded to nearest. Signed ones
    with negative values are shifted up by half their range, as ImageMagick takes them, and others
    scaled from [0, 2^(bits - 1) - 1]. Integers of 32 and 64 bits have no range in common use: the
    smallest of 8, 16 and (unsigned) 32 bits that holds them is taken, unless the result would be
    black.
    """
    if samples.dtype == np.uint8 and bits == 8:
        return samples
    low, high = (int(samples.min()), int(samples.max())) if samples.size else (0, 0)
    signed = samples.dtype.kind == "i"
    if bits > 16:
        low, maximum = 0, _range_of_wide(low, high, signed, notes)
    elif signed and low < 0:
        low, maximum = -(2 ** (bits - 1)), 2**bits - 1
        notes.append(f"converted from signed to unsigned samples ({low} to black)")
    else:
        low, maximum = 0, 2 ** (bits - signed) - 1
    if bits != 8:
        notes.append(f"converted from {bits} to 8 bits a channel")
    if 8 < bits <= 16 and 0 < high - low <= maximum >> 4:
        notes.append(
            f"dark: its brightest value is {high} of {maximum}; scale it first if it should be "
            "white"
        )
    return _by_rows(samples, lambda rows: _scaled(rows, low, maximum))


def _scaled(values: np.ndarray, low: int, maximum: int) -> np.ndarray:
    wide = np.uint64 if maximum > 2**24 else np.uint32
    values = (values.astype(np.int64) - low).astype(wide) if low else values.astype(wide)
    return ((values * wide(255) + wide(maximum // 2)) // wide(maximum)).astype(np.uint8)


def _range_of_wide(low: int, high: int, signed: bool, notes: list[str]) -> int:
    """The value that stands for white in integers of 32 or 64 bits."""
    if low < 0 or high > 65_535 and (signed or not 2**24 <= high < 2**32):
        raise Refused(
            f"holds integers from {low} to {high}, whose black and white are not known; "
            "scale them to the range 0 to 65535 of 16 bits first"
        )
    maximum = 255 if high <= 255 else 65_535 if high <= 65_535 else 2**32 - 1
    if maximum == 255:
        notes.append(f"took its wide integers for 8-bit values, as the largest is {high}")
    return maximum


def floats_to_uint8(samples: np.ndarray, notes: list[str]) -> np.ndarray:
    """Floats to uint8 of the same shape; adds notes.

    They are taken from [0, 1], or from [0, 255] where most of the positive values exceed 1. What
    lies outside is clipped, and the note says how many. Values of 256 and more, and what is no
    finite number, are refused.
    """
    bad = samples.size - int(np.isfinite(samples).sum())
    if bad:
        raise Refused(f"holds {bad} values that are not finite numbers; replace them first")
    high = float(samples.max())
    if high >= 256:
        raise Refused(
            f"holds floats up to {high:g}, whose white is not known; scale them to [0, 1] first"
        )
    above = int((samples > 1).sum())
    limit = 255 if 2 * above > int((samples > 0).sum()) else 1
    notes.append(f"converted from floats in [0, {limit}] to 8 bits a channel")
    clipped = int(((samples < 0) | (samples > limit)).sum())
    if clipped:
        notes.append(f"clipped {clipped} of {samples.size} values outside [0, {limit}]")
    scale = np.float64(255 / limit)
    return _by_rows(
        samples,
        lambda rows: (rows.astype(np.float64) * scale).clip(0, 255).round().astype(np.uint8),
    )


def straight_alpha(pixels: np.ndarray, notes: list[str]) -> np.ndarray:
    """uint8 RGBA with colours divided by the alpha that multiplied them; adds a note."""
    notes.append("divided the colours by the alpha that they were multiplied with")

    def divided(rows):
        alpha = rows[..., 3:].astype(np.uint32)
        colours = (rows[..., :3].astype(np.uint32) * 255 + alpha // 2) // np.maximum(alpha, 1)
        return np.concatenate([colours.clip(0, 255).astype(np.uint8), rows[..., 3:]], axis=-1)

    return _by_rows(pixels, divided)


def _by_rows(array: np.ndarray, convert) -> np.ndarray:
    """`convert` applied to bands of rows, so that its intermediate values stay small."""
    rows = max(1, _ROWS_OF_BYTES // max(1, array[:1].nbytes))
    return np.concatenate([convert(array[at : at + rows]) for at in range(0, len(array), rows)])
