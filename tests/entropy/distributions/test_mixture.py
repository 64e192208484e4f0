"""Mixtures of Gaussians."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.entropy.distributions.mixture import mixture_likelihood

MEAN, SCALE, WEIGHT = (
    jnp.array(values)[:, None] for values in ([-3.2, 0.4, 7.0], [0.5, 2.0, 1.1], [0.2, 0.5, 0.3])
)


def test_masses_equal_scipy_and_sum_to_one():
    values = jnp.arange(-40.0, 41.0)
    mass = mixture_likelihood(values, MEAN, SCALE, WEIGHT)
    expected = sum(
        w * (norm.cdf(values + 0.5, m, s) - norm.cdf(values - 0.5, m, s))
        for m, s, w in zip(MEAN[:, 0], SCALE[:, 0], WEIGHT[:, 0], strict=True)
    )
    np.testing.assert_allclose(mass, expected, rtol=2e-3, atol=2e-9)
    assert abs(float(mass.sum()) - 1) < 1e-5


def test_gradients_are_those_of_scipys_densities():
    """Of w (F((v + .5 - m) / s) - F((v - .5 - m) / s)) by w, m and s."""
    value = 1.3
    mean, scale, weight = (np.asarray(array[:, 0], np.float64) for array in (MEAN, SCALE, WEIGHT))
    upper, lower = (norm.pdf(value + half, mean, scale) for half in (0.5, -0.5))
    mass = norm.cdf(value + 0.5, mean, scale) - norm.cdf(value - 0.5, mean, scale)
    of_scale = -weight * (upper * (value + 0.5 - mean) - lower * (value - 0.5 - mean)) / scale
    got = jax.grad(
        lambda *moments: mixture_likelihood(jnp.array([value]), *moments)[0], argnums=(0, 1, 2)
    )(MEAN, SCALE, WEIGHT)
    for gradient, expected in zip(got, (-weight * (upper - lower), of_scale, mass), strict=True):
        np.testing.assert_allclose(gradient[:, 0], expected, rtol=1e-3, atol=1e-8)


def test_one_component_is_a_gaussian():
    values = jnp.linspace(-5, 5, 11)
    mass = mixture_likelihood(values, MEAN[1:2], SCALE[1:2], jnp.ones((1, 1)))
    np.testing.assert_array_equal(
        mass, gaussian_likelihood(values - MEAN[1], jnp.broadcast_to(SCALE[1], values.shape))
    )


def test_impossible_values_are_bounded_with_finite_gradients():
    bits = lambda mean: -jnp.log2(mixture_likelihood(jnp.array([500.0]), mean, SCALE, WEIGHT)).sum()  # noqa: E731
    assert abs(float(bits(MEAN)) - np.log2(1e9)) < 1e-3
    assert jnp.isfinite(jax.grad(bits)(MEAN)).all()
