"""Devices and processes: how batches are divided, and what cannot be joined."""

import numpy as np
import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.training import sharding


def test_batches_are_divided_and_states_repeated_over_the_mesh():
    mesh = sharding.data_mesh()
    sharding.check_batch(8 * mesh.size, mesh)
    local = np.arange(8 * mesh.size * 3, dtype=np.uint8).reshape(-1, 3)
    batch = sharding.put_batch(local, mesh)
    assert batch.sharding == sharding.divided(mesh)
    np.testing.assert_array_equal(batch, local)
    tree = sharding.put_replicated({"a": local, "b": np.float32(2)}, mesh)
    assert all(leaf.sharding.is_fully_replicated for leaf in tree.values())
    np.testing.assert_array_equal(tree["a"], local)


def test_a_batch_that_devices_cannot_share_is_an_error():
    mesh = sharding.data_mesh()
    mesh_of_two = type("Mesh", (), {"size": 2})  # only the number of devices matters
    sharding.check_batch(3 * mesh.size, mesh)
    with pytest.raises(TrainingError, match="batch_size is 3, which 2 devices cannot share"):
        sharding.check_batch(3, mesh_of_two)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"processes": 2}, "without --coordinator"),
        ({"process": 0}, "without --coordinator"),
        ({"cluster": False, "processes": 2}, "without --coordinator"),
        ({"coordinator": "localhost"}, "'localhost' is not HOST:PORT"),
        ({"coordinator": ""}, "'' is not HOST:PORT"),
        ({"coordinator": "localhost:http"}, "is not HOST:PORT"),
        ({"coordinator": "localhost:70000"}, "is not HOST:PORT"),
        ({"coordinator": "localhost:1234"}, "needs --processes=N and --process=I"),
        ({"coordinator": "localhost:1234", "processes": 2}, "needs --processes=N and --process=I"),
        (
            {"coordinator": "localhost:1234", "processes": 2, "process": 2},
            "process 2 of 2 cannot be",
        ),
        (
            {"coordinator": "localhost:1234", "processes": 2, "process": -1},
            "process -1 of 2 cannot be",
        ),
        (
            {"coordinator": "localhost:1234", "processes": 0, "process": 0},
            "process 0 of 0 cannot be",
        ),
        (
            {"coordinator": "no.such.host.invalid:1234", "processes": 2, "process": 1},
            "is not known here",
        ),
    ],
)
def test_processes_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(TrainingError, match=message):
        sharding.initialise_distributed(**arguments)


def test_a_single_process_joins_nothing(monkeypatch):
    monkeypatch.setattr("jax.distributed.initialize", lambda *_: pytest.fail("joined"))
    sharding.initialise_distributed(cluster=False)


def test_what_jax_does_not_find_is_one_sentence(monkeypatch):
    def fail(*_):
        raise ValueError("coordinator_address should be\n defined.")

    monkeypatch.setattr("jax.config.update", lambda *_: None)
    monkeypatch.setattr("jax.distributed.initialize", fail)
    with pytest.raises(
        TrainingError,
        match=r"cannot join .* \(coordinator_address should be defined.\); this is no cluster",
    ):
        sharding.initialise_distributed(cluster=True)
