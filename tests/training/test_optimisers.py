"""Schedules and optimisers, and that the length of a run does not change its compiled step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.training import optimisers


def rates(config, steps):
    return np.array([optimisers.schedule(config, optimisers.decay(config))(step) for step in steps])


def test_the_rate_warms_up_stays_and_decays_to_zero(config):
    config.steps, config.optimiser.learning_rate = 100, 1.0
    config.optimiser.warmup, config.optimiser.decay = 10, 0.2
    planned = rates(config, range(103))
    np.testing.assert_allclose(planned[:10], np.linspace(0.1, 1, 10, endpoint=False), rtol=1e-6)
    np.testing.assert_allclose(planned[10:80], 1.0)
    np.testing.assert_allclose(planned[[80, 90, 100, 102]], [1.0, 0.5, 0.0, 0.0], atol=1e-6)

    config.steps = 1000  # a longer run has the same start
    np.testing.assert_allclose(rates(config, range(80)), planned[:80])


def test_a_run_shorter_than_its_warm_up_does_not_fall_before_it(config):
    (
        config.steps,
        config.optimiser.warmup,
        config.optimiser.decay,
        config.optimiser.learning_rate,
    ) = 5, 10, 0.0, 1.0
    np.testing.assert_allclose(rates(config, range(5)), [0.1, 0.19, 0.28, 0.37, 0.46], rtol=1e-5)


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_an_optimiser_lowers_a_quadratic(config, kind):
    config.steps, config.optimiser.kind, config.optimiser.learning_rate = 100, kind, 0.1
    transform = optimisers.create(config)
    params = {"params": {"kernel": jnp.ones((1, 1, 4, 4)), "bias": jnp.ones(4)}}

    @jax.jit
    def step(params, state):
        gradients = jax.grad(lambda tree: sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)))(
            params
        )
        updates, state = transform.update(
            gradients, state, params, falling=optimisers.decay(config)
        )
        return jax.tree.map(jnp.add, params, updates), state

    state = transform.init(params)
    for _ in range(50):
        params, state = step(params, state)
    assert max(float(jnp.abs(leaf).mean()) for leaf in jax.tree.leaves(params)) < 0.5


def test_another_length_is_the_same_program_with_other_rates(config):
    params = {"params": {"kernel": jnp.ones((1, 1, 2, 2))}}
    programs, updates = set(), []
    for steps in (100, 200):
        config.steps = steps
        transform = optimisers.create(config)
        state = jax.tree.map(
            lambda leaf: jnp.full_like(leaf, 95) if leaf.dtype == jnp.int32 else leaf,
            transform.init(params),
        )
        update = jax.jit(
            lambda falling, transform=transform, state=state: transform.update(
                params, state, params, falling=falling
            )
        )
        programs.add(update.lower(optimisers.decay(config)).as_text())
        updates.append(float(update(optimisers.decay(config))[0]["params"]["kernel"][0, 0, 0, 0]))
    assert len(programs) == 1
    assert updates[0] == pytest.approx(updates[1] * 5 / 30, rel=1e-4)


def test_an_unknown_optimiser_is_an_error(config):
    config.optimiser.kind = "sgd"
    with pytest.raises(TrainingError, match="'sgd' is unknown"):
        optimisers.create(config).init({})
