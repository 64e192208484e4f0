"""The sum of squared error and MS-SSIM is what its formula says, on metrics measured apart."""

import numpy as np
import pytest
import skimage.metrics

from jaxcodec import distortions
from jaxcodec.distortions import DistortionError
from jaxcodec.distortions.ms_ssim import ms_ssim


def test_it_is_the_mean_of_both_by_the_formula(photo):
    distortion = distortions.get("mse_ms_ssim")
    a, b = photo[:176, :176], photo[2:178, 1:177]
    squares = skimage.metrics.mean_squared_error(a, b)
    expected = (squares + 1300 * (1 - float(ms_ssim(a, b)))) / 2
    np.testing.assert_allclose(distortion(a, b), expected, rtol=1e-5)
    assert float(distortion(a, a)) == pytest.approx(0, abs=1e-3)


def test_two_errors_of_one_size_are_told_apart_by_their_structure(photo):
    a = photo[:176, :176].astype(np.float32) / 255
    noise = np.random.default_rng(0).choice([-0.04, 0.04], size=a.shape).astype(np.float32)
    of = distortions.get("mse_ms_ssim")
    flat, rough = float(of(a, a + np.float32(0.04))), float(of(a, a + noise))
    squares = (255 * 0.04) ** 2
    assert squares / 2 < flat < rough and rough > 0.6 * squares


def test_a_small_picture_is_named_with_the_remedy(photo):
    with pytest.raises(DistortionError, match="needs 161 pixels a side.*use SSIM"):
        distortions.get("mse_ms_ssim")(photo[:160, :200], photo[:160, :200])
