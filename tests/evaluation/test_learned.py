import math

import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec.artefact import codec_file
from jaxcodec.errors import CodecFileError
from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.learned import (
    DEFAULT_QUALITIES,
    at_effort,
    from_spec,
    parse_spec,
    refined,
)
from jaxcodec.targets import effort


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Codec files by name: "tiny" has a range of qualities, "factorized" one."""
    folder = tmp_path_factory.mktemp("codecs")
    paths = {name: folder / f"{name}.codec" for name in ("tiny", "factorized", "one_quality")}
    for name, path in paths.items():
        codec_file.save(path, small_codecs.content(name))
    return paths


def test_a_codec_is_measured_over_its_qualities(files, photo):
    coder = from_spec(str(files["tiny"]))
    assert (coder.name, coder.point_name, coder.points) == ("tiny", "quality", DEFAULT_QUALITIES)
    codec = jaxcodec.load(files["tiny"])
    assert coder.settings == {"codec": "tiny", "id": codec.id, "effort": effort.DEFAULT}
    pixels = photo[:32, :48]
    data = coder.encode(pixels, 75.0)
    assert data == jaxcodec.encode(codec, pixels, quality=75)
    np.testing.assert_array_equal(coder.decode(data, 75.0), jaxcodec.decode(codec, data))


def test_points_are_the_callers_and_sorted(files):
    assert from_spec(f"mine={files['tiny']}", qualities=[80, 20]).points == (20, 80)
    coder = from_spec(f"mine={files['tiny']}", bpps=[2.5, 0.5])
    assert (coder.name, coder.point_name, coder.points) == ("mine", "bpp", (0.5, 2.5))


def test_rates_are_kept_to(files, photo):
    coder = from_spec(str(files["tiny"]), bpps=[3.0])
    pixels = photo[:128, :128]
    assert 8 * len(coder.encode(pixels, 3.0)) <= 3.0 * 128 * 128


def test_refined_it_is_a_coder_of_its_own(files, photo):
    coder = refined(from_spec(str(files["tiny"]), qualities=[60]), 3)
    assert coder.name == "tiny, refined 3"
    assert coder.settings == {"codec": "tiny", "id": coder.codec.id, "refine": 3}
    pixels = photo[:64, :64]
    data = coder.encode(pixels, 60.0)
    assert data == jaxcodec.encode(coder.codec, pixels, quality=60, refine=3)
    assert coder.decode(data, 60.0).shape == pixels.shape


def test_a_level_of_effort_is_a_coder_of_its_own(files, photo):
    coder = at_effort(from_spec(str(files["tiny"]), qualities=[60]), 0)
    assert coder.name == "tiny, effort 0"
    assert coder.settings == {"codec": "tiny", "id": coder.codec.id, "effort": 0}
    pixels = photo[:64, :64]
    assert coder.encode(pixels, 60.0) == jaxcodec.codec.encode(coder.codec, pixels, quality=60)
    single = at_effort(from_spec(str(files["factorized"])), 0)
    assert single.encode(pixels, 0) == jaxcodec.codec.encode(single.codecs[0], pixels)


@pytest.mark.long_but("tiny")
@pytest.mark.parametrize("name", ["tiny", "factorized"])
def test_half_a_refinement_is_not_measured(name, files, photo, interrupted_refinement):
    coder = refined(from_spec(str(files[name])), 3)
    with pytest.raises(KeyboardInterrupt):
        coder.encode(photo[:64, :64], coder.points[0])


def test_codecs_of_one_quality_make_a_curve(files, photo):
    coder = from_spec(f"pair={files['factorized']},{files['one_quality']}", qualities=[10, 20])
    assert (coder.name, coder.point_name, coder.points) == ("pair", "codec", (0, 1))
    assert [codec["codec"] for codec in coder.settings["codecs"]] == ["factorized", "one_quality"]
    pixels = photo[:32, :48]
    decoded = coder.decode(coder.encode(pixels, 1), 1)
    assert decoded.shape == (32, 48, 3)


def test_a_single_codec_of_one_quality_needs_no_label(files):
    coder = from_spec(str(files["factorized"]))
    assert (coder.name, coder.points) == ("factorized", (0,))


def test_several_codecs_need_a_label(files):
    with pytest.raises(EvaluationError, match="has no name; give one, as in NAME="):
        from_spec(f"{files['factorized']},{files['one_quality']}")


def test_a_codec_twice_in_a_curve_is_refused(files):
    with pytest.raises(
        EvaluationError,
        match="the curve pair has the codec .*factorized.codec twice; leave one out",
    ):
        from_spec(f"pair={files['factorized']},{files['factorized']}")


def test_points_that_cannot_be_are_refused_before_a_codec_is_loaded():
    for points in (
        {"qualities": [50, 100.5]},
        {"qualities": [math.nan]},
        {"bpps": [0.0]},
        {"bpps": [math.inf]},
    ):
        with pytest.raises(EvaluationError, match="out of range|makes no sense"):
            from_spec("missing.codec", **points)


def test_points_count_once(files):
    assert from_spec(str(files["tiny"]), qualities=[50, 20, 50]).points == (20, 50)


@pytest.mark.parametrize("name", ["a=b.codec", "a,b.codec", "lambda=0.01,steps=3.codec"])
def test_a_path_may_have_signs_of_its_own(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).touch()
    (tmp_path / "other.codec").touch()
    assert parse_spec(name) == ("", [name])
    assert parse_spec(f"label={name}") == ("label", [name])
    assert parse_spec(f"label=other.codec,{name}") == ("label", ["other.codec", name])
    assert parse_spec(f"label={name},other.codec") == ("label", [name, "other.codec"])


def test_names_need_no_file():
    assert parse_spec("default") == ("", ["default"])
    assert parse_spec("mine=default") == ("mine", ["default"])
    assert parse_spec("mine=a.codec,b.codec") == ("mine", ["a.codec", "b.codec"])


def test_a_codec_with_a_range_of_qualities_is_a_curve_of_its_own(files):
    with pytest.raises(EvaluationError, match="give it alone"):
        from_spec(f"pair={files['factorized']},{files['tiny']}")


def test_a_missing_codec_is_named(tmp_path):
    with pytest.raises(CodecFileError, match="nothing.codec"):
        from_spec(str(tmp_path / "nothing.codec"))
