"""What a run computes."""

import jax
import numpy as np
import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import mean_scale_model
from jaxcodec.training import optimisers, run_steps, sharding


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


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_weights_of_a_learned_distortion_are_an_argument_of_the_step(
    alpha, config, lpips_folder, monkeypatch
):
    """And not constants, which XLA may fold."""
    monkeypatch.setenv("JAXCODEC_LPIPS", str(lpips_folder))
    config.objective.distortion, config.regularizer.alpha = "lpips_squeeze", alpha
    config.data.crop, mesh = 64, sharding.data_mesh()
    steps = run_steps.make(config, mesh)
    state = run_steps.first_state(config, mesh, fresh=False)
    crops = np.zeros((2, 64, 64, 3), np.uint8)
    params = {name: player.params for name, player in state.players.items()}
    for step, given in (
        (steps.train, (state, crops, optimisers.decay(config))),
        (steps.validate, (params, crops, np.zeros(2, np.float32), state.carry)),
    ):
        (weights,) = step.args
        assert sum(leaf.size for leaf in jax.tree.leaves(weights)) > 500_000
        traced = step.func.trace(weights, *given)
        constants = [np.size(value) for value in traced.jaxpr.consts]
        assert sum(constants) < 1_000
        assert {"loss", "lpips_squeeze"} <= traced.out_info[step is steps.train].keys()
