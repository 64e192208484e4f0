"""Files of refined latents: of the size that was asked for, and closer to the picture."""

import numpy as np
import pytest
from skimage import data

import jaxcodec
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.errors import RefineError
from jaxcodec.image import Picture
from jaxcodec.refinement import iterate
from jaxcodec.targets import encode as rate_encode
from jaxcodec.targets import refined


@pytest.fixture(scope="module")
def codec():
    return jaxcodec.load("patch-2026")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """uint8 (120, 128, 3)."""
    return data.astronaut()[40:160, 160:288]


def test_what_cannot_be_refined_is_refused(codec, photo):
    with pytest.raises(RefineError, match="ms_ssim and a refinement do not go together"):
        jaxcodec.encode(codec, photo, ms_ssim=0.9, refine=10)
    with pytest.raises(
        RefineError,
        match="^a refinement of 0 steps makes no sense; give a whole number, 1 or more$",
    ):
        jaxcodec.encode(codec, photo, refine=0)


@pytest.mark.parametrize("target", [{"bpp": 0.6}, {"psnr": 29.0}, {"quality": 40.0}])
def test_few_steps_gain(codec, photo, target):
    seen = []
    plain, few = (
        rate_encode.encode_picture(codec, Picture(photo), **tried, **target)
        for tried in ({"effort": 0}, {"refine": 10, "progress": seen.append})
    )
    assert seen[-1].step == 10
    assert few.notes == plain.notes == ()
    before, after = (
        psnr_db(jaxcodec.decode(codec, encoded.data), photo) for encoded in (plain, few)
    )
    if "bpp" in target:
        limit = 0.6 * photo[..., 0].size / 8
        assert limit - max(24, 0.01 * limit) - 1 <= len(few.data) <= limit
        assert after > before + 0.02
    elif "psnr" in target:
        assert len(few.data) < 0.995 * len(plain.data)
        assert 29.05 >= few.reached >= 29
        assert few.reached == pytest.approx(float(after), abs=1e-3)
    else:
        assert len(few.data) < len(plain.data) or after > before


@pytest.mark.parametrize("target", [{"bpp": 0.6}, {"psnr": 29.0}, {"quality": 40.0}])
def test_where_nothing_is_gained_the_note_says_so(codec, photo, target, monkeypatch):
    """A refinement that ends with its start."""
    refine = iterate.refine
    monkeypatch.setattr(
        iterate, "refine", lambda *arguments, **named: iter([next(refine(*arguments, **named))] * 2)
    )
    kept = rate_encode.encode_picture(codec, Picture(photo), refine=10, **target)
    assert kept.data == jaxcodec.encode(codec, photo, effort=0, **target)
    assert kept.notes == (refined.KEPT,)


@pytest.mark.parametrize("target", [{"bpp": 0.6}, {"psnr": 29.0}])
def test_an_interrupt_keeps_a_file_that_holds(codec, photo, target, interrupted_refinement):
    kept = rate_encode.encode_picture(codec, Picture(photo), refine=10, **target)
    assert kept.interrupted and kept.notes == ()
    assert kept.data == jaxcodec.encode(codec, photo, **target)
