"""Files of refined latents: of the size that was asked for, and closer to the picture."""

import numpy as np
import pytest
from skimage import data

import jaxcodec
from jaxcodec.errors import RefineError
from jaxcodec.image import Picture
from jaxcodec.metrics.psnr import psnr_db
from jaxcodec.rate import encode as rate_encode


@pytest.fixture(scope="module")
def codec():
    return jaxcodec.load("default")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """uint8 (120, 128, 3)."""
    return data.astronaut()[40:160, 160:288]


def test_at_a_rate_the_file_is_full_and_closer(codec, photo):
    seen = []
    plain = jaxcodec.encode(codec, photo, bpp=0.6)
    encoded = rate_encode.encode_picture(codec, Picture(photo), bpp=0.6, refine=150, progress=seen.append)
    limit = 0.6 * photo[..., 0].size / 8
    assert limit - max(24, 0.01 * limit) - 1 <= len(encoded.data) <= limit
    gain_db = psnr_db(jaxcodec.decode(codec, encoded.data), photo) - psnr_db(jaxcodec.decode(codec, plain), photo)
    assert gain_db > 0.2
    assert [progress.step for progress in seen] == [25, 50, 75, 100, 125, 150]


def test_at_a_psnr_the_file_is_smaller(codec, photo):
    plain = jaxcodec.encode(codec, photo, psnr=29)
    refined = jaxcodec.encode(codec, photo, psnr=29, refine=150)
    assert 29 <= psnr_db(jaxcodec.decode(codec, refined), photo) <= 29.05
    assert len(refined) < len(plain)


def test_at_a_quality_the_loss_is_lower(codec, photo):
    plain = jaxcodec.encode(codec, photo, quality=40)
    refined = jaxcodec.encode(codec, photo, quality=40, refine=50)
    (latents,) = jaxcodec.refine(codec, [photo], quality=40, steps=1, every=1)

    def loss(file):
        mse = np.mean(np.square(jaxcodec.decode(codec, file).astype(np.float64) - photo))
        return latents.trade_off * mse + 8 * len(file) / photo[..., 0].size

    assert loss(refined) < loss(plain)


def test_what_cannot_be_refined_is_refused(codec, photo):
    with pytest.raises(RefineError, match="ms_ssim and a refinement do not go together"):
        jaxcodec.encode(codec, photo, ms_ssim=0.9, refine=10)
    with pytest.raises(RefineError, match="0 steps"):
        jaxcodec.encode(codec, photo, refine=0)
