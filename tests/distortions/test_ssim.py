import jax
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from jaxcodec.distortions import DistortionError
from jaxcodec.distortions.ssim import ssim


def distorted(image, seed=0):
    noise = np.random.default_rng(seed).normal(0, 20, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


# The sizes lie below, at and above the blocks of 64 in which the filter works.
@pytest.mark.parametrize(("height", "width"), [(11, 11), (33, 74), (75, 64), (138, 139)])
def test_agrees_with_scikit_image(photo, height, width):
    image = photo[50 : 50 + height, 150 : 150 + width]
    other = distorted(image)
    expected = structural_similarity(
        image,
        other,
        channel_axis=-1,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    np.testing.assert_allclose(ssim(image, other), expected, atol=1e-5)


def test_a_batch_gives_each_image_its_own_value(photo):
    images = np.stack([photo[:64, :80], photo[100:164, 200:280]])
    others = np.stack([distorted(images[0]), images[1]])
    values = np.asarray(ssim(images, others))
    np.testing.assert_allclose(values, [float(ssim(images[0], others[0])), 1], atol=1e-6)


def test_gradient_is_that_of_finite_differences(photo):
    image = photo[200:216, 200:220] / np.float32(255)
    other = distorted(photo[200:216, 200:220]) / np.float32(255)
    direction = np.random.default_rng(1).normal(size=image.shape).astype(np.float32)
    gradient = jax.grad(ssim)(other, image)
    step = 1e-3
    difference = float(
        ssim(other + step * direction, image) - ssim(other - step * direction, image)
    ) / (2 * step)
    np.testing.assert_allclose(np.vdot(gradient, direction), difference, rtol=2e-2)


def test_gradient_at_equal_images_vanishes(photo):
    image = photo[:40, :40] / np.float32(255)
    np.testing.assert_allclose(jax.grad(ssim)(image, image), 0, atol=1e-6)


def test_a_side_below_the_window_is_refused():
    with pytest.raises(DistortionError, match="11 pixels a side, not 30 x 10"):
        ssim(np.zeros((10, 30, 3), np.uint8), np.zeros((10, 30, 3), np.uint8))
