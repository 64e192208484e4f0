"""Training towards a rate: what a run carries survives interruptions and devices, and the start
from another run.
"""

import os
import pathlib
import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import models
from jaxcodec.errors import RateError, TrainingError
from jaxcodec.models.presets import patch_model
from jaxcodec.training import start, train_loop
from jaxcodec.training.checkpoints import restore_exported

SETTINGS = "tests/training/tiny_target.py"
CARRIED = ("parameter_bpp", "shift_bpp", "beta", "quantised_bpp")


def target_config(images):
    settings = pathlib.Path(__file__).parents[1] / "tiny_target.py"
    config = runpy.run_path(str(settings))["get_config"]()
    config.data.folders = str(images)
    return config


@pytest.fixture
def config(images):
    return target_config(images)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, images) -> pathlib.Path:
    """Workdir of the run on one device, finished without interruption."""
    workdir = tmp_path_factory.mktemp("target")
    assert train_loop.train(target_config(images), workdir)
    return workdir


def test_a_run_tells_what_its_controller_does(finished, read_metrics, saved_state):
    rows = read_metrics(finished)
    train = [row for row in rows if row["part"] == "train"]
    # .4 * 50 is cut to the limit of 3 at the start; half of the images have the target of 1.5
    assert train[0]["parameter_bpp"] == pytest.approx((3.0 + 1.5) / 2)
    assert train[0]["shift_bpp"] == 0
    for before, row in zip(train, train[1:], strict=False):
        assert row["shift_bpp"] == pytest.approx(before["bpp"] - before["quantised_bpp"], abs=1e-4)
    assert all(0 <= row["hits"] <= 1 for row in train)
    assert train[-1]["beta"] != train[0]["beta"]
    validation = [row for row in rows if row["part"].startswith("validation")]
    assert {row["part"] for row in validation} == {"validation/quality_0", "validation/quality_1"}
    assert all({"hits", "squared_deviation"} <= set(row) for row in validation)
    assert int(saved_state(finished)["carry"]["step"]) == 12


def test_validation_takes_the_beta_that_was_adapted(finished, read_metrics, saved_state):
    """J = D + beta ((r - R) / r)^2 under the beta of the step, not that of the start (300 and
    200).
    """
    carry = saved_state(finished)["carry"]
    rows = [
        row
        for row in read_metrics(finished)
        if row["part"].startswith("validation") and row["step"] == 12
    ]
    assert len(rows) == 2
    for number, (row, first) in enumerate(zip(rows, (300, 200), strict=True)):
        beta = carry["beta"][number]
        assert abs(beta / first - 1) > 0.01
        assert row["loss"] == pytest.approx(
            row["mse_255"] + beta * row["squared_deviation"], rel=1e-4
        )


@pytest.mark.long
def test_interruptions_change_nothing(finished, config, tmp_path, interrupt, assert_same_run):
    for step in (3, 7):
        interrupt(step)
        assert not train_loop.train(config, tmp_path)
    assert train_loop.train(config, tmp_path)
    assert_same_run(tmp_path, finished)


@pytest.mark.long
def test_eight_devices_carry_what_one_carries(finished, images, tmp_path, runs, read_metrics):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=8"
    arguments = [f"--config={SETTINGS}", f"--workdir={tmp_path}", f"--config.data.folders={images}"]
    status, output = runs.finish(runs.start("train.py", *arguments, XLA_FLAGS=flags))
    assert status == 0, output
    for row, expected in zip(read_metrics(tmp_path), read_metrics(finished), strict=True):
        for name in CARRIED if row["part"] == "train" else ("bpp",):
            assert row[name] == pytest.approx(expected[name], rel=1e-3, abs=1e-4), (
                row["step"],
                name,
            )


def test_a_run_begins_with_the_weights_of_another(finished, config, tmp_path, saved_state):
    config.start.workdir = str(finished)
    config.steps, config.average_decay = 1, 0.999
    config.optimiser.learning_rate = 1e-9
    assert train_loop.train(config, tmp_path)
    _, before = restore_exported(finished, averaged=True)
    for old, new in zip(
        jax.tree.leaves(before), jax.tree.leaves(saved_state(tmp_path)["params"]), strict=True
    ):
        np.testing.assert_allclose(new, old, atol=1e-7)


def test_a_run_of_another_model_is_no_start(finished, config):
    config.start.workdir = str(finished)
    other = models.build(
        patch_model(12, width=4, blocks=1, hyper=4, points=1, first_gain=1.0, last_gain=1.0)
    )
    image = jnp.zeros((1, 64, 64, 3))
    template = jax.eval_shape(other.init, jax.random.key(0), image, jnp.zeros(1), jax.random.key(0))
    with pytest.raises(TrainingError, match="another model"):
        start.params_of(config.start, template)


def test_targets_that_cannot_be_leave_no_workdir(config, tmp_path):
    config.target_rate.beta = (1.0,)
    with pytest.raises(RateError, match="beta"):
        train_loop.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
