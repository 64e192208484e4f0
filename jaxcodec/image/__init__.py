"""Images at the edges of the codec: reading, writing, listing, padding.

Outside the networks an image is uint8, height x width x channels, with 1 (grey), 3 (RGB) or 4
(RGBA) channels; inside they see float32 in [0, 1]. Whatever a file holds beyond that is converted,
and the picture carries a note that says so.
"""

from jaxcodec.files import MAX_PIXELS
from jaxcodec.image.arrays import crop, pad_to_multiple, to_float, to_uint8
from jaxcodec.image.listing import READ_SUFFIXES, list_images
from jaxcodec.image.picture import MAX_SIDE, Picture
from jaxcodec.image.reading import from_pil, read
from jaxcodec.image.writing import WRITE_SUFFIXES, write

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "READ_SUFFIXES",
    "WRITE_SUFFIXES",
    "Picture",
    "crop",
    "from_pil",
    "list_images",
    "pad_to_multiple",
    "read",
    "to_float",
    "to_uint8",
    "write",
]
