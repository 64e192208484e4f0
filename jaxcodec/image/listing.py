"""Which files of a folder are images."""

import os
import pathlib

from jaxcodec import folders
from jaxcodec.errors import DataError

READ_SUFFIXES = frozenset(
    [
        ".png",
        ".apng",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".webp",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".tga",
        ".avif",
        ".jp2",
        ".heic",
        ".heif",
        ".jxl",
    ]
)
"""Suffixes (lower case) by which `list_images` knows the images in a folder."""


def list_images(path: str | os.PathLike[str], *, recursive: bool = False) -> list[pathlib.Path]:
    """The images that `path` names: itself if a file, else those in the folder, sorted by path.

    In a folder the suffix decides (see READ_SUFFIXES), and hidden files are passed over; nothing is
    opened. Sub-folders are entered where `recursive`.

    Raises:
      DataError: `path` does not exist, or is a folder that cannot be read, or one without images.
    """
    path = pathlib.Path(path)
    if not os.path.lexists(path):
        raise DataError(f"{path} does not exist; give an image or a folder of images")
    if not path.is_dir():
        return [path]
    listing = folders.scan(path, READ_SUFFIXES, recursive=recursive)
    if listing.problems:
        raise listing.problems[0]
    if not listing.files:
        raise DataError(
            f"the folder {path} holds no images; known suffixes are "
            f"{' '.join(sorted(READ_SUFFIXES))}"
        )
    return listing.files
