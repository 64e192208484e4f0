"""Which files of a folder are images."""

import os
import pathlib

from jaxcodec.errors import DataError

READ_SUFFIXES = frozenset(".png .jpg .jpeg .webp .tif .tiff .bmp .gif .ppm .pgm .avif .jp2".split())
"""Suffixes (lower case) by which `list_images` knows the images in a folder."""


def list_images(path: str | os.PathLike) -> list[pathlib.Path]:
    """The images that `path` names: itself if a file, else those in the folder (not deeper), sorted by name.

    In a folder the suffix decides (see READ_SUFFIXES), and hidden files are passed over; nothing is opened.

    Raises:
      DataError: `path` does not exist, or is a folder without images.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist; give an image or a folder of images")
    if not path.is_dir():
        return [path]
    images = sorted(
        entry for entry in path.iterdir() if entry.suffix.lower() in READ_SUFFIXES and not entry.name.startswith(".")
    )
    if not images:
        raise DataError(f"the folder {path} holds no images; known suffixes are {' '.join(sorted(READ_SUFFIXES))}")
    return images
