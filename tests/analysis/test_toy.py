"""The toy source against SciPy, and codecs that learn it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxcodec.analysis import toy


@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("degrees", [3.0, 5.5])
def test_the_density_is_scipys(dimensions, degrees):
    x = np.random.default_rng(0).normal(0, 4, (50, dimensions))
    expected = stats.multivariate_t(np.zeros(dimensions), np.eye(dimensions), degrees).logpdf(x)
    np.testing.assert_allclose(toy.log_density(jnp.float32(x), degrees), expected, rtol=1e-5)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_samples_have_the_law_of_the_density(dimensions):
    x = np.asarray(toy.student_t(jax.random.key(0), 5000, dimensions))
    assert x.shape == (5000, dimensions)
    for column in x.T:  # each margin is a Student-t of as many degrees
        assert stats.kstest(column, stats.t(3).cdf).pvalue > 0.01
    if dimensions == 2:
        radius = np.sum(x**2, axis=-1) / 2  # that of the joint law, too: F of 2 and 3
        assert stats.kstest(radius, stats.f(2, 3).cdf).pvalue > 0.01
    flat = np.asarray(toy.uniform(jax.random.key(1), 5000, dimensions, side=3.0))
    assert stats.kstest(flat.ravel(), stats.uniform(-3, 6).cdf).pvalue > 0.01


def test_a_codec_learns_the_source_and_many_train_at_once():
    codec = toy.ToyCodec(width=16)
    settings = toy.Training(steps=300, batch=128)
    trade_offs, keys = jnp.array([2.0, 20.0]), jax.random.split(jax.random.key(0), 2)
    params = jax.jit(jax.vmap(lambda trade_off, key: toy.train(codec, settings, trade_off, key)))(
        trade_offs, keys
    )
    x = toy.student_t(jax.random.key(5), 512)
    x = x[jnp.linalg.norm(x, axis=-1) < 3]
    few, many = (
        toy.measure(codec, jax.tree.map(lambda leaf, place=place: leaf[place], params), x)
        for place in range(2)
    )
    assert few.bits.mean() < many.bits.mean() and few.own.mean() > many.own.mean()
    assert many.own.mean() < 0.5 * jnp.linalg.norm(x, axis=-1).mean()
    assert many.bits.shape == many.inner.shape == (len(x),)


def test_a_weight_moves_the_error_to_where_samples_are_rare():
    codec, key, trade_off = toy.ToyCodec(width=16), jax.random.key(0), jnp.float32(20)
    x = toy.student_t(jax.random.key(5), 1024)
    far = jnp.linalg.norm(x, axis=-1) > 2
    errors = []
    for weighted in (False, True):
        settings = toy.Training(weighted=weighted, steps=300, batch=128)
        found = toy.measure(codec, toy.train(codec, settings, trade_off, key), x)
        errors.append(found.own[far].mean() / found.own[~far].mean())
    assert errors[1] > 1.2 * errors[0]


@pytest.mark.parametrize("hard", [False, True])
def test_a_bounded_one_has_a_constant_rate_and_as_many_code_vectors(hard):
    codec = toy.ToyCodec(dimensions=1, width=16, levels=8, hard=hard)
    settings = toy.Training(steps=300, batch=128)
    params = toy.train(codec, settings, jnp.float32(1), jax.random.key(0))
    x = toy.student_t(jax.random.key(5), 512, 1)
    found = toy.measure(codec, params, x)
    np.testing.assert_array_equal(found.bits, 3)
    latent = codec.apply(params, x, method="encode")
    symbols = np.unique(codec.apply(params, latent, method="round"))
    assert len(symbols) <= 8 and np.all(np.abs(symbols) <= 3.5)
    assert found.own.mean() < 0.75 * np.abs(x).mean()


def test_a_measure_is_what_its_words_say():
    """The identity, rounded: cells are squares, and sensitivities those of rounding."""

    class Identity(toy.ToyCodec):
        def encode(self, x):
            return x

        def decode(self, latent_hat):
            return latent_hat

        def bits(self, latent_hat):
            return jnp.zeros(latent_hat.shape[:-1])

    x = toy.uniform(jax.random.key(0), 4000)
    found = toy.measure(Identity(), {}, x, size=1.0, directions=24)
    np.testing.assert_allclose(found.own, np.linalg.norm(x - np.round(x), axis=-1), atol=1e-6)
    np.testing.assert_allclose(found.inner, 1, rtol=1e-5)
    assert np.mean(found.own**2) == pytest.approx(1 / 6, rel=0.05)
    assert np.mean(found.reconstruction) == pytest.approx(1, rel=0.15)
