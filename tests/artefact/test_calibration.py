"""What integer networks are calibrated on."""

import numpy as np
import pytest
import small_codecs

from jaxcodec import image, models
from jaxcodec.artefact import calibration
from jaxcodec.errors import CodecFileError

DESCRIPTION, PARAMS = small_codecs.DESCRIPTIONS["tiny"], small_codecs.params("tiny")


def test_symbols_are_those_of_the_middle_of_each_picture_at_six_qualities(photo):
    pictures = [photo[:64, :96], photo[100:180, 200:264]]
    found = calibration.calibrate(DESCRIPTION, PARAMS, pictures)
    expected = [0, 2000, 4000, 6000, 8000, 10_000]
    assert found.quality.tolist() == expected * 2
    assert found.symbols.shape == (12, 4, 4, 6) and found.hyper_symbols.shape == (12, 2, 2, 4)
    assert found.symbols.dtype == found.hyper_symbols.dtype == np.int32
    model = models.build(DESCRIPTION)

    def of(module, pixels):
        latent = module.to_latent(image.to_float(pixels)[None], np.array([0.4], np.float32))
        return module.to_hyper_symbols(latent, np.array([0.4], np.float32))

    middle = model.apply(PARAMS, photo[108:172, 200:264], method=of)
    different = found.hyper_symbols[8] != middle[0]
    assert different.mean() < 0.1  # a float may lie on a half


def test_a_model_of_one_quality_is_calibrated_at_it(photo):
    found = calibration.calibrate(
        small_codecs.DESCRIPTIONS["one_quality"],
        small_codecs.params("one_quality"),
        [photo[:64, :64]] * (calibration.PICTURES + 1),
    )
    assert found.quality.tolist() == [0] * calibration.PICTURES


@pytest.mark.parametrize(
    ("sides", "words"),
    [([], "none was given"), ([64, 31], "32 pixels and more a side, and the smallest one is less")],
)
def test_pictures_that_are_missing_or_too_small_are_told(sides, words):
    pictures = [np.zeros((side, side, 3), np.uint8) for side in sides]
    with pytest.raises(CodecFileError, match=words):
        calibration.calibrate(DESCRIPTION, PARAMS, pictures)
