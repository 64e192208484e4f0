import importlib.util
import io

import numpy as np
import pytest
from PIL import Image, features

from jaxcodec.evaluation import classical
from jaxcodec.evaluation.classical import BASELINES, baselines
from jaxcodec.evaluation.coder import EvaluationError


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


PILLOWS = [name for name in BASELINES if name != "jpegxl"]


@pytest.fixture
def imagecodecs():
    return pytest.importorskip("imagecodecs", reason="needs the extra jxl")


@pytest.fixture(params=list(BASELINES))
def name(request):
    """The name of each baseline that this installation has."""
    if request.param == "jpegxl":
        request.getfixturevalue("imagecodecs")
    return request.param


def test_files_grow_and_pictures_get_closer_along_the_points(photo, name):
    coder, image = baselines([name])[0], photo[100:228, 100:260]
    files = [coder.encode(image, point) for point in coder.points[1::3]]
    sizes = [len(file) for file in files]
    qualities = [psnr(coder.decode(file, 0), image) for file in files]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)
    assert qualities == sorted(qualities)
    assert qualities[-1] > 32


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


@pytest.mark.parametrize("name", PILLOWS)
def test_settings_name_the_library_and_its_version(name):
    settings = BASELINES[name].settings
    assert settings["library"].split()[0] == BASELINES[name].feature
    assert settings["library"].split()[1][0].isdigit()
    assert settings["options"] == BASELINES[name].options


def test_the_order_is_the_callers():
    assert [coder.name for coder in baselines(["webp", "jpeg"])] == ["webp", "jpeg"]


def test_an_unknown_baseline_is_refused():
    with pytest.raises(
        EvaluationError, match="no baseline 'bpg'; choose from jpeg, webp, avif, jpeg2000, avif_def"
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


def test_avif_default_is_what_pillow_writes_without_options(photo):
    file = io.BytesIO()
    Image.fromarray(photo[:64, :80]).save(file, "AVIF", quality=60)
    assert BASELINES["avif_default"].encode(photo[:64, :80], 60) == file.getvalue()
    assert BASELINES["avif"].encode(photo[:64, :80], 60) != file.getvalue()


def test_a_setting_is_told_in_the_name_and_used(photo):
    picture = photo[:64, :80]
    fast, slow = baselines(["avif@speed=10", "avif@speed=0"])
    assert (fast.name, slow.name) == ("avif@speed=10", "avif@speed=0")
    assert slow.settings["options"] == BASELINES["avif"].options | {"speed": 0}
    assert fast.encode(picture, 60) != slow.encode(picture, 60)
    assert BASELINES["avif"].options["speed"] == 4  # as it was


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("avif@speed=11", "a speed of 11 is out of range for the baseline avif; give 0 to 10"),
        ("avif@effort=3", "the baseline avif has no setting 'effort'; those that can be given: sp"),
        ("jpeg@speed=3", "the baseline jpeg has no setting 'speed'; those that can be given: none"),
        ("avif@speed", "'avif@speed' is no baseline with a setting; give one as in avif@speed=0"),
        ("avif@speed=-1", "'avif@speed=-1' is no baseline with a setting"),
        ("bpg@speed=1", "there is no baseline 'bpg'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(name, message):
    with pytest.raises(EvaluationError, match=message):
        baselines([name])


def test_one_call_encodes_and_one_decodes(photo):
    picture = photo[:64, :80]
    data = classical.encode("avif", picture, 60, speed=10)
    assert data == baselines(["avif@speed=10"])[0].encode(picture, 60)
    assert psnr(classical.decode("avif", data), picture) > 30
    with pytest.raises(EvaluationError, match="there is no baseline 'bpg'"):
        classical.encode("bpg", picture, 60)


def test_the_qualities_of_jpeg_xl_are_cjxls(imagecodecs, photo):
    """libjxl's encode.h: a distance of 1 is quality 90, and the two formulas meet at 30."""
    assert classical.butteraugli_of(90) == pytest.approx(1)
    assert classical.butteraugli_of(30) == pytest.approx(6.4)
    assert classical.butteraugli_of(29.999) == pytest.approx(6.4, abs=0.01)
    picture = photo[:64, :80]
    data = classical.encode("jpegxl", picture, 90, effort=3)
    assert data == imagecodecs.jpegxl_encode(np.ascontiguousarray(picture), distance=1.0, effort=3)
    assert len(data) != len(classical.encode("jpegxl", picture, 90, effort=9))


def test_jpeg_xl_tells_its_versions(imagecodecs):
    settings = baselines(["jpegxl@effort=9"])[0].settings
    assert settings["library"].startswith("libjxl ") and settings["options"] == {"effort": 9}


def test_without_imagecodecs_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EvaluationError, match=r"jpegxl needs imagecodecs; .*jaxcodec\[jxl\]"):
        baselines(["jpegxl"])
    assert len(baselines(["jpeg", "avif_default"])) == 2
