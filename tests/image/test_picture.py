"""What a picture may be."""

import numpy as np
import pytest

from jaxcodec.errors import ImageError
from jaxcodec.image import Picture


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_rgb_and_rgba_are_pictures(channels):
    picture = Picture(np.zeros((2, 3, channels), np.uint8))
    assert (picture.icc, picture.exif, picture.xmp, picture.dpi, picture.notes) == (
        *(None,) * 4,
        (),
    )


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((2, 3, 3)), "not float64 of shape"),
        (np.zeros((2, 3), np.uint8), "give grey images a last axis of 1"),
        (np.zeros((2, 3, 2), np.uint8), r"\(2, 3, 2\)"),
        ([[1]], "not list"),
        (np.zeros((0, 3, 3), np.uint8), "3 x 0 pixels has a side outside 1 to 65535"),
        (np.zeros((1, 65_536, 1), np.uint8), "65536 x 1 pixels"),
    ],
)
def test_other_arrays_are_refused_with_what_they_are(pixels, words):
    with pytest.raises(ImageError, match=words):
        Picture(pixels)
