"""The density of pictures: a law over all values, in raster order, and it learns photographs."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.analysis import density
from jaxcodec.analysis.density import PixelDensity, Training, bits_per_dimension, log_density

MODEL = PixelDensity(features=12, depth=2)


@pytest.fixture(scope="module")
def params(photo):
    """Variables that are not those of the start, so that everything counts."""
    start = MODEL.init(jax.random.key(0), photo[None, :8, :8])
    keys = itertools.count()
    return jax.tree.map(
        lambda leaf: leaf + 0.2 * jax.random.normal(jax.random.key(next(keys)), leaf.shape), start
    )


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_the_masses_of_all_values_sum_to_one(params, photo, channel):
    """Each sample given those before: a sum over 256 values at one place."""
    pictures = np.repeat(photo[None, :6, :6], 256, axis=0)
    pictures[:, 3, 2, channel] = np.arange(256)
    mass = jnp.exp(MODEL.apply(params, pictures)[:, 3, 2, channel])
    assert float(mass.sum()) == pytest.approx(1, abs=1e-4)
    assert mass.min() > 0


def test_a_sample_depends_on_those_before_it_alone(params, photo):
    picture = photo[None, :7, :7]

    def places(picture):
        return np.asarray(MODEL.apply(params, picture))[0].reshape(-1)

    before = places(picture)
    for place in (0, 10, 73, 100, 146):
        changed = picture.reshape(-1).copy()
        changed[place] ^= 128
        after = places(changed.reshape(picture.shape))
        np.testing.assert_array_equal(after[:place], before[:place])
        assert after[place] != before[place]
        if place < 140:
            assert np.any(after[place + 1 :] != before[place + 1 :])


def test_a_logistic_is_its_formula():
    """One component at 10.5 grey levels wide, against the sigmoid in float64."""
    values = np.arange(256.0) / 127.5 - 1
    mean, scale = 0.2, 10.5 / 127.5
    ends = 1 / (1 + np.exp(-(np.arange(257) - 0.5 - (0.2 + 1) * 127.5) / 10.5))
    ends[0], ends[-1] = 0, 1
    found = density.logistic_log_mass(
        jnp.float32(values), jnp.float32(mean), jnp.log(jnp.float32(scale))
    )
    np.testing.assert_allclose(np.exp(np.float64(found)), np.diff(ends), rtol=2e-4)


def test_bits_are_those_of_the_density(params, photo):
    pictures = np.stack([photo[:16, :16], photo[50:66, 80:96]])
    log_p = log_density(MODEL, params, pictures)
    np.testing.assert_allclose(
        bits_per_dimension(MODEL, params, pictures), -log_p / np.log(2) / (16 * 16 * 3), rtol=1e-6
    )
    alone = [float(log_density(MODEL, params, picture[None])[0]) for picture in pictures]
    np.testing.assert_allclose(log_p, alone, rtol=1e-5)


def test_it_learns_what_photographs_are(photo):
    crops = density.random_crops([photo[:, :256]], 16, 64, seed=0)
    assert crops.shape == (64, 16, 16, 3)
    trained = density.train(MODEL, crops, Training(steps=200, batch=8), jax.random.key(0))
    assert trained.losses[-20:].mean() < trained.losses[:20].mean() - 1
    others = density.random_crops([photo[:, 256:]], 16, 32, seed=1)
    noise = np.random.default_rng(0).integers(0, 256, others.shape, np.uint8)
    noisy = (others + np.random.default_rng(1).normal(0, 20, others.shape)).clip(0, 255)
    found = [
        float(bits_per_dimension(MODEL, trained.params, each.astype(np.uint8)).mean())
        for each in (others, noisy, noise)
    ]
    assert found[0] < found[1] < found[2] and found[0] < 7
