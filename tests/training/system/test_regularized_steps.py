"""Real steps with the regularizer: under every surrogate and objective, and what one player is
spared of the other.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxcodec import models
from jaxcodec.entropy import source as source_models
from jaxcodec.models.presets import factorized_model
from jaxcodec.objectives import CODEC, RateDistortion, TargetRate, controller
from jaxcodec.objectives.regularizer import SOURCE, Regularized
from jaxcodec.training import state as train_state
from jaxcodec.training.train_step import make_train_step

ONE, RANGE = RateDistortion(0.01, 0.01), RateDistortion(0.002, 0.1, balance=0.5)
TARGETS = TargetRate((0.5, 1.0), controller.create((0.5, 1.0), beta=(1.0, 4.0)), balance=1.0)


@pytest.fixture(scope="module")
def crops(photo):
    return np.stack([photo[:32, 32 * column : 32 * (column + 1)] for column in range(2)])


def make(objective, points=1, surrogate="noise", clips=(1.0, 1.0), **settings):
    """State and step of a small codec; the codec's clip and that of the source model."""
    description = factorized_model(4, 6, kernels=(5, 5), strides=(4, 4))
    description["gains"] |= {"points": points, "first": 4.0, "last": 16.0}
    model = models.build(description)
    source = source_models.KINDS["hyper"](features=4, points=points, fold=2)
    settings = {"alpha": 0.05} | settings
    objective = Regularized(objective, source=source, clip=clips[1], **settings)
    transform = optax.chain(optax.clip_by_global_norm(clips[0]), optax.sgd(1e-3))
    state = train_state.create(model, objective, transform, 32, seed=0)
    step = make_train_step(
        model, objective, transform, surrogate=surrogate, seed=0, average_decay=0.9
    )
    return state, jax.jit(step)


def assert_same(player, other):
    jax.tree.map(np.testing.assert_array_equal, player, other)


def differ(player, other):
    same = jax.tree.map(np.array_equal, player.params, other.params)
    return not all(jax.tree.leaves(same))


@pytest.mark.parametrize(
    ("objective", "points", "surrogate"),
    [(ONE, 1, "round"), (RANGE, 4, "noise"), (RANGE, 4, "mixed"), (TARGETS, 2, "mixed")],
    ids=["one-round", "range-noise", "range-mixed", "targets-mixed"],
)
def test_both_players_move_and_the_source_model_is_the_same_at_any_alpha(
    objective, points, surrogate, crops
):
    after = {}
    for alpha in (1e-9, 0.5):
        state, step = make(objective, points, surrogate, alpha=alpha)
        after[alpha], metrics = step(state, crops)
        assert metrics["finite"] == 1
        assert metrics["regularizer_bpp"] == pytest.approx(alpha * float(metrics["source_bpp"]))
        for name in (CODEC, SOURCE):
            assert differ(after[alpha].players[name], state.players[name])
    small, large = after.values()
    assert_same(small.players[SOURCE], large.players[SOURCE])
    assert differ(small.codec, large.codec)
    assert_same(small.carry, large.carry)


@pytest.mark.parametrize("spoilt", [CODEC, SOURCE])
def test_a_step_of_which_one_player_is_not_finite_changes_neither(spoilt, crops):
    state, step = make(ONE)
    state, _ = step(state, crops)
    player = state.players[spoilt]
    broken = player.replace(params=jax.tree.map(lambda leaf: leaf * jnp.nan, player.params))
    state = state.replace(players=dict(state.players) | {spoilt: broken})
    after, metrics = step(state, crops)
    assert metrics["finite"] == 0
    assert_same(after, state)


def test_each_clip_sees_the_gradient_of_its_player_alone(crops):
    ones = {}
    for clips in ((0.1, 0.1), (0.1, 1e9), (1e9, 0.1)):
        state, step = make(ONE, clips=clips)
        ones[clips], metrics = step(state, crops)
        assert metrics["gradient_norm"] > 0.1 and metrics["source_gradient_norm"] > 0.1
    both, codec, source = ones.values()
    assert_same(both.codec, codec.codec)
    assert_same(both.players[SOURCE], source.players[SOURCE])
    assert differ(both.codec, source.codec)
    # Adam divides by the size of what it is given, but for its epsilon, and keeps the square.
    assert jax.tree.leaves(both.players[SOURCE].optimiser)
    squares = [optax.tree.norm(each.players[SOURCE].optimiser) for each in (both, codec)]
    assert squares[0] < squares[1]
