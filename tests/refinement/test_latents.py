"""Scores of refined latents."""

import math

import pytest

from jaxcodec.refinement.latents import score


def test_a_score_has_bits_per_pixel_and_the_psnr_of_8_bits():
    found = score(bits=600.0, mse_255=65.025, loss=1.5, distance=0.1, pixel_count=300)
    assert (found.bits, found.bpp, found.loss, found.distance) == (600.0, 2.0, 1.5, 0.1)
    assert found.psnr_db == pytest.approx(30)  # 65.025 = 255^2 / 1000


def test_equal_pixels_are_infinitely_good():
    assert score(1.0, 0.0, 1.0, 0.0, 1).psnr_db == math.inf
