"""Small pictures for the command line."""

import pathlib

import numpy as np

from jaxcodec import image
from jaxcodec.image import Picture

MAGIC = b"\x89JXC"
"""What a .jxc file begins with."""


SIZE = (40, 48)
"""Height and width of the photograph, so that each network is compiled once."""


def paint(*names, level: int = 90) -> None:
    """Write flat pictures of 4 x 3 pixels under these names, whose formats they have; makes their
    folders.
    """
    for name in names:
        pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
        image.write(name, Picture(np.full((3, 4, 3), level, np.uint8)))
