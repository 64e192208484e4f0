"""Parts of the Laplacian pyramids."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate2d

from jaxcodec.distortions import laplacian


def test_powers_are_exact_but_near_zero_where_they_are_linear():
    values = jnp.array([0.0, 1e-9, 2e-7, 1e-3, 2.0])
    powers = laplacian.power(values, 0.3)
    np.testing.assert_allclose(powers[2:], np.float64(values[2:]) ** 0.3, rtol=1e-5)
    assert powers[0] == 0 and 0 < powers[1] < powers[2]
    slopes = jax.vmap(jax.grad(lambda value: laplacian.power(value, 0.3)))(values)
    assert np.isfinite(slopes).all() and (slopes > 0).all()


@pytest.mark.parametrize("stride", [1, 2])
def test_correlation_is_scipys(stride):
    rng = np.random.default_rng(0)
    image, taps, line = rng.normal(size=(2, 17, 20)), rng.normal(size=(5, 5)), rng.normal(size=5)
    for own, kernel in (
        (laplacian.correlate(jnp.asarray(image), taps, stride), taps),
        (laplacian.smoothed(jnp.asarray(image), line, stride), np.outer(line, line)),
    ):
        expected = [correlate2d(plane, kernel, mode="valid")[::stride, ::stride] for plane in image]
        np.testing.assert_allclose(own, expected, atol=1e-4)


def test_zeros_come_between_samples():
    image = jnp.arange(1.0, 7).reshape(1, 2, 3)
    expected = np.zeros((1, 6, 9))
    expected[0, 1:4:2, 1:6:2] = image[0]
    np.testing.assert_array_equal(laplacian.sparse(image, 1, (6, 9)), expected)
