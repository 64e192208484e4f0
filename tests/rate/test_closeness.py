"""Files of a given closeness."""

import dataclasses

import numpy as np
import pytest

import jaxcodec
from jaxcodec.errors import RateError
from jaxcodec.image import Picture
from jaxcodec.metrics.ms_ssim import ms_ssim, similarity_db
from jaxcodec.metrics.psnr import psnr_db
from jaxcodec.rate.encode import encode_picture


@pytest.fixture(scope="module")
def codec():
    return jaxcodec.load("default")


@pytest.fixture(scope="module")
def pixels(photo):
    return np.ascontiguousarray(photo[100:300, 90:330])


@pytest.mark.parametrize("target", [27.0, 33.3, 37.0])
def test_a_psnr_is_kept_and_hardly_exceeded(codec, pixels, target):
    decoded = jaxcodec.decode(codec, jaxcodec.encode(codec, pixels, psnr=target))
    assert target <= float(psnr_db(decoded, pixels)) <= target + 0.05


def test_an_ms_ssim_is_kept_and_hardly_exceeded(codec, pixels):
    decoded = jaxcodec.decode(codec, jaxcodec.encode(codec, pixels, ms_ssim=0.97))
    above = similarity_db(ms_ssim(decoded, pixels)) - similarity_db(0.97)
    assert 0 <= above <= 0.05


def test_grey_and_alpha_count_as_they_should(codec, pixels):
    grey = pixels[..., :1]
    assert 32 <= float(psnr_db(jaxcodec.decode(codec, jaxcodec.encode(codec, grey, psnr=32.0)), grey)) <= 32.05
    seen = pixels[..., 0] > 60  # the others are transparent, and have no part in it
    assert 0.1 < seen.mean() < 0.9
    alpha = np.concatenate([pixels, np.where(seen, pixels[..., 0], 0)[..., None]], axis=-1)
    decoded = jaxcodec.decode(codec, jaxcodec.encode(codec, alpha, psnr=32.0))[..., :3]
    assert 32 <= float(psnr_db(decoded[seen][None], pixels[seen][None])) <= 32.05
    kept = jaxcodec.decode(codec, jaxcodec.encode(codec, alpha, psnr=32.0, keep_hidden_colour=True))[..., :3]
    assert 32 <= float(psnr_db(kept, pixels)) <= 32.05


def test_a_codec_of_one_quality_does_it_by_its_step(codec, pixels):
    one = dataclasses.replace(codec, variable=False)  # its lowest quality alone
    encoded = encode_picture(one, Picture(pixels), psnr=29.0)
    assert 29 <= float(psnr_db(jaxcodec.decode(one, encoded.data), pixels)) <= 29.05
    assert encoded.quality is None and encoded.step < 1


def test_what_cannot_be_is_an_error_that_names_the_reach_or_the_nearest(codec, pixels):
    with pytest.raises(RateError, match=r"99 dB.* reaches [\d.]+ to [\d.]+ dB"):
        jaxcodec.encode(codec, pixels, psnr=99.0)
    nearest = encode_picture(codec, Picture(pixels), psnr=99.0, nearest=True)
    assert "out of reach" in nearest.notes[-1]
    assert nearest.quality == 100 and nearest.step < 0.1
    coarsest = encode_picture(codec, Picture(pixels), psnr=1.0, nearest=True)
    assert coarsest.quality == 0 and coarsest.step > 10


@pytest.mark.parametrize(
    ("targets", "named"),
    [
        ({"psnr": -3.0}, "PSNR of -3"),
        ({"psnr": float("nan")}, "PSNR of nan"),
        ({"ms_ssim": 1.0}, "MS-SSIM of 1"),
        ({"ms_ssim": 0.9, "bpp": 0.5}, "bpp and ms_ssim"),
    ],
)
def test_what_makes_no_sense_is_named(codec, pixels, targets, named):
    with pytest.raises(RateError, match=named):
        jaxcodec.encode(codec, pixels, **targets)


def test_ms_ssim_takes_pictures_of_a_size(codec, pixels):
    with pytest.raises(RateError, match="161 pixels"):
        jaxcodec.encode(codec, pixels[:100], ms_ssim=0.9)
