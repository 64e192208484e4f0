"""What the readers of single formats share: their result, and how they refuse."""

import dataclasses

import numpy as np

from jaxcodec.image.picture import MAX_SIDE


class Refused(Exception):
    """Why a file is not read: a phrase that follows the file's name ("is truncated")."""


@dataclasses.dataclass
class Decoded:
    """What a reader found in a file, as stored: not yet upright, its metadata not yet checked.

    Attributes:
      pixels: uint8 (height, width, 1, 3 or 4).
      icc, exif, xmp: blocks as the file holds them, or None.
      dpi: pixels per inch along the stored rows and columns, or None.
      orientation: 1 to 8 where the format itself says it; None leaves it to the EXIF block.
      notes: what was converted or dropped.
    """

    pixels: np.ndarray
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    orientation: int | None = None
    notes: list[str] = dataclasses.field(default_factory=list)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a size that is empty, has more than `max_pixels` pixels, or a side over MAX_SIDE."""
    if width < 1 or height < 1:
        raise Refused(f"is {width} x {height} pixels, which is no picture; its header is damaged")
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise Refused(
            f"is {width} x {height} pixels, beyond the limit of {max_pixels} pixels in all "
            f"and {MAX_SIDE} a side; raise max_pixels (--max-pixels) if the file can be trusted, "
            "or scale it down"
        )
