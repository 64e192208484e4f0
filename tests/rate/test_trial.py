"""What a latent costs, and the sample of it that is looked at first."""

import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import pictures
from jaxcodec.image import Picture
from jaxcodec.rate import trial


@pytest.mark.parametrize("shape", [(48, 24000), (24000, 48), (32, 50000), (1100, 1100)])
def test_a_picture_of_any_shape_has_a_sample(shape):
    codec = small_codecs.build("tiny")
    latent = [side // codec.geometry.latent_stride for side in shape]
    residual = np.zeros((1, *latent, 64), np.float32)
    side = (np.zeros((1, *latent, 64), np.int32),)
    share = trial.sample(codec, trial.Analysis(None, residual, side))
    assert share.residual.size == share.side[0].size
    assert residual.size / 20 < share.residual.size * np.prod(latent) / share.residual[0, :, :, 0].size <= residual.size
    assert 0 < share.residual.size < 4 * 65536


def test_the_sample_costs_about_its_share(photo, monkeypatch):
    monkeypatch.setattr(trial, "_SAMPLE", 8192)
    codec = small_codecs.build("tiny")
    source = pictures.prepare(codec, Picture(np.tile(photo, (2, 3, 1))), None)
    analysis = pictures.analyse(codec, source, 9000)
    share = trial.sample(codec, analysis)
    assert share.residual.size < analysis.residual.size
    scale = analysis.residual.size / share.residual.size
    assert scale * trial.latent_bits(codec, share) == pytest.approx(trial.latent_bits(codec, analysis), rel=0.1)
