import chex
import jax
import numpy as np
import pytest

from jaxcodec.distortions import DistortionError
from jaxcodec.distortions.mse import mse_255, psnr_db


def test_values_worked_by_hand():
    black = np.zeros((2, 4, 5, 3), np.uint8)
    grey = black.copy()
    grey[0, ..., 0] = 6  # one of three channels off by 6: mean square 12
    grey[1] = 255
    np.testing.assert_allclose(mse_255(black, grey), [12, 255**2], rtol=1e-6)
    np.testing.assert_allclose(psnr_db(black, grey), [10 * np.log10(255**2 / 12), 0], atol=1e-4)


def test_bytes_and_floats_agree(photo):
    other = photo // 8 * 8
    expected = np.mean((photo.astype(np.float64) - other) ** 2)
    np.testing.assert_allclose(mse_255(photo, other), expected, rtol=1e-5)
    np.testing.assert_allclose(mse_255(photo / np.float32(255), other), expected, rtol=1e-5)


def test_equal_images_have_infinite_psnr(photo):
    assert psnr_db(photo, photo) == np.inf


def test_gradient_of_the_error():
    a, b = np.full((1, 2, 2, 1), 0.5, np.float32), np.full((1, 2, 2, 1), 0.25, np.float32)
    gradient = jax.grad(lambda image: mse_255(image, b)[0])(a)
    np.testing.assert_allclose(gradient, np.full_like(a, 2 * 255**2 * 0.25 / 4), rtol=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (
            np.zeros((4, 4, 3), np.uint8),
            np.zeros((4, 5, 3), np.uint8),
            r"\(4, 4, 3\) and \(4, 5, 3\)",
        ),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8), "height, width, channels"),
        (np.zeros((4, 4, 3), np.int32), np.zeros((4, 4, 3), np.int32), "int32"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, b, message):
    with pytest.raises(DistortionError, match=message):
        psnr_db(a, b)


class Variants(chex.TestCase):
    """The same number whichever way it is run."""

    @chex.variants(with_jit=True, without_jit=True, with_device=True)
    def test_psnr(self):
        a, b = np.zeros((2, 3, 3), np.uint8), np.full((2, 3, 3), 16, np.uint8)
        expected = 10 * np.log10(255**2 / 256)
        np.testing.assert_allclose(self.variant(psnr_db)(a, b), expected, rtol=1e-6)
