"""Checkpoints of tiny trees: what comes back, what is kept, and what damage does."""

import contextlib
import pathlib
import resource
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.training import checkpoints, sealing
from jaxcodec.training.state import Player, TrainState


@pytest.fixture(scope="module")
def state():
    tree = {"params": {"kernel": jnp.arange(6000.0).reshape(20, 300)}}
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(lambda step: 1e-3)).init(
        tree
    )
    codec = Player(tree, jax.tree.map(lambda leaf: leaf + 1, tree), optimiser)
    return TrainState(jnp.int32(5), {"codec": codec})


def with_params(state, params):
    """The state with other parameters of the codec."""
    return state.replace(players={"codec": state.codec.replace(params=params)})


def zeros(state):
    return jax.tree.map(jnp.zeros_like, state)


@pytest.fixture(scope="module")
def saved(state, tmp_path_factory):
    """Workdir with checkpoints of steps 6 and 7, of three that were saved; the parameters of 6 are
    twice those of 7.
    """
    workdir = tmp_path_factory.mktemp("saved")
    with checkpoints.Checkpoints(workdir, keep=2) as manager:
        assert manager.latest_step() is None
        for step in (5, 6, 7):
            doubled = jax.tree.map(lambda leaf: 2 * leaf, state.codec.params)
            scaled = state if step == 7 else with_params(state, doubled)
            manager.save(step, scaled, {"input": {"next_index": 3}, "step": step})
    return workdir


@pytest.fixture
def workdir(saved, tmp_path):
    """A copy of `saved` to damage."""
    return shutil.copytree(saved, tmp_path / "run")


def files(workdir, step, part):
    """The files of a part of a checkpoint, the largest first."""
    found = [
        path for path in (workdir / "checkpoints" / str(step) / part).rglob("*") if path.is_file()
    ]
    return sorted(found, key=lambda path: -path.stat().st_size)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)


DAMAGES = {
    "flipped": lambda workdir: flip(files(workdir, 7, "state")[0]),
    "truncated": lambda workdir: files(workdir, 7, "state")[0].write_bytes(b"half"),
    "missing": lambda workdir: files(workdir, 7, "state")[0].unlink(),
    "empty": lambda workdir: [path.write_bytes(b"") for path in files(workdir, 7, "state")],
    "host": lambda workdir: (workdir / "checkpoints" / "7" / "host" / "metadata").write_text(
        '{"in'
    ),
}


def test_the_newest_are_kept_and_come_back(saved, state):
    with checkpoints.Checkpoints(saved) as manager:
        assert manager.latest_step() == 7
        restored, kept = manager.restore(zeros(state))
    jax.tree.map(np.testing.assert_array_equal, restored, state)
    assert kept == {"input": {"next_index": 3}, "step": 7}
    assert sorted(
        path.name for path in (saved / "checkpoints").iterdir() if path.name.isdigit()
    ) == ["6", "7"]
    for averaged, expected in ((True, state.codec.average), (False, state.codec.params)):
        step, params = checkpoints.restore_exported(saved, averaged=averaged)
        assert step == 7
        jax.tree.map(np.testing.assert_array_equal, params, expected)
        assert isinstance(params["params"]["kernel"], np.ndarray)


@pytest.mark.parametrize("damage", DAMAGES)
def test_of_a_damaged_checkpoint_the_one_before_is_taken_with_a_word(
    workdir, state, damage, caplog
):
    DAMAGES[damage](workdir)
    step, params = checkpoints.restore_exported(workdir, averaged=False)
    assert step == 6
    doubled = 2 * state.codec.params["params"]["kernel"]
    np.testing.assert_array_equal(params["params"]["kernel"], doubled)
    assert "the checkpoint of step 7 in" in caplog.text and "is damaged" in caplog.text
    caplog.clear()
    with checkpoints.Checkpoints(workdir) as manager:
        restored, host = manager.restore(zeros(state))
        assert host["step"] == 6
        np.testing.assert_array_equal(restored.codec.params["params"]["kernel"], doubled)
        assert "is damaged" in caplog.text
        assert (workdir / "checkpoints" / "7").exists()  # nothing is moved before the run begins
        manager.set_aside_damaged()
        assert manager.latest_step() == 6
        manager.save(7, state, {"step": 7})
    assert [path.name for path in (workdir / "damaged_checkpoints").iterdir()] == ["7"]
    assert checkpoints.restore_exported(workdir, averaged=False)[0] == 7


@pytest.mark.parametrize("damage", ["truncated", "host"])
def test_damage_shows_without_a_seal_too(workdir, state, damage):
    (workdir / "checkpoints" / "7" / sealing.SEAL_FILE).unlink()
    DAMAGES[damage](workdir)
    with checkpoints.Checkpoints(workdir) as manager:
        assert manager.restore(zeros(state))[1]["step"] == 6


def test_where_all_are_damaged_that_is_said(workdir, state):
    for step in (6, 7):
        flip(files(workdir, step, "state")[0])
    with (
        checkpoints.Checkpoints(workdir) as manager,
        pytest.raises(TrainingError, match=r"every .* damaged \(steps 6, 7\)"),
    ):
        manager.restore(zeros(state))
    with pytest.raises(TrainingError, match="every checkpoint in .* is damaged"):
        checkpoints.restore_exported(workdir, averaged=True)


def test_a_checkpoint_of_another_model_is_told_as_that(saved, state):
    others = {
        r"params/params/kernel is \(20, 300\) there and \(3, 3\) here": {
            "params": {"kernel": jnp.zeros((3, 3))}
        },
        r"params/params/bias is missing there and \(3,\) here": {
            "params": state.codec.params["params"] | {"bias": jnp.zeros(3)}
        },
    }
    for message, params in others.items():
        with (
            checkpoints.Checkpoints(saved) as manager,
            pytest.raises(
                TrainingError,
                match="checkpoint of step 7 .* does not fit the model of the config: " + message,
            ),
        ):
            manager.restore(with_params(state, params))


def test_a_workdir_without_checkpoints_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="holds no checkpoints"):
        checkpoints.restore_exported(tmp_path, averaged=True)
    with (
        checkpoints.Checkpoints(tmp_path),
        pytest.raises(TrainingError, match="no finished checkpoint"),
    ):
        checkpoints.restore_exported(tmp_path, averaged=True)
    assert not (tmp_path / "checkpoints").exists()


def test_a_full_disk_is_one_sentence_and_keeps_what_is_finished(workdir, state):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    manager = checkpoints.Checkpoints(workdir)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (2000, before[1])
    )  # writing beyond fails, as on a full disk
    try:
        with pytest.raises(
            TrainingError, match="cannot write a checkpoint to .*checkpoints: .*; make room"
        ):
            manager.save(8, state, {})
            manager.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with contextlib.suppress(TrainingError):  # the same once more, perhaps
        manager.close()
    with checkpoints.Checkpoints(workdir) as manager:
        assert manager.restore(zeros(state))[1]["step"] == 7


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "checkpoints").touch()
    with pytest.raises(TrainingError, match="cannot write a checkpoint to"):
        checkpoints.Checkpoints(pathlib.Path(tmp_path))
