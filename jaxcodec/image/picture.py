"""A picture: pixels, and what describes them."""

import dataclasses

import numpy as np

from jaxcodec.errors import ImageError

MAX_SIDE = 65_535
"""Largest width and height, in pixels: the bitstream's fields hold no more."""


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """An image as the codec takes and gives it.

    Attributes:
      pixels: uint8 (height, width, channels) with 1 (grey), 3 (RGB) or 4 (RGBA, straight alpha)
        channels.
      icc: the ICC profile that describes the pixels, or None (then sRGB is assumed).
      exif: the EXIF block as TIFF bytes ("II" or "MM" first), upright (without an orientation), or
        None.
      xmp: the XMP packet, UTF-8 XML, or None.
      dpi: pixels per inch, horizontally and vertically, or None where the file says nothing.
      notes: what was converted or dropped while reading, one phrase each, for the user to see.

    Raises:
      ImageError: the array has another type or shape, or a side outside 1 to 65535.
    """

    pixels: np.ndarray
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        dtype, shape = (
            getattr(self.pixels, "dtype", type(self.pixels).__name__),
            np.shape(self.pixels),
        )
        if dtype != np.uint8 or len(shape) != 3 or shape[2] not in (1, 3, 4):
            raise ImageError(
                f"an image must be uint8 of shape (height, width, 1, 3 or 4), not {dtype} of shape "
                f"{shape}; "
                "scale it to 0..255 and give grey images a last axis of 1"
            )
        if not all(1 <= side <= MAX_SIDE for side in shape[:2]):
            raise ImageError(
                f"an image of {shape[1]} x {shape[0]} pixels has a side outside 1 to {MAX_SIDE}"
            )
