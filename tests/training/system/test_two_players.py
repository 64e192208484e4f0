"""A second player (`toy_critic`) trains beside the codec, in the same step and run."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import toy_critic

from jaxcodec import models, objectives
from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import factorized_model
from jaxcodec.training import state as train_state
from jaxcodec.training.train_step import make_train_step

MODEL = models.build(factorized_model(4, 6, kernels=(5, 5), strides=(4, 4)))
RATE = 1e-4


def step_of(objective, codec_rate=RATE):
    """A fresh state, and the step of an objective; the codec goes down its gradient."""
    transform = optax.sgd(codec_rate)
    state = train_state.create(MODEL, objective, transform, 32, seed=3)
    step = make_train_step(
        MODEL, objective, transform, surrogate="round", seed=3, average_decay=0.9
    )
    return state, jax.jit(step)


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(5).integers(0, 256, (4, 32, 32, 3), np.uint8)


def changed(before, after):
    """Names of the players whose parameters differ."""
    return {
        name
        for name in before.players
        if any(
            not np.array_equal(old, new)
            for old, new in zip(
                jax.tree.leaves(before.players[name].params),
                jax.tree.leaves(after.players[name].params),
                strict=True,
            )
        )
    }


def assert_moved(before, after, gradients, rate):
    """Fails unless parameters went down these gradients, up to the rounding of the largest."""
    largest = max(float(np.abs(gradient).max()) for gradient in jax.tree.leaves(gradients))
    for old, new, gradient in zip(*map(jax.tree.leaves, (before, after, gradients)), strict=True):
        moved = np.asarray(new, np.float64) - old
        wanted = -rate * np.asarray(gradient)
        np.testing.assert_allclose(moved, wanted, rtol=0.02, atol=1e-4 * rate * largest + 1e-7)


def test_each_player_moves_by_its_own_phase_alone(crops):
    for codec_rate, critic_rate, moved in ((RATE, 0.0, {"codec"}), (0.0, 1e-2, {"critic"})):
        state, step = step_of(toy_critic.CriticisedRate(0.01, 50.0, critic_rate), codec_rate)
        assert changed(state, step(state, crops)[0]) == moved


@pytest.mark.long
def test_both_go_down_the_gradients_of_their_losses(crops):
    """The codec sees the critic before the step, and the critic the codec before the step, both as
    constants.
    """
    objective = toy_critic.CriticisedRate(0.01, 50.0, 1e-2)
    state, step = step_of(objective)
    after, metrics = step(state, crops)
    image = crops.astype(np.float32) / 255
    quality = jnp.zeros(4)  # the model has one
    critic = toy_critic.Critic()

    def miss(params, reconstruction):
        guess = critic.apply(params, reconstruction)
        return jnp.mean(jnp.square(guess - image.mean(axis=(1, 2))))

    def run(params):
        return MODEL.apply(params, image, quality, jax.random.key(0), kind="round")

    def codec_loss(params):
        output = run(params)
        squared = jnp.mean(jnp.square(255 * (output.image - image)))
        bpp = jnp.mean(output.bits) / 32**2
        return 0.01 * squared + bpp + 50.0 * miss(state.players["critic"].params, output.image)

    loss, gradients = jax.value_and_grad(codec_loss)(state.codec.params)
    assert metrics["loss"] == pytest.approx(float(loss), rel=1e-4)
    assert_moved(state.codec.params, after.codec.params, gradients, RATE)

    before = state.players["critic"]
    loss, gradients = jax.value_and_grad(miss)(before.params, run(state.codec.params).image)
    assert metrics["critic_loss"] == pytest.approx(float(loss), rel=1e-4)
    assert metrics["critic_gradient_norm"] == pytest.approx(
        float(optax.tree.norm(gradients)), rel=1e-3
    )
    assert_moved(before.params, after.players["critic"].params, gradients, 1e-2)


@pytest.mark.long
def test_a_critic_without_weight_leaves_the_codec_as_it_is_without(crops):
    (with_critic, step), (alone, step_alone) = (
        step_of(objective)
        for objective in (
            toy_critic.CriticisedRate(0.01, 0.0),
            objectives.RateDistortion(0.01, 0.01),
        )
    )
    jax.tree.map(np.testing.assert_array_equal, with_critic.codec, alone.codec)
    for leaf, expected in zip(
        jax.tree.leaves(step(with_critic, crops)[0].codec),
        jax.tree.leaves(step_alone(alone, crops)[0].codec),
        strict=True,
    ):
        np.testing.assert_allclose(leaf, expected, rtol=1e-5, atol=1e-7)


def test_a_second_player_that_is_not_finite_changes_nothing(crops):
    state, step = step_of(toy_critic.CriticisedRate(0.01, 0.0))
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, state.players["critic"].params)
    critic = state.players["critic"].replace(params=broken)
    spoilt = state.replace(players=state.players | {"critic": critic})
    after, metrics = step(spoilt, crops)
    assert metrics["finite"] == 0
    jax.tree.map(np.testing.assert_array_equal, after, spoilt)


class Misfit(toy_critic.CriticisedRate):
    """Begins with the critic."""

    @property
    def phases(self):
        """In the other order."""
        return super().phases[::-1]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Misfit, r"phases of \[\('critic',\), \('codec',\)\] .* it alone, must be of 'codec'"),
        (type("Alone", (toy_critic.CriticisedRate,), {"networks": {}}), "brings the networks"),
    ],
)
def test_phases_that_do_not_fit_are_told(kind, message):
    settings = {"kind": kind, "trade_off": 0.01, "weight": 1.0}
    with pytest.raises(TrainingError, match=message):
        objectives.create(settings, {"targets_bpp": ()})
