"""The parts of training that need no model: schedule and optimisers, settings, reports, checkpoints, devices."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import data
from jaxcodec.errors import TrainingError
from jaxcodec.training import checkpoints, optimisers, reporting, sharding, validation
from jaxcodec.training.state import TrainState


def test_the_rate_warms_up_stays_and_decays_to_zero(config):
    config.steps, config.optimiser.learning_rate = 100, 1.0
    config.optimiser.warmup, config.optimiser.decay = 10, 0.2
    schedule = optimisers.schedule(config)
    rates = np.array([schedule(step) for step in range(101)])
    assert 0 < rates[0] <= 0.1 + 1e-6
    assert (np.diff(rates[:10]) > 0).all()
    np.testing.assert_allclose(rates[10:80], 1.0)
    np.testing.assert_allclose(rates[[80, 90, 100]], [1.0, 0.5, 0.0], atol=1e-6)

    config.steps = 1000  # a longer run has the same start
    np.testing.assert_allclose([optimisers.schedule(config)(step) for step in range(80)], rates[:80])


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_an_optimiser_lowers_a_quadratic(config, kind):
    config.steps, config.optimiser.kind, config.optimiser.learning_rate = 100, kind, 0.1
    transform = optimisers.create(config)
    params = {"params": {"kernel": jnp.ones((1, 1, 4, 4)), "bias": jnp.ones(4)}}

    @jax.jit
    def step(params, state):
        gradients = jax.grad(lambda tree: sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)))(params)
        updates, state = transform.update(gradients, state, params)
        return jax.tree.map(jnp.add, params, updates), state

    state = transform.init(params)
    for _ in range(50):
        params, state = step(params, state)
    assert max(float(jnp.abs(leaf).mean()) for leaf in jax.tree.leaves(params)) < 0.5


def test_an_unknown_optimiser_is_an_error(config):
    config.optimiser.kind = "sgd"
    with pytest.raises(TrainingError, match="'sgd' is unknown"):
        optimisers.create(config)


def test_a_resumed_report_drops_what_came_after_the_checkpoint(tmp_path):
    reporter = reporting.Reporter(tmp_path, 0, 10)
    for step in range(1, 6):
        reporter.scalars(step, "train", {"loss": 1.0 / step})
    reporter.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "pa')  # a kill in the middle of a line
    resumed = reporting.Reporter(tmp_path, 3, 10)
    resumed.scalars(4, "train", {"loss": 0.5})
    resumed.close()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert (rows[2]["loss"], rows[3]["loss"]) == (1 / 3, 0.5)


@pytest.fixture
def state():
    tree = {"params": {"kernel": jnp.arange(6.0).reshape(2, 3)}}
    return TrainState(jnp.int32(5), tree, jax.tree.map(lambda leaf: leaf + 1, tree), {"count": jnp.int32(7)})


def test_checkpoints_restore_what_was_saved_and_keep_the_newest(state, tmp_path):
    host = {"input": {"next_index": 3}, "window": [{"loss": 0.1}]}
    manager = checkpoints.Checkpoints(tmp_path, keep=2)
    assert manager.latest_step() is None
    for step in (5, 6, 7):
        manager.save(step, state, host | {"step": step})
    manager.close()

    manager = checkpoints.Checkpoints(tmp_path, keep=2)
    assert manager.latest_step() == 7
    restored, kept = manager.restore(jax.tree.map(jnp.zeros_like, state))
    manager.close()
    jax.tree.map(np.testing.assert_array_equal, restored, state)
    assert kept == host | {"step": 7}
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir() if path.name.isdigit()) == ["6", "7"]

    for averaged, expected in ((True, state.average), (False, state.params)):
        step, params = checkpoints.restore_exported(tmp_path, averaged=averaged)
        assert step == 7
        jax.tree.map(np.testing.assert_array_equal, params, expected)
        assert isinstance(params["params"]["kernel"], np.ndarray)


def test_a_checkpoint_of_another_model_is_an_error(state, tmp_path):
    manager = checkpoints.Checkpoints(tmp_path)
    manager.save(1, state, {})
    manager.close()
    other = state.replace(params={"params": {"kernel": jnp.zeros((3, 3))}})
    manager = checkpoints.Checkpoints(tmp_path)
    with pytest.raises(TrainingError, match="checkpoint of step 1 .* does not fit the model"):
        manager.restore(other)
    manager.close()


def test_a_workdir_without_checkpoints_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="holds no checkpoints"):
        checkpoints.restore_exported(tmp_path, averaged=True)
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(TrainingError, match="no finished checkpoint"):
        checkpoints.restore_exported(tmp_path, averaged=True)


def test_batches_are_divided_and_states_repeated_over_the_mesh():
    mesh = sharding.data_mesh()
    sharding.check_batch(8 * mesh.size, mesh)
    local = np.arange(8 * mesh.size * 3, dtype=np.uint8).reshape(-1, 3)
    batch = sharding.put_batch(local, mesh)
    assert batch.sharding == sharding.divided(mesh)
    np.testing.assert_array_equal(batch, local)
    tree = sharding.put_replicated({"a": local, "b": np.float32(2)}, mesh)
    assert all(leaf.sharding.is_fully_replicated for leaf in jax.tree.leaves(tree))
    np.testing.assert_array_equal(tree["a"], local)


def test_a_batch_that_devices_cannot_share_is_an_error():
    mesh = sharding.data_mesh()
    mesh_of_two = type("Mesh", (), {"size": 2})  # only the number of devices matters
    sharding.check_batch(3 * mesh.size, mesh)
    with pytest.raises(TrainingError, match="batch_size is 3, which 2 devices cannot share"):
        sharding.check_batch(3, mesh_of_two)


def test_validation_averages_over_all_held_out_crops(images):
    folder = data.open_folder(images, validation_images=3)
    crops = np.tile(data.validation_crops(folder, 16, 3), (4, 1, 1, 1))  # 12, more than one batch of 8
    crops[-1] = 255

    def validate(params, pixels, quality, carry):
        return {"level": params * jnp.mean(pixels.astype(jnp.float32)) + quality[0] + carry}, pixels

    metrics, first = validation.run(validate, 2.0, 7.0, crops, 0.25, sharding.data_mesh())
    assert metrics == {"level": pytest.approx(2 * crops.mean() + 7.25, rel=1e-5)}
    np.testing.assert_array_equal(first, crops[:8])
