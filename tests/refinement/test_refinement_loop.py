"""The refinement loop on every kind of codec: what it keeps, what it is equal to, what a target does."""

import jax
import numpy as np
import pytest
import small_codecs
from skimage import data

from jaxcodec.codec import pictures, stacked
from jaxcodec.image import Picture
from jaxcodec.refinement import images, loop, methods
from jaxcodec.refinement.problem import Extent, Shown

SIZE = 96
EXTENT = Extent(SIZE, SIZE)
SETTINGS = methods.make("ssl", steps=40, every=20, learning_rate=0.02)


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """Two uint8 (96, 96, 3)."""
    return [data.astronaut()[64:160, 160:256], data.coffee()[100:196, 200:296]]


def batch_of(codec, photos, fields=None, trade_off=None, target_bits=None) -> loop.Batch:
    sources = [pictures.prepare(codec, Picture(photo), None) for photo in photos]
    quality = np.full((len(photos), 1), 5000 if codec.variable else 0, np.int32)
    shown = Shown(np.stack([source.pixels[None] for source in sources]), quality)
    fields = fields or [0] * len(photos)
    if trade_off is None:
        trade_off = images.own_trade_offs(codec, shown, EXTENT, fields)
    keys = jax.random.split(jax.random.key(5), len(photos))
    return loop.Batch(shown, np.float32(trade_off), stacked.at_steps(codec, fields), keys, target_bits)


@pytest.mark.parametrize("name", sorted(small_codecs.DESCRIPTIONS))
def test_every_kind_gets_better_and_its_symbols_weigh_what_the_loss_said(name, photos):
    codec = small_codecs.build(name)
    # Where synthesis is far from the picture, as of random weights, only the rate can be told to get better.
    trade_off = 1e-8 if name == "one_quality" else 0.01
    looks = list(loop.refine(codec, batch_of(codec, photos, trade_off=[trade_off] * 2), EXTENT, SETTINGS))
    start, end = looks[0], looks[-1]
    assert [look.step for look in looks] == [0, 20, 40]
    assert (np.asarray(end.best.loss) <= np.asarray(start.loss)).all()
    assert (np.asarray(end.best.loss) < np.asarray(start.loss)).any()
    best = jax.device_get(end.best)
    np.testing.assert_allclose(best.loss, trade_off * best.measured.mse_255 + best.measured.bits / SIZE**2, rtol=1e-5)
