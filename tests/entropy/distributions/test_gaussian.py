"""The conditional Gaussian and its scale table."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from jaxcodec.entropy.distributions import gaussian


@pytest.mark.parametrize("scale", [0.11, 0.5, 1.0, 7.3, 200.0])
def test_mass_equals_scipy(scale):
    residual = np.arange(-40, 41) * max(1.0, scale / 10)
    expected = np.maximum(
        norm.cdf(residual + 0.5, scale=scale) - norm.cdf(residual - 0.5, scale=scale), 1e-9
    )
    mass = gaussian.gaussian_likelihood(
        jnp.asarray(residual, jnp.float32), jnp.full(residual.shape, scale, jnp.float32)
    )
    np.testing.assert_allclose(mass, expected, rtol=2e-3, atol=1e-9)


def test_bounds_hold_and_their_gradients_let_values_come_back():
    mass = gaussian.gaussian_likelihood(jnp.array([0.0, 100.0]), jnp.array([1e-6, 0.11]))
    expected = norm.cdf(0.5, scale=0.11) - norm.cdf(-0.5, scale=0.11)
    np.testing.assert_allclose(mass, [expected, 1e-9], rtol=1e-5)
    # A symbol that the scale makes impossible: descent on its bits raises a scale that lies below
    # the bound.
    bits = lambda scale: -jnp.log2(gaussian.gaussian_likelihood(jnp.float32(1.0), scale))  # noqa: E731
    assert jax.grad(bits)(0.05) < 0
    # And it draws a symbol that is bounded by 1e-9 back, as long as its mass is not zero in
    # float32.
    assert jax.grad(lambda v: -jnp.log2(gaussian.gaussian_likelihood(v, jnp.float32(1.0))))(7.0) > 0


def test_the_table_is_compressais():
    table = np.asarray(gaussian.scale_table())
    assert table.shape == (64,)
    np.testing.assert_allclose(table[[0, -1]], [0.11, 256], rtol=1e-5)
    np.testing.assert_allclose(np.diff(np.log(table)), np.log(256 / 0.11) / 63, rtol=1e-3)


@settings(deadline=None, max_examples=200)
@given(st.floats(1e-6, 1e6))
def test_the_index_is_the_nearest_entry_in_the_logarithm(scale):
    table = np.log(np.asarray(gaussian.scale_table(), np.float64))
    index = int(gaussian.scale_index(jnp.float32(scale)))
    distance = np.abs(table - np.log(scale))
    assert distance[index] <= distance.min() + 1e-4


def test_every_entry_maps_to_itself():
    np.testing.assert_array_equal(gaussian.scale_index(gaussian.scale_table()), np.arange(64))


@pytest.mark.parametrize("scale", [0.11, 0.2, 0.5, 1.0, 3.7, 40.0, 256.0])
def test_the_score_is_the_slope_of_the_log_mass_by_the_log_scale(scale):
    sizes = np.unique(np.round(np.concatenate([np.arange(8), np.linspace(0, 12, 60) * scale])))
    sizes = np.concatenate([sizes, [0.3, 1.7], -sizes])

    def log_mass(change):
        wide, distance = scale * np.exp(change), np.abs(sizes)
        # By the survival function, which keeps its digits in the tail.
        return np.log(
            np.maximum(norm.sf((distance - 0.5) / wide) - norm.sf((distance + 0.5) / wide), 1e-300)
        )

    slope = (log_mass(1e-5) - log_mass(-1e-5)) / 2e-5
    slope = np.where(np.abs(sizes) > 12 * scale + 1, 6, slope)
    score = gaussian.gaussian_score(jnp.float32(sizes), jnp.full(sizes.shape, scale, jnp.float32))
    np.testing.assert_allclose(score, np.clip(slope, -6, 6), atol=0.02)


@pytest.mark.parametrize("scale", [0.3, 0.7, 2.0, 9.0, 60.0])
def test_the_mean_score_is_zero_where_the_scale_is_right_and_tells_which_way_it_is_wrong(scale):
    symbols = np.arange(-600, 601)
    mass = norm.cdf(symbols + 0.5, scale=scale) - norm.cdf(symbols - 0.5, scale=scale)

    def mean_score(guess):
        scales = jnp.full(symbols.shape, guess, jnp.float32)
        return float(mass @ np.asarray(gaussian.gaussian_score(jnp.float32(symbols), scales)))

    assert abs(mean_score(scale)) < 0.05  # the bound takes a little away
    assert mean_score(scale / 1.5) > 0.1 > -0.1 > mean_score(1.5 * scale)


def test_the_score_is_finite_far_out_and_below_the_least_scale():
    residual, scale = jnp.array([0.0, 1e6, -1e6, 3.0]), jnp.array([1e-9, 0.11, 256.0, 0.0])
    score = gaussian.gaussian_score(residual, scale)
    np.testing.assert_allclose(score, [0, 6, 6, 6], atol=1e-3)


class Variants(chex.TestCase):
    """The same mass whichever way it is run."""

    @chex.variants(with_jit=True, without_jit=True, with_device=True)
    def test_mass(self):
        residual = jnp.array([0.0, 0.5, -3.0], jnp.float32)
        mass = self.variant(gaussian.gaussian_likelihood)(residual, jnp.full(3, 1.5, jnp.float32))
        exact = np.asarray(residual, np.float64)
        expected = norm.cdf(exact + 0.5, scale=1.5) - norm.cdf(exact - 0.5, scale=1.5)
        np.testing.assert_allclose(mass, expected, rtol=1e-5)
