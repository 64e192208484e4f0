"""Folders of small images."""

import pathlib

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path, photo) -> pathlib.Path:
    """Twelve crops of a photograph, 48 to 81 pixels a side, in PNG, JPEG and WebP and one level of
    folders.
    """
    root = tmp_path / "images"
    (root / "below").mkdir(parents=True)
    for index in range(12):
        pixels = photo[20 * index :, 30 * index :][: 48 + 3 * index, : 81 - 3 * index]
        suffix = (".png", ".jpg", ".webp", ".JPEG")[index % 4]
        parent = root / "below" if index % 3 == 0 else root
        Image.fromarray(pixels).save(parent / f"{index:02}{suffix}")
    return root


@pytest.fixture
def numbered(tmp_path) -> pathlib.Path:
    """Sixteen flat images whose grey level is their number, so that a batch tells what it was made
    of.
    """
    root = tmp_path / "numbered"
    root.mkdir()
    for index in range(16):
        Image.fromarray(np.full((8, 8, 3), index, np.uint8)).save(root / f"{index:02}.png")
    return root
