import io

import numpy as np
import pytest
from PIL import Image, features

from jaxcodec.evaluation.classical import BASELINES, baselines
from jaxcodec.evaluation.coder import EvaluationError


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize("name", list(BASELINES))
def test_files_grow_and_pictures_get_closer_along_the_points(photo, name):
    coder, image = baselines([name])[0], photo[100:228, 100:260]
    files = [coder.encode(image, point) for point in coder.points[1::3]]
    sizes = [len(file) for file in files]
    qualities = [psnr(coder.decode(file, 0), image) for file in files]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)
    assert qualities == sorted(qualities)
    assert qualities[-1] > 32


@pytest.mark.parametrize("name", list(BASELINES))
def test_grey_pictures(photo, name):
    image = photo[100:164, 100:180, :1]
    coder = BASELINES[name]
    decoded = coder.decode(coder.encode(image, coder.points[-1]), coder.points[-1])
    assert decoded.shape in ((64, 80, 1), (64, 80, 3))
    assert psnr(decoded, image) > 30


def test_jpeg_is_what_pillow_writes_with_the_stated_options(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=30, optimize=True, subsampling="4:2:0")
    assert BASELINES["jpeg"].encode(photo, 30) == file.getvalue()


@pytest.mark.parametrize("name", list(BASELINES))
def test_settings_name_the_library_and_its_version(name):
    settings = BASELINES[name].settings
    assert settings["library"].split()[0] == BASELINES[name].feature
    assert settings["library"].split()[1][0].isdigit()
    assert settings["options"] == BASELINES[name].options


def test_the_order_is_the_callers():
    assert [coder.name for coder in baselines(["webp", "jpeg"])] == ["webp", "jpeg"]


def test_an_unknown_baseline_is_refused():
    with pytest.raises(
        EvaluationError, match="no baseline 'bpg'; choose from jpeg, webp, avif, jpeg2000"
    ):
        baselines(["jpeg", "bpg"])


def test_a_baseline_that_pillow_lacks_is_an_error(monkeypatch):
    monkeypatch.setattr(features, "check", lambda feature: feature != "avif")
    assert len(baselines(["jpeg", "webp", "jpeg2000"])) == 3
    with pytest.raises(EvaluationError, match="built without avif"):
        baselines(["jpeg", "avif"])


def test_a_picture_that_a_format_cannot_hold_is_an_error():
    with pytest.raises(EvaluationError, match="webp cannot encode a picture of 20000 x 1 pixels"):
        BASELINES["webp"].encode(np.zeros((1, 20000, 3), np.uint8), 50)
