"""Targets as values: what makes sense, and what keywords make of them."""

import math

import pytest

import jaxcodec
from jaxcodec.distortions import DistortionError
from jaxcodec.errors import RateError
from jaxcodec.targets.target import AtLeast, Bpp, MaxBytes, Quality, from_keywords


def test_keywords_are_the_same_values():
    assert from_keywords({"bpp": 0.25, "psnr": None}) == Bpp(0.25)
    assert from_keywords({"quality": 0}) == Quality(0)
    assert from_keywords({"max_bytes": 100}) == MaxBytes(100)
    for metric in ("psnr", "ms_ssim", "ssim"):
        assert from_keywords({metric: 0.5}) == AtLeast(metric, 0.5)
    assert from_keywords({}) == from_keywords({"quality": None}) == Quality()
    assert from_keywords({"bpp": None}, MaxBytes(5)) == MaxBytes(5)


def test_one_target_is_enough():
    with pytest.raises(RateError, match="^bpp and psnr were given together; give one of them$"):
        from_keywords({"bpp": 1.0, "psnr": 30.0})
    with pytest.raises(RateError, match="^target and bpp were given together"):
        from_keywords({"bpp": 1.0}, Quality(50))
    with pytest.raises(TypeError, match="unexpected keyword argument 'bbp'"):
        from_keywords({"bbp": 1.0})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Quality(100.01),
            "a quality of 100.01 is out of range; give a number from 0 to 100",
        ),
        (
            lambda: Quality(math.nan),
            "a quality of nan is out of range; give a number from 0 to 100",
        ),
        (lambda: Bpp(0), "bpp of 0 makes no sense; give a number above 0"),
        (lambda: MaxBytes(-3), "max_bytes of -3 makes no sense; give a number above 0"),
        (lambda: Bpp(math.inf), "bpp of inf makes no sense; give a number above 0"),
        (
            lambda: AtLeast("psnr", 100),
            "a PSNR of 100 makes no sense; give a number of dB above 0 and below 100",
        ),
        (
            lambda: AtLeast("ms_ssim", 0.0),
            "an MS-SSIM of 0.0 makes no sense; give a number above 0 and below 1",
        ),
        (
            lambda: AtLeast("ssim", math.nan),
            "an SSIM of nan makes no sense; give a number above 0 and below 1",
        ),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(make, sentence):
    with pytest.raises(RateError) as caught:
        make()
    assert str(caught.value) == sentence


def test_a_closeness_is_known_in_each_unit():
    psnr, ssim = AtLeast("psnr", 30), AtLeast("ms_ssim", 0.99)
    assert (psnr.db, str(psnr)) == (30, "a PSNR of 30 dB")
    assert psnr.distance == pytest.approx(255**2 / 1000)
    assert (ssim.db, str(ssim)) == (pytest.approx(20), "an MS-SSIM of 0.99")
    assert ssim.distance == pytest.approx(0.01)
    with pytest.raises(DistortionError, match="no metric 'vmaf'; choose from .*psnr"):
        AtLeast("vmaf", 90)


def test_they_are_public():
    public = (jaxcodec.Quality, jaxcodec.Bpp, jaxcodec.MaxBytes, jaxcodec.AtLeast)
    assert public == (Quality, Bpp, MaxBytes, AtLeast)
