import jax
import numpy as np
import pytest
from scipy import ndimage

from jaxcodec.distortions import DistortionError
from jaxcodec.distortions.ms_ssim import MIN_SIDE, WEIGHTS, ms_ssim


def blocks_of(image):
    """Means of 8x8 pixels, in place of the pixels."""
    height, width, channels = image.shape
    means = image.reshape(height // 8, 8, width // 8, 8, channels).mean((1, 3)).astype(np.uint8)
    return means.repeat(8, 0).repeat(8, 1)


def coarse(image):
    """Grey levels in steps of 48."""
    return (image.astype(int) // 48 * 48 + 24).clip(0, 255).astype(np.uint8)


def independent_ms_ssim(a, b):
    """One channel, float64, SciPy's Gaussian filter."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    result = 1.0

    def blur(image):
        return ndimage.gaussian_filter(image, 1.5, radius=5)[5:-5, 5:-5]

    for scale, weight in enumerate(WEIGHTS):
        mean_a, mean_b = blur(a), blur(b)
        covariance = blur(a * b) - mean_a * mean_b
        variances = blur(a * a) - mean_a**2 + blur(b * b) - mean_b**2
        similarity = (2 * covariance + c2) / (variances + c2)
        if scale == len(WEIGHTS) - 1:
            similarity = similarity * (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        result *= max(similarity.mean(), 0) ** weight
        a, b = [np.pad(x, [(0, side % 2) for side in x.shape], mode="edge") for x in (a, b)]
        a, b = [(x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4 for x in (a, b)]
    return result


# Recorded from pytorch-msssim 1.0.0 on torch 2.13.0: ms_ssim(a, b, data_range=255) of float64 (1,
# channels, H, W).
def test_agrees_with_pytorch_msssim_on_a_batch(photo):
    values = ms_ssim(
        np.stack([photo, photo, photo]), np.stack([coarse(photo), blocks_of(photo), photo])
    )
    np.testing.assert_allclose(values, [0.9207871267162534, 0.8382242443338147, 1], atol=1e-5)


def test_agrees_with_pytorch_msssim_on_a_part(photo):
    part = np.s_[100:276, 80:384]
    np.testing.assert_allclose(
        ms_ssim(photo[part], blocks_of(photo)[part]), 0.8457517462798841, atol=1e-5
    )


SMALL = np.s_[:MIN_SIDE, 60:235, :1]  # odd sides, which are odd again after halving
value_and_gradient = jax.jit(jax.value_and_grad(ms_ssim))


def test_agrees_with_scipy_where_sides_are_odd(photo):
    image, other = photo[SMALL], coarse(photo)[SMALL]
    expected = independent_ms_ssim(image[..., 0].astype(float), other[..., 0].astype(float))
    np.testing.assert_allclose(ms_ssim(image, other), expected, atol=1e-5)


def test_gradients_are_finite_where_powers_are_not_smooth(photo):
    image = photo[SMALL] / np.float32(255)
    value, gradient = value_and_gradient(image, image)
    assert value == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)
    value, gradient = value_and_gradient(1 - image, image)
    assert value == 0  # structure is opposite: its mean is negative and counts as zero
    assert np.isfinite(gradient).all()


def test_following_the_gradient_helps(photo):
    image, other = photo[SMALL] / np.float32(255), coarse(photo)[SMALL] / np.float32(255)
    before, gradient = value_and_gradient(other, image)
    after, _ = value_and_gradient(other + 100 * gradient, image)
    assert after > before + 0.001


def test_a_small_image_is_refused():
    with pytest.raises(DistortionError, match="161 pixels a side, not 400 x 160"):
        ms_ssim(np.zeros((160, 400, 3), np.uint8), np.zeros((160, 400, 3), np.uint8))
