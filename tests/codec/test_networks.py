"""The differentiable pieces of a codec."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import networks


@pytest.mark.parametrize("name", ["tiny", "factorized", "normalised", "patch"])
def test_synthesis_runs_in_the_type_of_its_parameters(name):
    codec = small_codecs.build(name)
    channels = small_codecs.DESCRIPTIONS[name]["gains"]["channels"]
    latent = 3 * jax.random.normal(jax.random.key(0), (1, 4, 4, channels))
    quality = jnp.array([5000], jnp.int32)
    synthesis = codec.networks.relaxed.synthesis
    exact = synthesis(codec.params, latent, quality)
    low = synthesis(networks.lowered(codec.params, "bfloat16"), latent, quality)
    assert exact.dtype == jnp.float32 and low.dtype == jnp.bfloat16
    # Eight bits of a mantissa, a few layers.
    np.testing.assert_allclose(
        low.astype(jnp.float32), exact, atol=0.03 * float(jnp.max(jnp.abs(exact)))
    )


@pytest.mark.parametrize("name", ["tiny", "four_step", "factorized", "normalised"])
@pytest.mark.parametrize("step", [0.4, 1.0, 1.7])
def test_decoded_is_the_inverse_of_symbols(name, step):
    codec = small_codecs.build(name)
    quality, step, rng = jnp.array([5000], jnp.int32), np.float32(step), np.random.default_rng(0)
    hyper = jnp.asarray(rng.integers(-3, 4, codec.hyper_shape((64, 96))).astype(np.int32))
    centre = codec.networks.centre(codec.params, hyper, quality)
    residual = rng.normal(0, 3, codec.latent_shape((64, 96))).astype(np.float32)
    symbols = codec.networks.symbols(codec.params, residual, quality, step, *centre[1:])
    again = codec.networks.decoded(codec.params, symbols, quality, step, *centre[1:])
    assert symbols.dtype == jnp.int32 and again.dtype == jnp.float32
    assert np.abs(again - residual).max() <= 0.501 * step
    same = codec.networks.symbols(codec.params, again, quality, step, *centre[1:])
    np.testing.assert_array_equal(same, symbols)


def test_a_centre_is_a_mean_and_what_passes_see_or_sigma_or_nothing():
    quality = jnp.array([5000], jnp.int32)
    counts = {"tiny": 1, "four_step": 3, "normalised": 2, "factorized": 0, "checkerboard": 0}
    for name, count in counts.items():
        codec = small_codecs.build(name)
        hyper = jnp.zeros(codec.hyper_shape((64, 64)), jnp.int32)
        centre = codec.networks.centre(codec.params, hyper, quality)
        assert len(centre) == count and codec.networks.centred == (count > 0)
        assert codec.networks.pass_count == (4 if name == "four_step" else 1)
        latent = jnp.ones(codec.latent_shape((64, 64)))
        residual = codec.networks.residual(codec.params, latent, *centre)
        expected = latent - centre[0] if centre else latent
        if name == "normalised":
            expected /= centre[1]
        np.testing.assert_allclose(residual, expected, rtol=1e-6)
