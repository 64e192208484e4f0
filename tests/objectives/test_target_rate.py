"""The target-rate loss."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.objectives import TargetRate, create
from jaxcodec.rate import controller

SETTINGS = {
    "targets_bpp": (0.25, 1.0), "beta": (300.0, 100.0), "strategy": "adaptive", "parameter_bpp": (),
    "smoothing": "decay", "alpha": 0.99, "decay": {"steps": 0}, "tolerance": 0.0, "beta_rate": 0.02, "balance": 0.0,
}  # fmt: skip
IMAGE = jnp.zeros((2, 8, 8, 3))
RECONSTRUCTION = jnp.full((2, 8, 8, 3), 2 / 255)  # a mean squared error of 4 on the scale 0 to 255
BITS = jnp.array([0.5, 0.75]) * 64
QUALITY = jnp.array([0.0, 1.0])


def objective(**settings) -> TargetRate:
    return create({}, SETTINGS | settings)


def test_the_loss_is_that_of_equation_5_14():
    loss, metrics = objective()(IMAGE, RECONSTRUCTION, BITS, QUALITY, objective().init())
    # 4 + 300 * ((.25 - .5) / .25)^2 = 304, and 4 + 100 * ((1 - .75) / 1)^2 = 10.25
    np.testing.assert_allclose(loss, (304 + 10.25) / 2, rtol=1e-5)
    np.testing.assert_allclose([metrics["bpp"], metrics["mse_255"], metrics["beta"]], [0.625, 4, 200], rtol=1e-5)


def test_the_loss_takes_the_parameter_and_not_the_target():
    state = objective().init()._replace(parameter_bpp=jnp.array([0.5, 1.5]))
    loss, _ = objective()(IMAGE, RECONSTRUCTION, BITS, QUALITY, state)
    np.testing.assert_allclose(loss, (4 + 4 + 100 * 0.25) / 2, rtol=1e-5)


def test_balance_lets_every_target_weigh_the_same():
    loss, _ = objective(balance=1.0)(IMAGE, RECONSTRUCTION, BITS, QUALITY, objective().init())
    np.testing.assert_allclose(loss, (304 * 200 / 300 + 10.25 * 200 / 100) / 2, rtol=1e-5)


def test_no_gradient_flows_through_the_state():
    def loss_of(bits, state):
        return objective()(IMAGE, RECONSTRUCTION, bits, QUALITY, state)[0]

    state = objective().init()
    of_bits, of_state = jax.grad(loss_of, argnums=(0, 1), allow_int=True)(BITS, state)
    for field in ("parameter_bpp", "shift_bpp", "beta", "target_bpp", "squared_deviation"):
        np.testing.assert_array_equal(getattr(of_state, field), 0)
    # d/dR beta ((p - R) / p)^2 = -2 beta (p - R) / p^2, over 64 pixels and 2 images
    np.testing.assert_allclose(of_bits, [2 * 300 * 0.25 / 0.0625 / 128, -2 * 100 * 0.25 / 128], rtol=1e-5)


def test_update_measures_the_shift_of_each_target():
    state, metrics = objective().update(BITS, BITS - 6.4, 64, QUALITY, objective().init())
    np.testing.assert_allclose(state.shift_bpp, [0.1, 0.1], rtol=1e-5)
    np.testing.assert_allclose(state.parameter_bpp, [0.35, 1.1], rtol=1e-5)
    np.testing.assert_allclose(metrics["quantised_bpp"], 0.525, rtol=1e-5)


def test_validation_measures_against_the_targets_themselves():
    metrics = objective(strategy="fixed", parameter_bpp=(3.0, 3.0)).validate(
        IMAGE, RECONSTRUCTION, jnp.array([0.25 * 1.14, 1.16]) * 64, QUALITY
    )
    np.testing.assert_allclose(metrics["hits"], 0.5)
    np.testing.assert_allclose(metrics["squared_deviation"], (0.14**2 + 0.16**2) / 2, rtol=1e-4)


def test_a_batch_sees_every_target_alike():
    four = objective(targets_bpp=(0.1, 0.2, 0.4, 0.8), beta=(1.0,) * 4)
    for seed in range(5):
        which = four.which(four.draw_quality(jax.random.key(seed), 8))
        np.testing.assert_array_equal(np.bincount(which, minlength=4), 2)
    first = [int(four.which(four.draw_quality(jax.random.key(seed), 1))[0]) for seed in range(40)]
    assert set(first) == {0, 1, 2, 3}


def test_one_target_is_quality_zero():
    one = TargetRate((0.25,), controller.create((0.25,), beta=(1.0,)))
    np.testing.assert_array_equal(one.draw_quality(jax.random.key(0), 3), np.zeros(3))
    np.testing.assert_array_equal(one.which(jnp.zeros(3)), np.zeros(3))
