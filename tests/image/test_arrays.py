"""Padding and the two forms of pixels."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.image import arrays

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def test_padding_repeats_the_last_row_and_column_and_crop_undoes_it():
    padded = arrays.pad_to_multiple(PIXELS, 4)
    assert padded.shape == (8, 8, 3)
    np.testing.assert_array_equal(padded[:5, :7], PIXELS)
    np.testing.assert_array_equal(padded[5:, :7], np.repeat(PIXELS[-1:], 3, axis=0))
    np.testing.assert_array_equal(padded[:5, 7:], PIXELS[:, -1:])
    np.testing.assert_array_equal(arrays.crop(padded, 5, 7), PIXELS)


def test_a_batch_is_padded_image_by_image_and_what_fits_is_left_as_it_is():
    batch = np.stack([PIXELS, PIXELS[::-1]])
    for padded, image in zip(arrays.pad_to_multiple(batch, 4), batch, strict=True):
        np.testing.assert_array_equal(padded, arrays.pad_to_multiple(image, 4))
    assert arrays.pad_to_multiple(PIXELS, 1) is PIXELS


@pytest.mark.parametrize("make", [np.asarray, jnp.asarray])
def test_every_level_survives_the_way_through_floats(make):
    levels = make(np.arange(256, dtype=np.uint8))
    floats = arrays.to_float(levels)
    assert type(floats) is type(levels) and floats.dtype == np.float32
    np.testing.assert_allclose(floats, np.arange(256) / 255, rtol=1e-6)
    back = arrays.to_uint8(floats)
    assert type(back) is type(levels) and back.dtype == np.uint8
    np.testing.assert_array_equal(back, levels)


def test_floats_are_clipped_and_rounded_to_the_nearest_level():
    values = np.array([-0.5, 0.4 / 255, 0.6 / 255, 1.5], np.float32)
    assert arrays.to_uint8(values).tolist() == [0, 0, 1, 255]


def test_what_is_no_uint8_is_refused():
    with pytest.raises(TypeError, match="uint8 pixels, not float64"):
        arrays.to_float(np.zeros((2, 2, 3)))
