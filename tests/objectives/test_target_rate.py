"""The target-rate loss, against the equations in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.distortions import ssim
from jaxcodec.objectives import Forward, TargetRate, controller, create

SETTINGS = {
    "targets_bpp": (0.25, 1.0),
    "beta": (300.0, 100.0),
    "strategy": "adaptive",
    "parameter_bpp": (),
    "smoothing": "decay",
    "alpha": 0.99,
    "decay": {"steps": 0},
    "tolerance": 0.0,
    "beta_rate": 0.02,
    "balance": 0.0,
}
IMAGE = jnp.zeros((2, 8, 8, 3))
RECONSTRUCTION = jnp.full((2, 8, 8, 3), 2 / 255)  # a mean squared error of 4 on the scale 0 to 255
BITS = jnp.array([0.5, 0.75]) * 64
QUALITY = jnp.array([0.0, 1.0])


def forward_of(image, reconstruction, bits, quality):
    return Forward(image, quality, reconstruction, bits, jnp.zeros_like(bits))


def loss_of(made, image, reconstruction, bits, quality, state):
    """Loss and metrics of a pass that is given."""
    forward = forward_of(image, reconstruction, bits, quality)
    return made.loss({}, forward, jax.random.key(0), state)


def update(made, bits, quantised_bits, state):
    """The next state and metrics of images of 64 pixels."""
    passes = (forward_of(IMAGE, RECONSTRUCTION, each, QUALITY) for each in (bits, quantised_bits))
    return made.update(state, *passes)


def validate(made, bits, state):
    """Metrics of a pass over `IMAGE`."""
    return made.validate({}, forward_of(IMAGE, RECONSTRUCTION, bits, QUALITY), state)


def objective(**settings) -> TargetRate:
    return create({}, SETTINGS | settings)


def test_the_loss_is_that_of_equation_5_14():
    loss, metrics = loss_of(objective(), IMAGE, RECONSTRUCTION, BITS, QUALITY, objective().init())
    # 4 + 300 * ((.25 - .5) / .25)^2 = 304, and 4 + 100 * ((1 - .75) / 1)^2 = 10.25
    np.testing.assert_allclose(loss, (304 + 10.25) / 2, rtol=1e-5)
    np.testing.assert_allclose(
        [metrics["bpp"], metrics["mse_255"], metrics["beta"]], [0.625, 4, 200], rtol=1e-5
    )


STATE = {
    "parameter_bpp": [0.33, 0.71, 1.45],
    "beta": [55_000.0, 900.0, 1_500.0],
    "shift_bpp": [0.11, 0.07, 0.02],
}


@pytest.mark.parametrize("balance", [0.0, 1.0, 0.5])
def test_the_loss_and_its_metrics_in_float64(balance):
    """J = D + beta ((R_param - R) / R_param)^2 of five images of three targets, on pictures that
    are not square.
    """
    rng = np.random.default_rng(0)
    image, reconstruction = rng.uniform(size=(2, 5, 4, 6, 3))
    bits, which = rng.uniform(5, 60, 5), np.array([2, 0, 1, 1, 2])
    parameter, beta, shift = (
        np.array(STATE[name])[which] for name in ("parameter_bpp", "beta", "shift_bpp")
    )
    mse = [np.mean((255 * image[i] - 255 * reconstruction[i]) ** 2) for i in range(5)]
    bpp = bits / 24
    each = np.array(mse) + beta * ((parameter - bpp) / parameter) ** 2
    weight = (beta / np.mean(STATE["beta"])) ** -balance

    three = objective(targets_bpp=(0.25, 0.5, 1.5), beta=(1.0, 1.0, 1.0), balance=balance)
    state = three.init()._replace(**{name: jnp.array(values) for name, values in STATE.items()})
    arrays = [jnp.asarray(array, jnp.float32) for array in (image, reconstruction, bits, which / 2)]
    loss, metrics = loss_of(three, *arrays, state)
    np.testing.assert_allclose(loss, np.mean(weight * each), rtol=1e-5)
    expected = {
        "loss": np.mean(weight * each), "bpp": np.mean(bpp), "mse_255": np.mean(mse),
        "psnr_db": np.mean([10 * np.log10(255**2 / value) for value in mse]),
        "parameter_bpp": np.mean(parameter), "beta": np.mean(beta), "shift_bpp": np.mean(shift),
    }  # fmt: skip
    assert set(metrics) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(metrics[name], value, rtol=1e-5, err_msg=name)


def test_the_gradients_of_distortion_and_rate_in_float64():
    rng = np.random.default_rng(1)
    image, reconstruction = rng.uniform(size=(2, 2, 4, 6, 3))
    bits, parameter, beta = np.array([9.0, 40.0]), np.array([0.4, 1.2]), np.array([300.0, 50.0])
    state = (
        objective().init()._replace(parameter_bpp=jnp.asarray(parameter), beta=jnp.asarray(beta))
    )

    def loss(reconstruction, bits):
        return loss_of(objective(), jnp.asarray(image), reconstruction, bits, QUALITY, state)[0]

    of_image, of_bits = jax.grad(loss, argnums=(0, 1))(
        jnp.asarray(reconstruction), jnp.asarray(bits)
    )
    # Of two images, each a mean over 4 x 6 x 3 samples.
    np.testing.assert_allclose(
        of_image, 2 * 255**2 * (reconstruction - image) / 72 / 2, rtol=1e-3, atol=1e-3
    )
    bpp = bits / 24
    np.testing.assert_allclose(
        of_bits, -2 * beta * (parameter - bpp) / parameter**2 / 24 / 2, rtol=1e-4
    )


def test_balance_lets_every_target_weigh_the_same():
    loss, _ = loss_of(
        objective(balance=1.0), IMAGE, RECONSTRUCTION, BITS, QUALITY, objective().init()
    )
    np.testing.assert_allclose(loss, (304 * 200 / 300 + 10.25 * 200 / 100) / 2, rtol=1e-5)


def test_no_gradient_flows_through_the_state():
    def loss(bits, state):
        return loss_of(objective(), IMAGE, RECONSTRUCTION, bits, QUALITY, state)[0]

    state = objective().init()
    of_bits, of_state = jax.grad(loss, argnums=(0, 1), allow_int=True)(BITS, state)
    for field in ("parameter_bpp", "shift_bpp", "beta", "target_bpp", "squared_deviation"):
        np.testing.assert_array_equal(getattr(of_state, field), 0)
    # d/dR beta ((p - R) / p)^2 = -2 beta (p - R) / p^2, over 64 pixels and 2 images
    np.testing.assert_allclose(
        of_bits, [2 * 300 * 0.25 / 0.0625 / 128, -2 * 100 * 0.25 / 128], rtol=1e-5
    )


def test_update_measures_the_shift_of_each_target():
    state, metrics = update(objective(), BITS, BITS - jnp.array([6.4, 19.2]), objective().init())
    np.testing.assert_allclose(state.shift_bpp, [0.1, 0.3], rtol=1e-5)
    np.testing.assert_allclose(state.parameter_bpp, [0.35, 1.3], rtol=1e-5)
    np.testing.assert_allclose(metrics["quantised_bpp"], (0.4 + 0.45) / 2, rtol=1e-5)


def test_hits_are_images_within_15_percent_of_their_targets():
    quantised = jnp.array([0.25 * 1.149, 1.151]) * 64
    _, metrics = update(objective(), BITS, quantised, objective().init())
    assert metrics["hits"] == 0.5
    quantised = jnp.array([0.25 * 0.851, 0.851]) * 64
    _, metrics = update(objective(), BITS, quantised, objective().init())
    assert metrics["hits"] == 1


def test_validation_measures_against_the_targets_themselves():
    fixed = objective(strategy="fixed", parameter_bpp=(3.0, 3.0))
    metrics = validate(fixed, jnp.array([0.25 * 1.14, 1.16]) * 64, fixed.init())
    np.testing.assert_allclose(metrics["hits"], 0.5)
    np.testing.assert_allclose(metrics["squared_deviation"], (0.14**2 + 0.16**2) / 2, rtol=1e-4)
    np.testing.assert_allclose(metrics["loss"], 4 + (300 * 0.14**2 + 100 * 0.16**2) / 2, rtol=1e-4)
    np.testing.assert_allclose(metrics["bpp"], (0.285 + 1.16) / 2, rtol=1e-5)
    np.testing.assert_allclose(
        [metrics["mse_255"], metrics["psnr_db"]], [4, 10 * np.log10(255**2 / 4)], rtol=1e-5
    )


def test_validation_takes_the_beta_of_the_state_and_not_that_of_the_start():
    state = (
        objective()
        .init()
        ._replace(beta=jnp.array([7.0, 11.0]), parameter_bpp=jnp.array([2.0, 3.0]))
    )
    metrics = validate(objective(), BITS, state)
    # ((.5 - .25) / .25)^2 = 1 and ((.75 - 1) / 1)^2 = 1/16
    np.testing.assert_allclose(metrics["loss"], 4 + (7 * 1 + 11 / 16) / 2, rtol=1e-5)


def test_a_batch_sees_every_target_alike():
    four = objective(targets_bpp=(0.1, 0.2, 0.4, 0.8), beta=(1.0,) * 4)
    for seed in range(5):
        quality = four.draw_quality(jax.random.key(seed), 8)
        np.testing.assert_allclose(np.unique(quality), [0, 1 / 3, 2 / 3, 1], rtol=1e-6)
        np.testing.assert_array_equal(np.bincount(four.which(quality), minlength=4), 2)
    first = [int(four.which(four.draw_quality(jax.random.key(seed), 1))[0]) for seed in range(40)]
    assert set(first) == {0, 1, 2, 3}


@pytest.mark.parametrize("count", [2, 3, 5, 23, 30, 47])
def test_every_target_is_found_by_its_quality(count):
    """k / (n - 1) times n - 1 is not k in float32, for some."""
    many = objective(targets_bpp=(0.5,) * count, beta=(1.0,) * count)
    quality = np.arange(count, dtype=np.float32) / np.float32(count - 1)
    np.testing.assert_array_equal(many.which(jnp.asarray(quality)), np.arange(count))


def test_one_target_is_quality_zero():
    one = TargetRate((0.25,), controller.create((0.25,), beta=(1.0,)))
    np.testing.assert_array_equal(one.draw_quality(jax.random.key(0), 3), np.zeros(3))
    np.testing.assert_array_equal(one.which(jnp.zeros(3)), np.zeros(3))


def test_the_settings_of_a_config_reach_the_controller():
    settings = {
        "strategy": "general",
        "smoothing": "printed",
        "alpha": 0.7,
        "tolerance": 0.03,
        "beta_rate": 0.01,
        "balance": 0.25,
        "decay": {"steps": 12, "base": 9.0, "limit_bpp": 2.5, "below_bpp": 0.75},
    }
    made = objective(**settings)
    expected = controller.create(
        (0.25, 1.0), strategy="general", beta=(300.0, 100.0), smoothing="printed", alpha=0.7,
        decay=controller.TargetDecay(12, 9.0, 2.5, 0.75), tolerance=0.03, beta_rate=0.01,
    )  # fmt: skip
    assert made == TargetRate((0.25, 1.0), expected, 0.25)
    assert objective(strategy="fixed", parameter_bpp=[0.41, 1.2]).controller.parameter_bpp == (
        0.41,
        1.2,
    )


def test_the_distortion_is_the_one_that_is_given():
    made = create({"distortion": "ssim"}, SETTINGS)
    image = jnp.asarray(np.random.default_rng(0).uniform(size=(2, 16, 16, 3)), jnp.float32)
    blurred = 0.5 * (image + jnp.roll(image, 1, axis=1))
    bits = jnp.array([0.5, 0.75]) * 256
    loss, metrics = loss_of(made, image, blurred, bits, QUALITY, made.init())
    similarity = np.asarray(ssim.ssim(image, blurred))
    # 300 ((.25 - .5) / .25)^2 and 100 ((1 - .75) / 1)^2
    np.testing.assert_allclose(loss, np.mean(1 - similarity + [300, 6.25]), rtol=1e-5)
    np.testing.assert_allclose(metrics["ssim"], np.mean(similarity), rtol=1e-5)
