"""The refinement loop on every kind of codec: what it keeps, what it is equal to, what a target does."""

import jax
import numpy as np
import pytest
import small_codecs
from skimage import data

import jaxcodec
from jaxcodec.codec import pictures, stacked
from jaxcodec.image import Picture
from jaxcodec.refinement import loop, methods
from jaxcodec.refinement.problem import Shown

SIZE = 96
SETTINGS = methods.make("ssl", steps=40, every=20, learning_rate=0.02)


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """Two uint8 (96, 96, 3)."""
    return [data.astronaut()[64:160, 160:256], data.coffee()[100:196, 200:296]]


def batch_of(codec, photos, trade_off, target_bits=np.nan) -> loop.Batch:
    sources = [pictures.prepare(codec, Picture(photo), None) for photo in photos]
    quality = np.full((len(photos), 1), 5000 if codec.variable else 0, np.int32)
    sides = np.full(len(photos), SIZE, np.int32)
    shown = Shown(np.stack([source.pixels[None] for source in sources]), quality, sides, sides)
    keys = jax.random.split(jax.random.key(5), len(photos))
    each = (np.full(len(photos), value, np.float32) for value in (trade_off, target_bits, np.nan))
    trade_off, target_bits, target_mse_255 = each
    return loop.Batch(shown, trade_off, stacked.at_steps(codec, [0] * len(photos)), keys, target_bits, target_mse_255)


@pytest.mark.parametrize("name", sorted(small_codecs.DESCRIPTIONS))
def test_every_kind_gets_better_and_its_symbols_weigh_what_the_loss_said(name, photos):
    codec = small_codecs.build(name)
    # Where synthesis is far from the picture, as of random weights, only the rate can be told to get better.
    trade_off = 1e-8 if name == "one_quality" else 0.01
    looks = list(loop.refine(codec, batch_of(codec, photos, trade_off), SETTINGS._replace(descent=20)))
    start, end = looks[0], looks[-1]
    assert [look.step for look in looks] == [0, 20, 40]
    assert (np.asarray(end.best.loss) <= np.asarray(start.loss)).all()
    assert (np.asarray(end.best.loss) < np.asarray(start.loss)).any()
    best = jax.device_get(end.best)
    np.testing.assert_allclose(best.loss, trade_off * best.measured.mse_255 + best.measured.bits / SIZE**2, rtol=1e-5)
    annealed = looks[1]
    assert (np.asarray(end.loss) <= np.asarray(annealed.loss)).all()  # a descent moves nothing that makes it worse


def test_a_free_step_grows_where_only_the_rate_counts(photos):
    codec = small_codecs.build("tiny")
    settings = SETTINGS._replace(step_rate=0.02)
    *_, end = loop.refine(codec, batch_of(codec, photos, 1e-8), settings)
    *_, held = loop.refine(codec, batch_of(codec, photos, 1e-8), SETTINGS)
    assert (np.asarray(end.best.field) > 0).all() and (np.asarray(held.best.field) == 0).all()
    assert (np.asarray(end.best.loss) < np.asarray(held.best.loss)).all()


def test_synthesis_in_bfloat16_leads_to_nearly_the_same(photos):
    codec = small_codecs.build("patch")  # whose synthesis comes near a picture without training
    batch = batch_of(codec, photos, 0.01)
    start, _, exact = loop.refine(codec, batch, SETTINGS)
    *_, low = loop.refine(codec, batch, SETTINGS._replace(dtype="bfloat16"))
    gains = [np.asarray(start.loss) - np.asarray(end.best.loss) for end in (exact, low)]
    assert (gains[0] > 0).all() and (np.asarray(low.best.loss) != np.asarray(exact.best.loss)).any()
    np.testing.assert_allclose(gains[1], gains[0], rtol=0.2)


def test_it_ends_early_where_nothing_gets_better(photos):
    codec = small_codecs.build("tiny")
    settings = SETTINGS._replace(steps=100, learning_rate=1e-9, patience=30)
    assert [look.step for look in loop.refine(codec, batch_of(codec, photos, 0.01), settings)] == [0, 20, 40]


def test_the_controller_comes_to_the_target(photos):
    codec = jaxcodec.load("default")
    (free,) = loop.refine(codec, batch_of(codec, photos, 0.01), SETTINGS._replace(steps=0))
    target = 0.9 * np.asarray(free.bits)
    start, *_, end = loop.refine(codec, batch_of(codec, photos, 0.01, target), SETTINGS._replace(steps=160))
    assert np.isinf(start.best.loss).all() and np.isfinite(end.best.loss).all()
    shares = np.asarray(end.best.measured.bits) / target
    assert ((shares >= loop.NEAR[0]) & (shares <= loop.NEAR[1])).all()
