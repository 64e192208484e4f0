"""Colour under alpha 0: forgotten smoothly, and nothing else changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcodec.image import hidden


def rgba(height: int, width: int, seed: int, share: float) -> np.ndarray:
    """Noise of which about a share can be seen."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 4), np.uint8)
    pixels[:, :, 3] = np.where(
        rng.random((height, width)) < share, np.maximum(pixels[:, :, 3], 1), 0
    )
    return pixels


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(0, 99), st.sampled_from([0.01, 0.5, 0.95])
)
def test_what_is_seen_stays_and_what_is_not_lies_between(height, width, seed, share):
    pixels = rgba(height, width, seed, share)
    filled = hidden.forget(pixels)
    seen = pixels[:, :, 3] > 0
    assert filled.dtype == np.uint8
    assert filled.shape == (height, width, 3)
    np.testing.assert_array_equal(filled[seen], pixels[seen][:, :3])
    if seen.any():
        assert (filled >= pixels[seen][:, :3].min(axis=0)).all()
        assert (filled <= pixels[seen][:, :3].max(axis=0)).all()
    else:
        assert (filled == 128).all()


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_what_was_hidden_does_not_count(share):
    one, other = rgba(17, 23, 0, share), rgba(17, 23, 0, share)
    other[other[:, :, 3] == 0, :3] = 0
    np.testing.assert_array_equal(hidden.forget(one), hidden.forget(other))


def test_a_flat_picture_goes_on_flat():
    pixels = np.full((30, 50, 4), 77, np.uint8)
    pixels[3:20, 10:44] = (255, 0, 9, 0)
    assert (hidden.forget(pixels) == 77).all()


def test_between_two_sides_it_goes_over_without_a_step():
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, :16] = (0, 0, 0, 255)
    pixels[:, 48:] = (240, 240, 240, 255)
    row = hidden.forget(pixels)[32, :, 0].astype(int)
    assert np.abs(np.diff(row)).max() <= 20
    assert abs(row[31] - 120) < 30


def test_visible_is_none_where_all_can_be_seen():
    assert hidden.visible(np.zeros((2, 2, 3), np.uint8)) is None
    assert hidden.visible(np.ones((2, 2, 4), np.uint8)) is None
    pixels = np.ones((2, 2, 4), np.uint8)
    pixels[0, 1, 3] = 0
    assert hidden.visible(pixels).tolist() == [[True, False], [True, True]]
    opaque = np.ones((2, 2, 4), np.uint8)
    np.testing.assert_array_equal(hidden.forget(opaque), opaque[:, :, :3])
