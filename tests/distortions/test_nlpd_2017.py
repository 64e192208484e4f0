"""The distance of 2017: published anchors, and a second implementation."""

import numpy as np
import pytest
from reference import nlpd
from skimage import data

from jaxcodec.distortions.nlpd_2017 import nlpd_2017

CAMERA, GREEN = data.camera(), data.astronaut()[..., 1]
ANCHORS = [
    (CAMERA[100:356, 100:356], CAMERA[100:356, 101:357], 0.1413608, 0.2975525),
    (CAMERA[100:356, 100:356], CAMERA[100:356, 355:99:-1], 0.6866666, 1.2337907),
    (GREEN[:256, :256], GREEN[1:257, :256], 0.1347891, 0.2794213),
    (GREEN[:255, :193], GREEN[1:256, :193], 0.1141811, 0.2613659),
    (np.full((256, 256), 100, np.uint8), np.full((256, 256), 110, np.uint8), 0.0008702, 0.0002037),
]
"""Two planes, their distance, and that without luminance and gamma."""


@pytest.mark.parametrize(("a", "b", "distance", "without_luminance"), ANCHORS)
def test_distances_are_those_that_were_published(a, b, distance, without_luminance):
    own = [plane.astype(np.float64) for plane in (a, b)]
    assert nlpd.nlpd_2017(*own) == pytest.approx(distance, abs=6e-8)
    assert nlpd.nlpd_2017(*own, luminance=False) == pytest.approx(without_luminance, abs=6e-8)
    assert float(nlpd_2017(a[..., None], b[..., None])) == pytest.approx(distance, rel=1e-4)
    if distance > 0.01:
        assert float(nlpd_2017(a[..., None], b[..., None])) == pytest.approx(distance, rel=2e-6)


def test_channels_are_averaged_and_sizes_may_be_odd(photo):
    a, b = photo[:67, :94], photo[1:68, 2:96]
    expected = np.mean([nlpd.nlpd_2017(*(float(1) * x[..., c] for x in (a, b))) for c in range(3)])
    assert float(nlpd_2017(a, b)) == pytest.approx(expected, rel=1e-5)
