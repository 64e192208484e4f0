"""One step of training and of validation, on a model of one matrix."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import norm

from jaxcodec import models, objectives
from jaxcodec.entropy.output import Output
from jaxcodec.objectives import Phase, RateDistortion
from jaxcodec.training import state as train_state
from jaxcodec.training.train_step import make_train_step, make_validation_step

OBJECTIVE = RateDistortion(0.01, 0.01)


class OneMatrix(nn.Module):
    """A reconstruction by one matrix over the colours, at a rate that grows with its noisy
    entries.
    """

    @nn.compact
    def __call__(self, image, quality, key, kind="noise"):
        matrix = self.param("matrix", nn.initializers.normal(0.1), (3, 3))
        noise = jax.random.uniform(key, image.shape) - 0.5 if kind == "noise" else 0.0
        bits = jnp.sum(jnp.square(image @ matrix + 0.01 * noise), axis=(1, 2, 3)) * (1 + quality)
        return Output(image @ matrix, bits, jnp.zeros_like(bits))


def make(rate=1e-2, seed=0, average_decay=0.999):
    model, transform = OneMatrix(), optax.adam(rate)
    state = train_state.create(model, OBJECTIVE, transform, 8, seed)
    step = make_train_step(
        model, OBJECTIVE, transform, surrogate="noise", seed=seed, average_decay=average_decay
    )
    return state, jax.jit(step)


def matrix_of(params):
    return np.asarray(params["params"]["matrix"])


def with_codec(state, **fields):
    """The state with other fields of the codec's player."""
    return state.replace(players={"codec": state.codec.replace(**fields)})


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)


def test_steps_lower_the_loss_and_count(images):
    state, step = make()
    losses = []
    for _ in range(50):
        state, metrics = step(state, images)
        losses.append(float(metrics["loss"]))
        assert metrics["finite"] == 1
    assert int(state.step) == 50
    assert losses[-1] < 0.8 * losses[0]


def test_a_step_is_a_function_of_state_and_batch(images):
    state, step = make()
    once, again = step(state, images), step(state, images)
    jax.tree.map(np.testing.assert_array_equal, once, again)
    _, later = step(
        state.replace(step=state.step + 1), images
    )  # another step has other noise and qualities
    assert later["bpp"] != once[1]["bpp"]


def test_seeds_give_other_starts_and_other_noise(images):
    (first, step), (other, other_step) = make(seed=0), make(seed=1)
    assert not np.array_equal(matrix_of(first.codec.params), matrix_of(other.codec.params))
    assert step(first, images)[1]["bpp"] != other_step(first, images)[1]["bpp"]


def test_the_average_follows_the_parameters(images):
    state, step = make(average_decay=0.5)
    before = matrix_of(state.codec.average)
    after, _ = step(state, images)
    decay = min(0.5, 1 / 10)  # short at the first step
    expected = decay * before + (1 - decay) * matrix_of(after.codec.params)
    np.testing.assert_allclose(matrix_of(after.codec.average), expected, rtol=1e-5)


def test_the_average_grows_longer_with_the_steps(images):
    state, step = make(average_decay=0.999)
    state = state.replace(step=jnp.int32(30))
    before = matrix_of(state.codec.average) + 1
    state = with_codec(state, average=jax.tree.map(lambda leaf: leaf + 1, state.codec.average))
    after, _ = step(state, images)
    expected = 31 / 40 * before + 9 / 40 * matrix_of(after.codec.params)
    np.testing.assert_allclose(matrix_of(after.codec.average), expected, rtol=1e-5)


def test_a_step_that_is_not_finite_changes_nothing(images):
    state, step = make()
    state, _ = step(state, images)
    spoilt = with_codec(
        state, params=jax.tree.map(lambda leaf: leaf.at[0, 0].set(jnp.nan), state.codec.params)
    )
    after, metrics = step(spoilt, images)
    assert metrics["finite"] == 0
    jax.tree.map(np.testing.assert_array_equal, after, spoilt)


def test_validation_sees_real_rounding_and_gives_pixels(images):
    state, _ = make()
    identity = {"codec": jax.tree.map(lambda leaf: jnp.eye(3), state.codec.params)}
    validate = jax.jit(make_validation_step(OneMatrix(), OBJECTIVE))
    metrics, reconstruction = validate(identity, images, jnp.full(4, 0.5), ())
    np.testing.assert_array_equal(reconstruction, images)
    assert metrics["mse_255"] == pytest.approx(0, abs=1e-6)
    assert metrics["bpp"] == pytest.approx(1.5 * 3 * np.mean((images / 255.0) ** 2), rel=1e-4)
    again, _ = validate(identity, images, jnp.full(4, 0.5), ())
    assert again["bpp"] == metrics["bpp"]


class Recorder:
    """An objective whose metrics are what it is given."""

    networks = {}
    init = OBJECTIVE.init
    draw_quality = OBJECTIVE.draw_quality

    @property
    def phases(self):
        return (Phase(("codec",), self.loss),)

    def loss(self, params, forward, key, carry):
        loss = jnp.mean(forward.reconstruction)
        return loss, {
            "loss": loss,
            "image": jnp.mean(forward.image),
            "random": jax.random.uniform(key),
        }


@pytest.mark.long
def test_a_loss_sees_the_whole_forward_pass(images):
    model, transform = models.build(SMALL["mean_scale"]), optax.sgd(0.0)

    class OfAModel(Recorder):
        def loss(self, params, forward, key, carry):
            seen = {name: getattr(forward, name) for name in forward._fields}
            return jnp.mean(forward.reconstruction), {"loss": jnp.mean(forward.bits)} | seen

    state = train_state.create(model, OfAModel(), transform, 8, 0)
    _, metrics = make_train_step(
        model, OfAModel(), transform, surrogate="round", seed=0, average_decay=0.9
    )(state, images)
    params = state.codec.params
    np.testing.assert_array_equal(metrics["image"], images.astype(np.float32) / 255)
    latent = model.apply(params, metrics["image"], metrics["quality"], method="to_latent")
    np.testing.assert_allclose(metrics["latent"], latent, rtol=1e-4, atol=1e-5)
    synthesised = model.apply(
        params, metrics["latent_hat"], metrics["quality"], method="synthesise"
    )
    np.testing.assert_allclose(metrics["reconstruction"], synthesised, rtol=1e-4, atol=1e-5)
    assert np.abs(metrics["latent_hat"] - latent).max() <= 0.5 + 1e-5
    assert (metrics["side_bits"] > 0).all() and (metrics["bits"] > metrics["side_bits"]).all()


def test_the_randomness_of_a_loss_is_its_own_at_every_step(images):
    model, transform = OneMatrix(), optax.sgd(0.0)
    state = train_state.create(model, Recorder(), transform, 8, 0)
    step = make_train_step(
        model, Recorder(), transform, surrogate="noise", seed=0, average_decay=0.9
    )
    drawn = [
        float(step(state.replace(step=jnp.int32(number)), images)[1]["random"])
        for number in (0, 1, 1)
    ]
    assert drawn[0] != drawn[1] == drawn[2]


def test_an_objective_is_given_the_image_and_then_the_reconstruction(images):
    model, transform = OneMatrix(), optax.sgd(0.0)
    state = train_state.create(model, Recorder(), transform, 8, 0)
    _, metrics = make_train_step(
        model, Recorder(), transform, surrogate="noise", seed=0, average_decay=0.9
    )(state, images)
    assert metrics["image"] == pytest.approx(np.mean(images) / 255, rel=1e-5)
    assert metrics["loss"] != pytest.approx(np.mean(images) / 255, rel=1e-3)


@pytest.mark.parametrize("gain", [0.9, 1.5])
def test_validation_rounds_and_clips_its_pixels(images, gain):
    params = {"codec": jax.tree.map(lambda leaf: gain * jnp.eye(3), make()[0].codec.params)}
    metrics, reconstruction = make_validation_step(OneMatrix(), OBJECTIVE)(
        params, images, jnp.zeros(4), ()
    )
    expected = np.clip(np.round(gain * images.astype(np.float64)), 0, 255)
    away = np.abs(gain * images.astype(np.float64) % 1 - 0.5) > 1e-3  # of ties
    np.testing.assert_array_equal(np.asarray(reconstruction)[away], expected[away])
    assert metrics["mse_255"] == pytest.approx(
        np.mean((np.asarray(reconstruction, np.float64) - images) ** 2), rel=1e-4
    )


# ---------------------------------------------------------------- what a target rate is told


NETWORKS = {
    "gains": {"channels": 3},
    "analysis": {"kind": "conv_analysis", "features": (3,), "kernels": (5,), "strides": (4,)},
    "synthesis": {"kind": "conv_synthesis", "features": (3,), "kernels": (5,), "strides": (4,)},
}
HYPER_NETWORKS = {
    "hyper_channels": 2,
    "hyper_analysis": {"kind": "conv_analysis", "features": (2,), "kernels": (3,), "strides": (2,)},
    "hyper_synthesis": {
        "kind": "conv_synthesis",
        "features": (6,),
        "kernels": (3,),
        "strides": (2,),
    },
}
SMALL = {
    "factorized": {"entropy": "factorized"} | NETWORKS,
    "mean_scale": {"entropy": "mean_scale"} | NETWORKS | HYPER_NETWORKS,
}
TARGET_RATE = {
    "targets_bpp": (0.5,),
    "beta": (100.0,),
    "strategy": "adaptive",
    "parameter_bpp": (),
    "smoothing": "none",
    "alpha": 0.9,
    "decay": {"steps": 0},
    "tolerance": 0.0,
    "beta_rate": 0.0,
    "balance": 0.0,
}


def factorized_bits(params, values):
    """Bits (B,) of integers (B, h, w, C) under the density of Balle et al. 2018, appendix 6.1, in
    float64.
    """

    def logits(v):
        units = v[..., None, None]
        for k in range(4):
            units = np.log1p(np.exp(params[f"matrix_{k}"])) @ units + params[f"bias_{k}"][..., None]
            if k < 3:
                units = units + np.tanh(params[f"factor_{k}"])[..., None] * np.tanh(units)
        return units[..., 0, 0]

    upper, lower = (
        1 / (1 + np.exp(logits(0 * values) - logits(values + half))) for half in (0.5, -0.5)
    )
    return -np.log2(np.maximum(upper - lower, 1e-9)).sum(axis=(1, 2, 3))


def rounded_bits(model, params, images, quality):
    """Bits (B,) of latents that NumPy rounds, from the networks' floats and the formulas of the
    densities.
    """
    latent = np.asarray(model.apply(params, images, quality, method="to_latent"), np.float64)
    prior = {
        name: np.asarray(value, np.float64) for name, value in params["params"]["prior"].items()
    }
    if not hasattr(model, "hyper_analysis"):
        return factorized_bits(prior, np.round(latent))
    hyper = np.round(
        np.asarray(
            model.apply(params, jnp.asarray(latent, jnp.float32), quality, method="to_hyper_latent")
        )
    )
    given = params, jnp.asarray(hyper), quality
    (mean,), scale = (model.apply(*given, method=name) for name in ("centre", "scale"))
    mean, scale = np.asarray(mean, np.float64), np.asarray(scale, np.float64)
    residual, scale = np.round(latent - mean), np.maximum(scale, 0.11)
    mass = norm.cdf((0.5 - abs(residual)) / scale) - norm.cdf((-0.5 - abs(residual)) / scale)
    bits = -np.log2(np.maximum(mass, 1e-9)).sum(axis=(1, 2, 3))
    return bits + factorized_bits(prior, hyper.astype(np.float64))


@pytest.mark.parametrize("name", SMALL)
def test_the_shift_is_that_of_independently_rounded_bits(name):
    """The rate of a step under noise less that of latents that NumPy rounds; the next parameter is
    the target and that.
    """
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), np.uint8)
    model, transform = models.build(SMALL[name]), optax.sgd(1e-3)
    objective = objectives.create({}, TARGET_RATE)
    state = train_state.create(model, objective, transform, 16, 0)
    narrow = jax.tree_util.tree_map_with_path(_narrowed, state.codec.params)
    state = with_codec(state, params=narrow)
    step = make_train_step(
        model, objective, transform, surrogate="noise", seed=0, average_decay=0.9
    )
    after, metrics = jax.jit(step)(state, images)
    bits = rounded_bits(model, narrow, images.astype(np.float32) / 255, np.zeros(3, np.float32))
    bpp = np.mean(bits) / (16 * 24)
    np.testing.assert_allclose(metrics["quantised_bpp"], bpp, rtol=1e-3)
    shift = float(metrics["bpp"]) - bpp
    assert abs(shift) > 0.05 * bpp
    np.testing.assert_allclose(after.carry.shift_bpp, [shift], rtol=0.01)
    np.testing.assert_allclose(after.carry.parameter_bpp, [0.5 + shift], rtol=1e-3)


def _narrowed(path, leaf):
    """Densities so narrow that noise costs more than rounding."""
    return leaf + 1.5 if "matrix" in path[-1].key else leaf


def test_validation_is_under_the_carry_that_it_is_given(images):
    objective = objectives.create({}, TARGET_RATE)
    validate = jax.jit(make_validation_step(OneMatrix(), objective))
    params = {"codec": make()[0].codec.params}
    first, second = (
        validate(params, images, jnp.zeros(4), objective.init()._replace(beta=jnp.array([beta])))[0]
        for beta in (1.0, 50.0)
    )
    np.testing.assert_allclose(
        second["loss"] - first["loss"], 49 * first["squared_deviation"], rtol=1e-4
    )
