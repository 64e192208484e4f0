"""Distortions of luma alone."""

import numpy as np
import pytest

from jaxcodec import distortions
from jaxcodec.distortions import DistortionError
from jaxcodec.distortions.luma import luma, of_luma


def test_luma_is_that_of_bt_601(photo):
    expected = photo.astype(np.float64) @ [0.299, 0.587, 0.114] / 255
    np.testing.assert_allclose(luma(photo)[..., 0], expected, atol=1e-6)
    np.testing.assert_allclose(luma(photo[..., :1]), photo[..., :1] / 255, atol=1e-7)
    with pytest.raises(DistortionError, match="4 channels have no luma"):
        luma(np.zeros((8, 8, 4), np.uint8))


@pytest.mark.parametrize("name", ["mse", "ms_ssim", "nlpd_2017", "nlpd_2016"])
def test_it_is_the_distortion_of_grey_pictures_and_forgets_colour(name, photo):
    plain, own = distortions.get(name), of_luma(distortions.get(name))
    a, b = photo[:176, :176], photo[16:192, 16:192]
    np.testing.assert_allclose(own(a, b), plain(luma(a), luma(b)), rtol=1e-5)
    assert own.metric.name == f"{plain.metric.name}_luma" and "of luma" in own.metric.label
    blue = (0.5 - 0.299 * 0.3 - 0.587 * 0.6) / 0.114  # so that both have one luma
    flat = [np.full((176, 176, 3), each, np.float32) for each in ((0.5,) * 3, (0.3, 0.6, blue))]
    assert float(plain(*flat)) > 1e-3 and float(own(*flat)) < 1e-3
    assert of_luma(plain) is own
