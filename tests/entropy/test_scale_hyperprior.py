"""The scale hyperprior: magnitudes in, a plain grid out."""

import jax
import jax.numpy as jnp
import numpy as np
import small_codecs

from jaxcodec import models

MODEL = models.build(small_codecs.DESCRIPTIONS["scale"])
PARAMS = small_codecs.params("scale")


def test_the_hyper_latent_is_that_of_magnitudes():
    latent = jax.random.normal(jax.random.key(0), (1, 4, 4, 6))
    hyper = [
        MODEL.apply(PARAMS, sign * latent, jnp.zeros(1), method="to_hyper_latent")
        for sign in (1, -1)
    ]
    np.testing.assert_array_equal(*hyper)
    assert np.abs(hyper[0]).max() > 0


def test_symbols_lie_on_the_plain_grid():
    latent = 3 * jax.random.normal(jax.random.key(0), (1, 4, 4, 6))
    assert MODEL.apply(PARAMS, None, jnp.zeros(1), method="centre") == ()
    symbols = MODEL.apply(PARAMS, latent, None, jnp.zeros(1), method="to_symbols")
    np.testing.assert_array_equal(symbols, np.round(np.asarray(latent)))


def test_bits_of_a_latent_and_of_its_mirror_image_are_equal():
    latent = 3 * jax.random.normal(jax.random.key(0), (1, 4, 4, 6))

    @jax.jit
    def bits(latent):
        def of(module):
            hyper = module.to_hyper_latent(latent, jnp.zeros(1))
            return module.quantised(latent, hyper, jnp.zeros(1), lambda part, v, c: (v, v)).bits

        return MODEL.apply(PARAMS, method=of)

    np.testing.assert_allclose(bits(latent), bits(-latent), rtol=1e-6)
