"""What a run computes."""

import jax
import numpy as np
import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import mean_scale_model
from jaxcodec.training import run_steps, sharding


def test_a_model_has_8_bit_networks_where_the_config_asks(config):
    config.model = mean_scale_model(4, 6)
    assert not run_steps.build_model(config).fake_quantised
    config.fake_quantised = True
    assert run_steps.build_model(config).fake_quantised


def test_a_model_whose_sizes_fit_is_taken_and_another_refused(config):
    run_steps.check_model(config)
    config.model.gains.channels += 1
    with pytest.raises(TrainingError, match="the model of the config cannot be built .*; mend"):
        run_steps.check_model(config)


def test_a_model_that_makes_another_size_is_refused(config):
    config.model.synthesis.strides = (4, 2)
    with pytest.raises(TrainingError, match=r"makes \(1, 16, 16, 3\) of \(1, 32, 32, 3\)"):
        run_steps.check_model(config)


def test_the_first_state_follows_from_the_seed_and_lies_on_the_whole_mesh(config):
    mesh = sharding.data_mesh()
    state, again = (run_steps.first_state(config, mesh, fresh=fresh) for fresh in (True, False))
    assert int(state.step) == 0 and set(state.players) == {"codec"}
    jax.tree.map(np.testing.assert_array_equal, state.codec.params, again.codec.params)
    leaves = jax.tree.leaves(state)
    assert all(leaf.sharding.is_fully_replicated for leaf in leaves)
    assert all(leaf.sharding.device_set == set(mesh.devices.flat) for leaf in leaves)
    config.seed += 1
    other = run_steps.first_state(config, mesh, fresh=True)
    kernels = [
        each.codec.params["params"]["analysis"]["Conv_0"]["kernel"] for each in (state, other)
    ]
    assert not np.array_equal(*kernels)
