"""Refined latents of images of any sizes, and the files of them."""

import dataclasses

import numpy as np
import pytest
import small_codecs
from skimage import data

import jaxcodec
from jaxcodec.coding import container
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.distortions.ssim import ssim
from jaxcodec.errors import RateError, RefineError

# Synthesis of random weights is far from any picture: with such a trade-off the rate can be told to
# get better.
QUICK = {
    "method": "ssl_descent",
    "steps": 40,
    "every": 20,
    "learning_rate": 0.02,
    "trade_off": 1e-6,
}


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """uint8: two of one size, which is no multiple of any stride, and between them a grey one of
    another.
    """
    colour = data.astronaut()
    return [colour[80:140, 180:230], data.camera()[:32, :32, None], colour[200:260, 100:150]]


@pytest.fixture(scope="module")
def refined(photos):
    codec = small_codecs.build("tiny")
    return codec, jaxcodec.refine(codec, photos, **QUICK)


def test_no_image_is_worse_and_some_are_better(refined, photos):
    _, latents = refined
    assert [each.shape for each in latents] == [photo.shape for photo in photos]
    assert all(each.best.loss <= each.start.loss for each in latents)
    assert any(each.best.loss < each.start.loss and each.found_at > 0 for each in latents)
    assert not any(each.interrupted for each in latents)


def test_the_file_weighs_and_shows_what_the_loss_said(refined, photos):
    check_files(*refined, photos)


def test_a_refined_step_is_told_in_the_file(photos):
    codec = small_codecs.build("tiny")
    latents = jaxcodec.refine(codec, photos[:1], **QUICK | {"trade_off": 1e-25}, step_rate=0.02)
    assert latents[0].step_index != 0
    check_files(codec, latents, photos[:1])


def check_files(codec, latents, photos):
    """Files weigh and show what the best looks said."""
    for each, photo in zip(latents, photos, strict=True):
        file = jaxcodec.encode(codec, photo, latents=each, coder="lanes")
        sections = sum(container.read_header(file).part_bytes)
        # Each lane begins with 4 bytes; so small pictures have one or two.
        assert 8 * sections == pytest.approx(each.best.bits, rel=0.005, abs=8 * 16)
        assert float(psnr_db(jaxcodec.decode(codec, file), photo)) == pytest.approx(
            each.best.psnr_db, abs=1e-3
        )


@pytest.mark.long
def test_random_numbers_of_an_image_do_not_depend_on_the_others(photos):
    codec = small_codecs.build("tiny")
    together = jaxcodec.refine(codec, [photos[0], photos[2]], **QUICK)
    again = jaxcodec.refine(codec, photos[:1], **QUICK)
    assert again[0].best.loss == pytest.approx(together[0].best.loss, rel=1e-4)


def test_an_interrupt_keeps_the_best_so_far(photos):
    codec = small_codecs.build("tiny")
    seen = []

    def interrupt(progress):
        seen.append(
            (progress.batch, progress.batches, len(progress.best), progress.step, progress.steps)
        )
        raise KeyboardInterrupt

    latents = jaxcodec.refine(codec, photos[:2], progress=interrupt, **QUICK)
    assert seen == [(0, 2, 1, 20, 40)]
    assert [each.shape for each in latents] == [photo.shape for photo in photos[:2]]
    assert all(
        each.best.loss <= each.start.loss and each.found_at <= 20 and each.interrupted
        for each in latents
    )


@pytest.mark.long
def test_more_trade_off_costs_more(photos):
    codec = small_codecs.build("tiny")
    bits = [
        jaxcodec.refine(codec, photos[:1], **QUICK, trade_off_factor=factor)[0].best.bits
        for factor in (1, 1e5)
    ]
    assert bits[0] < bits[1]


def test_latents_of_another_codec_or_picture_are_refused(refined, photos):
    codec, latents = refined
    with pytest.raises(
        RefineError,
        match="50 x 60 pixels and 3 channels, and this one has 32 x 32 pixels and 1 channels",
    ):
        jaxcodec.encode(codec, photos[1], latents=latents[0])
    foreign = dataclasses.replace(latents[0], codec_id="0123456789abcdef")
    with pytest.raises(RefineError, match="0123456789abcdef"):
        jaxcodec.encode(codec, photos[0], latents=foreign)
    with pytest.raises(RateError, match="bpp and latents were given together"):
        jaxcodec.encode(codec, photos[0], latents=latents[0], bpp=1.0)


def test_settings_that_make_no_sense_are_refused(photos):
    codec = small_codecs.build("tiny")
    for settings, sentence in (
        ({"method": "wish"}, "'wish' is unknown; use one of sga"),
        ({"steps": 0}, "a refinement of 0 steps makes no sense"),
        ({"learning_rate": 0.0}, "learning rate of 0"),
        ({"decay": 2.0}, "decay of 2"),
        ({"step_rate": -1.0}, "step_rate of -1"),
        ({"descent": -1}, "descent of -1"),
        ({"dtype": "int8"}, "'int8' is unknown"),
        ({"trade_off": -1.0}, "trade-off of 0 or less"),
        ({"method": "map", "classes": 3}, "map with 3 classes"),
    ):
        with pytest.raises(RefineError, match=sentence):
            jaxcodec.refine(codec, photos[:1], **settings)


@pytest.mark.long
def test_a_plain_grid_is_measured_and_has_no_file(photos):
    codec = small_codecs.build("tiny")
    changes = {"method": "ssl", "steps": 1, "every": 1, "trade_off": 1e-6}
    (plain,), (own,) = (
        jaxcodec.refine(codec, photos[:1], plain=plain, **changes) for plain in (True, False)
    )
    assert plain.plain and not own.plain
    assert plain.start.bits != pytest.approx(own.start.bits, rel=1e-4)
    with pytest.raises(RefineError, match="plain grid"):
        jaxcodec.encode(codec, photos[0], latents=plain)


def test_it_refines_for_another_distortion(photos):
    """Of pictures with padding, one of them grey."""
    codec = small_codecs.build("tiny")
    changes = {"steps": 6, "every": 6, "learning_rate": 0.02, "trade_off": 20.0}
    refined = jaxcodec.refine(codec, photos[:2], distortion="ssim", **changes)
    for latents, photo in zip(refined, photos, strict=False):
        start, best = latents.start, latents.best
        assert best.loss <= start.loss
        assert best.loss == pytest.approx(20 * best.distance + best.bpp, rel=1e-5)
        decoded = jaxcodec.decode(codec, jaxcodec.encode(codec, photo, latents=latents))
        assert best.distance == pytest.approx(float(1 - ssim(decoded, photo)), abs=1e-4)
    assert any(each.best.distance < each.start.distance for each in refined)
    with pytest.raises(RefineError, match="^a descent goes by single pixels, and SSIM is no mean"):
        jaxcodec.refine(codec, photos[:1], distortion="ssim", method="descent")
    with pytest.raises(RefineError, match="^MS-SSIM takes sides of 161 pixels or more, and a pict"):
        jaxcodec.refine(codec, photos[:1], distortion="ms_ssim", **changes)
