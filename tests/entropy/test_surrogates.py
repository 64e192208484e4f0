"""What stands for rounding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.entropy.surrogates import likelihood_bits, quantiser, surrogate

KEY = jax.random.key(0)
LATENT = jax.random.normal(jax.random.key(1), (2, 4, 4, 3)) * 3
MEAN = jax.random.normal(jax.random.key(2), LATENT.shape)


def test_noise_is_uniform_of_width_one_and_the_same_for_rate_and_synthesis():
    latent = jnp.zeros((1, 100, 100, 2))
    rate, synthesis = surrogate("noise", latent, 0.0, KEY)
    np.testing.assert_array_equal(rate, synthesis)
    assert -0.5 <= rate.min() < -0.49 < 0.49 < rate.max() <= 0.5
    assert abs(float(rate.mean())) < 0.01
    assert abs(float(rate.var()) - 1 / 12) < 0.002


def test_rounding_keeps_to_the_grid_of_the_mean():
    rate, synthesis = surrogate("round", LATENT, MEAN, KEY)
    np.testing.assert_array_equal(rate, synthesis)
    np.testing.assert_allclose(synthesis, jnp.round(LATENT - MEAN) + MEAN, atol=1e-6)


def test_mixed_takes_noise_for_the_rate_and_rounding_for_synthesis():
    rate, synthesis = surrogate("mixed", LATENT, MEAN, KEY)
    np.testing.assert_array_equal(rate, surrogate("noise", LATENT, MEAN, KEY)[0])
    np.testing.assert_array_equal(synthesis, surrogate("round", LATENT, MEAN, KEY)[1])


@pytest.mark.parametrize("kind", ["noise", "round", "mixed"])
def test_gradients_are_those_of_the_identity(kind):
    for part in (0, 1):
        gradient = jax.grad(lambda v, part=part: surrogate(kind, v, MEAN, KEY)[part].sum())(LATENT)
        np.testing.assert_allclose(gradient, 1, atol=1e-6)


@pytest.mark.parametrize("kind", ["round", "mixed"])
def test_rounding_about_a_mean_leaves_the_mean_no_gradient_and_noise_neither(kind):
    """round(y - m) + m with the identity for rounding is y, whatever m is."""
    gradient = jax.grad(lambda mean: surrogate(kind, LATENT, mean, KEY)[1].sum())(MEAN)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_what_is_rounded_moves_with_its_mean():
    """Held by its latent: by half a step of mean another integer is nearest, and the mean is what
    it is counted from.
    """
    latent, mean = jnp.array([[[[1.4]]]]), jnp.array([[[[0.0]]]])
    assert surrogate("round", latent, mean, KEY)[0] == 1
    np.testing.assert_allclose(surrogate("round", latent, mean + 0.75, KEY)[0], 1.75)


def test_parts_have_random_numbers_of_their_own():
    quantise = quantiser("noise", KEY)
    zeros = jnp.zeros((1, 50, 50, 1))
    latent, hyper = (quantise(part, zeros, 0.0)[0] for part in ("latent", "hyper"))
    assert abs(np.corrcoef(latent.ravel(), hyper.ravel())[0, 1]) < 0.1
    np.testing.assert_array_equal(quantiser("noise", KEY)("latent", zeros, 0.0)[0], latent)
    assert jnp.all(quantiser("noise", jax.random.key(5))("latent", zeros, 0.0)[0] != latent)


def test_a_quantiser_rounds_about_the_centre():
    rate, synthesis = quantiser("mixed", KEY)("hyper", LATENT, MEAN)
    np.testing.assert_allclose(synthesis, np.round(LATENT - MEAN) + MEAN, atol=1e-6)
    assert jnp.max(jnp.abs(rate - LATENT)) <= 0.5


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="'wish'"):
        surrogate("wish", LATENT, 0.0, KEY)


def test_bits_are_summed_for_each_image():
    likelihood = jnp.stack([jnp.full((2, 2, 3), 0.5), jnp.full((2, 2, 3), 0.25)])
    np.testing.assert_allclose(likelihood_bits(likelihood), [12, 24])
    gradient = jax.grad(lambda value: likelihood_bits(value).sum())(likelihood)
    np.testing.assert_allclose(
        gradient, -1 / (np.asarray(likelihood, np.float64) * np.log(2)), rtol=1e-6
    )
