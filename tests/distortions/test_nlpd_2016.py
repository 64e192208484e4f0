"""The distance of 2016: published anchors, and a second implementation."""

import numpy as np
import pytest
from reference import nlpd
from skimage import data

from jaxcodec.distortions.nlpd_2016 import nlpd_2016

CAMERA, GREEN = data.camera(), data.astronaut()[..., 1]
ANCHORS = [
    (CAMERA[100:356, 100:356], CAMERA[100:356, 101:357], 0.3344252),
    (CAMERA[100:356, 100:356], CAMERA[100:356, 355:99:-1], 1.4179597),
    (GREEN[:256, :256], GREEN[1:257, :256], 0.2813359),
    (GREEN[:255, :193], GREEN[1:256, :193], 0.2535907),
    (np.full((256, 256), 100, np.uint8), np.full((256, 256), 110, np.uint8), 0.0128933),
]
"""Two planes, and their distance."""


@pytest.mark.parametrize(("a", "b", "distance"), ANCHORS)
def test_distances_are_those_that_were_published(a, b, distance):
    own = [plane.astype(np.float64) for plane in (a, b)]
    assert nlpd.nlpd_2016(*own) == pytest.approx(distance, abs=6e-8)
    assert float(nlpd_2016(a[..., None], b[..., None])) == pytest.approx(distance, rel=1e-5)


def test_channels_are_averaged_and_sizes_may_be_odd(photo):
    a, b = photo[:49, :94], photo[1:50, 2:96]
    expected = np.mean([nlpd.nlpd_2016(*(float(1) * x[..., c] for x in (a, b))) for c in range(3)])
    assert float(nlpd_2016(a, b)) == pytest.approx(expected, rel=1e-5)
