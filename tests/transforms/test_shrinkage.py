"""The learned hard threshold: its values, and what stands for the gradient of theta."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.transforms.layers import activation
from jaxcodec.transforms.shrinkage import Shrinkage, shrink


def test_it_is_theta_times_the_threshold_of_a_theta_th():
    """In float64, as the thesis writes it."""
    rng = np.random.default_rng(0)
    x, theta = rng.normal(size=(2, 5, 7, 4)), np.array([0.3, -0.8, 1.7, 2.0])
    v = x / theta
    expected = theta * np.where((v > -0.5) & (v < 0.5), 0, v)
    np.testing.assert_allclose(shrink(jnp.float32(x), jnp.float32(theta)), expected, rtol=1e-6)
    with jax.enable_x64(True):
        found = shrink(jnp.float64(x), jnp.float64(theta))
        assert found.dtype == jnp.float64
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_a_theta_of_zero_is_the_identity():
    x = jnp.array([[-2.0, 0.0, 1e-9, 3.0]]).T
    np.testing.assert_array_equal(shrink(x, jnp.zeros(1)), x)
    by_x, by_theta = jax.grad(lambda x, t: jnp.sum(shrink(x, t) ** 2), (0, 1))(x, jnp.zeros(1))
    np.testing.assert_allclose(by_x, 2 * x, rtol=1e-5, atol=1e-8)
    assert np.isfinite(by_theta).all()


def expected_error(theta: float, values: np.ndarray) -> float:
    """Squared error of shrunk Laplace samples against those of a soft threshold of 1/2."""
    soft = np.sign(values) * np.maximum(np.abs(values) - 0.5, 0)
    return float(np.mean((np.where(np.abs(values) >= theta / 2, values, 0) - soft) ** 2))


@pytest.fixture(scope="module")
def laplace() -> np.ndarray:
    """Quantiles of a Laplace distribution, in place of samples."""
    uniform = (np.arange(200_001) + 0.5) / 200_001 - 0.5
    return -np.sign(uniform) * np.log1p(-2 * np.abs(uniform))


@pytest.mark.parametrize("theta", [0.2, 0.5, 1.0, 1.25, 1.5])
def test_the_gate_moves_theta_as_the_true_derivative_says(theta, laplace):
    """The error is least at a theta of 2."""
    true = (expected_error(theta + 0.02, laplace) - expected_error(theta - 0.02, laplace)) / 0.04
    x = jnp.float32(laplace)[:, None]
    soft = jnp.sign(x) * jnp.maximum(jnp.abs(x) - 0.5, 0)

    def error(theta, surrogate):
        return jnp.mean((shrink(x, theta, surrogate) - soft) ** 2)

    found = float(jax.grad(error)(jnp.float32([theta]), "gate")[0])
    assert np.sign(found) == np.sign(true)
    assert 1 / 3 < found / true < 3
    assert jax.grad(error)(jnp.float32([theta]), "fixed")[0] == 0


def test_just_beyond_the_best_theta_the_gate_draws_it_further(laplace):
    x = jnp.float32(laplace)[:, None]
    soft = jnp.sign(x) * jnp.maximum(jnp.abs(x) - 0.5, 0)

    slope = jax.grad(lambda theta: jnp.mean((shrink(x, theta, "gate") - soft) ** 2))
    assert expected_error(2.4, laplace) > expected_error(2.3, laplace)
    assert slope(jnp.float32([2.4])) < 0


def test_straight_through_gives_theta_no_gradient_or_the_wrong_sign(laplace):
    """The error is least at a theta of 2; below it theta should rise."""
    x = jnp.float32(laplace)[:, None]
    soft = jnp.sign(x) * jnp.maximum(jnp.abs(x) - 0.5, 0)

    def slope(theta):
        return jax.grad(lambda theta: jnp.mean((shrink(x, theta, "straight_through") - soft) ** 2))(
            jnp.float32([theta])
        )

    for theta in (0.5, 1.0, 1.5, 1.8):
        assert expected_error(theta + 0.05, laplace) < expected_error(theta, laplace)
        assert slope(theta) == 0 if theta <= 1 else slope(theta) > 0


def test_gradients_in_x_are_those_of_the_surrogates():
    x, theta = jnp.array([[0.1], [0.45], [0.6], [3.0]]), jnp.array([1.0])

    def slopes(surrogate):
        return jax.grad(lambda x: jnp.sum(shrink(x, theta, surrogate)))(x)[:, 0]

    np.testing.assert_array_equal(slopes("straight_through"), [1, 1, 1, 1])
    np.testing.assert_array_equal(slopes("fixed"), [0, 0, 1, 1])
    gate = jax.vmap(jax.grad(lambda v: v * jax.nn.sigmoid((jnp.abs(v) - 0.5) / 0.05)))(x[:, 0])
    np.testing.assert_allclose(slopes("gate"), gate, rtol=1e-5, atol=1e-6)
    for surrogate in ("straight_through", "gate"):
        signed = jax.grad(lambda t, which=surrogate: jnp.sum(shrink(x, t, which)))
        assert signed(theta) != 0
        np.testing.assert_allclose(signed(theta), -signed(-theta), rtol=1e-6)


@pytest.mark.parametrize("surrogate", ["straight_through", "gate"])
def test_a_dead_channel_comes_back(surrogate):
    """All of a channel is under the threshold; what it should give lowers theta again."""
    x = jnp.linspace(-0.5, 0.5, 101)[:, None]
    module = Shrinkage(start=1.2, surrogate=surrogate)
    params = module.init(jax.random.key(0), x)
    assert not np.any(module.apply(params, x))

    def error(params):
        return jnp.mean((module.apply(params, x) - x) ** 2)

    for _ in range(400):
        step = jax.grad(error)(params)
        params = jax.tree.map(lambda value, slope: value - 0.5 * slope, params, step)
    assert float(error(params)) < 0.01


def test_the_activation_is_a_module_with_a_theta_for_each_channel():
    module = activation("shrinkage", "Shrinkage_0")
    variables = module.init(jax.random.key(0), jnp.ones((1, 2, 2, 5)))
    np.testing.assert_array_equal(variables["params"]["theta"], np.full(5, np.float32(0.2)))
    with pytest.raises(ValueError, match="surrogate 'soft' is unknown; use one of gate"):
        Shrinkage(surrogate="soft").init(jax.random.key(0), jnp.ones((1, 2, 2, 5)))
