"""The state at the start."""

import jax
import numpy as np
import optax
import pytest
import toy_critic

from jaxcodec import models
from jaxcodec.models.presets import factorized_model
from jaxcodec.objectives import RateDistortion
from jaxcodec.training import state as train_state

MODEL = models.build(factorized_model(4, 6, kernels=(5, 5), strides=(4, 4)))
CRITICISED = toy_critic.CriticisedRate(0.01, 1.0)


@pytest.fixture(scope="module")
def state():
    return train_state.create(MODEL, CRITICISED, optax.adam(1e-3), 32, seed=1)


def test_every_player_has_parameters_an_average_and_an_optimiser(state):
    assert set(state.players) == {"codec", "critic"} and state.codec is state.players["codec"]
    for player in state.players.values():
        jax.tree.map(np.testing.assert_array_equal, player.params, player.average)
    assert int(state.step) == 0 and state.carry == ()
    # Adam of the codec has moments; the critic has gradient descent of its own.
    assert jax.tree.leaves(state.codec.optimiser) and not jax.tree.leaves(
        state.players["critic"].optimiser
    )
    assert train_state.optimisers_of(CRITICISED, "the config's")["codec"] == "the config's"


def test_no_two_arrays_share_a_buffer(state):
    """The step is given the state's memory to write to."""
    leaves = jax.tree.leaves(state)
    assert len({leaf.unsafe_buffer_pointer() for leaf in leaves}) == len(leaves)


def test_further_players_leave_the_codec_as_it_is(state):
    alone = train_state.create(MODEL, RateDistortion(1.0, 1.0), optax.adam(1e-3), 32, seed=1)
    jax.tree.map(np.testing.assert_array_equal, alone.codec, state.codec)


def test_another_seed_starts_every_player_elsewhere(state):
    other = train_state.create(MODEL, CRITICISED, optax.adam(1e-3), 32, seed=2)
    for name, player in state.players.items():
        first, second = (jax.tree.leaves(each.params) for each in (player, other.players[name]))
        assert any(not np.array_equal(one, two) for one, two in zip(first, second, strict=True)), (
            name
        )
