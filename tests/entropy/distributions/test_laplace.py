"""Masses of the Laplace distribution, in the logarithm, against fifty digits."""

import decimal
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.entropy.distributions.laplace import UNIT_SCALE, laplace_log_mass

decimal.getcontext().prec = 50


def log_mass(value: float, scale: float) -> float:
    """The logarithm of the difference of cumulatives."""
    v, b, half = decimal.Decimal(abs(value)), decimal.Decimal(scale), decimal.Decimal("0.5")

    def tail(x):
        return (-x / b).exp() / 2

    mass = tail(v - half) - tail(v + half) if v >= half else 1 - tail(half - v) - tail(half + v)
    return float(mass.ln())


@pytest.mark.parametrize("step", [2.0, 1.5, 1.0, 2 / 3, 0.5])
@pytest.mark.parametrize("value", [0.0, 0.2, 0.5, 1.0, 8.0, 40.0, 1e4])
def test_values_and_gradients(value, step):
    scale = UNIT_SCALE / step
    at = np.float32(value)
    for sign in (1, -1):
        found, slope = jax.value_and_grad(laplace_log_mass)(sign * at, scale)
        assert float(found) == pytest.approx(log_mass(float(at), scale), rel=3e-6, abs=1e-6)
        if value == 0.5:  # where a central difference sees the second derivative jump
            assert float(slope) == pytest.approx(-sign / scale, rel=1e-5)
        else:
            step_size = 1e-4 * max(1, value)
            ends = [log_mass(float(at) + part * step_size, scale) for part in (1, -1)]
            expected = sign * (ends[0] - ends[1]) / (2 * step_size) if value else 0.0
            assert float(slope) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_known_masses_and_entropies():
    """P(0), P(1), and the entropies at five steps, summed in float64."""
    symbols = jnp.arange(-400.0, 401.0)
    mass = np.exp(np.asarray(laplace_log_mass(symbols), np.float64))
    assert mass[400] == pytest.approx(0.506931, abs=2e-6)
    assert mass[401] == pytest.approx(0.186598, abs=2e-6)
    entropies = [1.1270, 1.4850, 2.0142, 2.5653, 2.9658]
    for step, entropy in zip([2.0, 1.5, 1.0, 2 / 3, 0.5], entropies, strict=True):
        log_p = np.asarray(laplace_log_mass(symbols, UNIT_SCALE / step), np.float64)
        assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-5)
        assert -np.sum(np.exp(log_p) * log_p) / math.log(2) == pytest.approx(entropy, abs=1e-4)


def test_far_out_the_gradient_is_that_of_the_exponential():
    """2.04 bits for each unit, everywhere; a mass that is bounded at 1e-9 has none from 14.5 on."""
    slopes = jax.vmap(jax.grad(laplace_log_mass))(jnp.array([2.0, 20.0, 1e4, -1e6]))
    np.testing.assert_allclose(slopes / math.log(2), [-2.04, -2.04, -2.04, 2.04], rtol=1e-3)
    assert np.isfinite(laplace_log_mass(jnp.float32(1e6)))
