"""What a latent costs, and the sample of it that is looked at first."""

import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec.codec import cost, pictures
from jaxcodec.image import Picture
from jaxcodec.targets import trial


@pytest.mark.parametrize("shape", [(48, 24000), (24000, 48), (32, 50000), (1100, 1100)])
def test_a_picture_of_any_shape_has_a_sample(shape):
    codec = small_codecs.build("tiny")
    latent = [side // codec.geometry.latent_stride for side in shape]
    residual = np.zeros((1, *latent, 64), np.float32)
    side = (np.zeros((1, *latent, 64), np.int32),)
    share = trial.sample(codec, trial.Analysis(None, residual, side, (), np.array([0], np.int32)))
    assert share.residual.size == share.side[0].size
    assert (
        residual.size / 20
        < share.residual.size * np.prod(latent) / share.residual[0, :, :, 0].size
        <= residual.size
    )
    assert 0 < share.residual.size < 4 * 65536


def test_the_sample_costs_about_its_share(photo):
    codec = jaxcodec.load("patch-2026")
    analysis = pictures.analyse(codec, pictures.prepare(codec, Picture(photo), None), 5000)
    share = trial.sample(codec, analysis)
    assert share.residual.size == analysis.residual.size / 4
    assert 4 * trial.latent_bits(codec, share) == pytest.approx(
        trial.latent_bits(codec, analysis), rel=0.05
    )


@pytest.mark.long_but("four_step")
@pytest.mark.parametrize("name", ["tiny", "four_step", "normalised"])
def test_bits_of_a_trial_are_those_of_its_symbols_and_files_fill_a_size(name, photo):
    codec = small_codecs.build(name)
    picture = np.ascontiguousarray(photo[:128, 160:352])
    analysis = pictures.analyse(codec, pictures.prepare(codec, Picture(picture), None), 8000)
    found = trial.symbols(codec, analysis)
    exact = np.asarray(cost.latent_bits(codec, found.latent, analysis.side)).sum()
    assert trial.latent_bits(codec, analysis) == pytest.approx(exact, rel=1e-4)
    for limit in (400, 600):
        data = jaxcodec.encode(codec, picture, max_bytes=limit)
        assert 0.9 * limit < len(data) <= limit
        assert jaxcodec.decode(codec, data).shape == picture.shape
