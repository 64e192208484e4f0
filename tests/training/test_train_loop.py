"""Whole runs on one device: what they leave behind, and that an interruption at any step changes
nothing.
"""

import json
import os
import pathlib
import shutil
import signal
import struct

import jax
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

from jaxcodec.errors import DataError, TrainingError
from jaxcodec.training import run_steps, train_loop
from jaxcodec.training.checkpoints import Checkpoints, restore_exported
from jaxcodec.training.lock import locked
from jaxcodec.training.reporting import Reporter


def event_scalars(workdir):
    """{(tag, step): value} of the TensorBoard event files of a run, and the tags of its
    pictures.
    """
    scalars, pictures = {}, set()
    for path in sorted((workdir / "tensorboard").iterdir()):
        data, position = path.read_bytes(), 0
        while position < len(data):
            (length,) = struct.unpack_from("<Q", data, position)
            event = Event.FromString(data[position + 12 : position + 12 + length])
            position += length + 16
            for value in event.summary.value:
                if value.HasField("image"):
                    pictures.add(value.tag)
                else:
                    scalars[value.tag, event.step] = value.simple_value
    return scalars, pictures


def test_a_run_leaves_metrics_of_every_step(uninterrupted, read_metrics):
    rows = read_metrics(uninterrupted)
    assert [row["step"] for row in rows if row["part"] == "train"] == list(range(1, 13))
    assert [row["step"] for row in rows if row["part"] == "validation/quality_0.5"] == [6, 12]
    for row in rows:
        assert all(np.isfinite(row[name]) for name in ("loss", "bpp", "mse_255", "psnr_db"))
        assert row["loss"] == pytest.approx(0.01 * row["mse_255"] + row["bpp"], rel=1e-4)
    train = [row["loss"] for row in rows if row["part"] == "train"]
    assert np.mean(train[-3:]) < np.mean(train[:3])


def test_a_run_leaves_event_files_and_pictures(uninterrupted, read_metrics):
    scalars, pictures = event_scalars(uninterrupted)
    for row in read_metrics(uninterrupted):
        for name in ("loss", "bpp", "psnr_db"):
            assert scalars[f"{row['part']}/{name}", row["step"]] == pytest.approx(
                row[name], rel=1e-6
            )
    assert pictures == {"validation"}
    with Image.open(uninterrupted / "pictures" / "validation_0000012.png") as picture:
        assert picture.size == (2 * 32, 2 * 32)  # two held-out images; original and reconstruction


def test_a_finished_run_has_nothing_left_to_do(uninterrupted, config, read_metrics):
    before = read_metrics(uninterrupted)
    assert train_loop.train(config, uninterrupted)
    assert read_metrics(uninterrupted) == before


@pytest.mark.long
def test_sigterm_at_several_steps_changes_nothing(
    uninterrupted, config, tmp_path, interrupt, assert_same_run, read_metrics
):
    handler = signal.getsignal(signal.SIGTERM)
    for step in (
        1,
        6,
        8,
    ):  # the first step; a step with validation; a step with a checkpoint of its own
        interrupt(step)
        assert not train_loop.train(config, tmp_path)
        assert restore_exported(tmp_path, averaged=True)[0] == step
        assert read_metrics(tmp_path)[-1]["step"] == step
    assert signal.getsignal(signal.SIGTERM) is handler
    assert train_loop.train(config, tmp_path)
    assert_same_run(tmp_path, uninterrupted)


@pytest.mark.long
def test_sigkill_at_several_steps_changes_nothing(
    uninterrupted, config, images, tmp_path, runs, assert_same_run, read_metrics
):
    for event, step in (("report", 3), ("save", 4), ("report", 10)):
        process = runs.start("tests/training/killed_run.py", tmp_path, images, event, step)
        status, output = runs.finish(process)
        assert status == -signal.SIGKILL, output
    assert read_metrics(tmp_path)[-1]["step"] == 10
    assert restore_exported(tmp_path, averaged=True)[0] in (
        4,
        8,
    )  # the kill may come before Orbax has finished writing
    assert train_loop.train(config, tmp_path)
    assert_same_run(tmp_path, uninterrupted)


@pytest.mark.long
def test_means_over_a_window_survive_an_interruption(
    config, tmp_path, monkeypatch, assert_same_run, read_metrics
):
    config.log_every, config.checkpoint_every, config.validate_every = 5, 3, 100
    assert train_loop.train(config, tmp_path / "whole")

    original = Checkpoints.save

    def save(self, step, *arguments):
        original(self, step, *arguments)
        if step == 6:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Checkpoints, "save", save)
    assert not train_loop.train(config, tmp_path / "parts")
    monkeypatch.undo()
    assert train_loop.train(config, tmp_path / "parts")
    assert [row["step"] for row in read_metrics(tmp_path / "whole") if row["part"] == "train"] == [
        5,
        10,
        12,
    ]
    assert_same_run(tmp_path / "parts", tmp_path / "whole")


@pytest.mark.long
def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(
    uninterrupted, config, tmp_path, interrupt, saved_state, assert_same_run
):
    interrupt(4)
    assert not train_loop.train(config, tmp_path)
    good = saved_state(tmp_path)
    rate, config.optimiser.learning_rate = config.optimiser.learning_rate, 1e30
    config.log_every, config.checkpoint_every = 100, 6
    with pytest.raises(TrainingError, match=r"loss of step [56] is not finite .*learning_rate"):
        train_loop.train(config, tmp_path)
    jax.tree.map(np.testing.assert_array_equal, saved_state(tmp_path), good)

    config.optimiser.learning_rate, config.log_every, config.checkpoint_every = rate, 1, 4
    assert train_loop.train(config, tmp_path)
    assert_same_run(tmp_path, uninterrupted)


def test_a_run_without_held_out_images_does_not_validate(config, tmp_path, read_metrics):
    config.data.validation_images = 0
    assert train_loop.train(config, tmp_path)
    assert {row["part"] for row in read_metrics(tmp_path)} == {"train"}
    assert not (tmp_path / "pictures").exists()


def test_settings_and_folders_that_cannot_work_leave_no_workdir(config, tmp_path):
    workdir = tmp_path / "run"
    config.data.folders = str(tmp_path / "absent")
    with pytest.raises(DataError, match="absent is not a folder"):
        train_loop.train(config, workdir)
    config.data.folders = ""
    with pytest.raises(TrainingError, match="config.data.folders is empty"):
        train_loop.train(config, workdir)
    assert not workdir.exists()


def test_a_workdir_of_another_model_is_refused(uninterrupted, config):
    config.model.analysis.features = (5, 6)
    with pytest.raises(
        TrainingError,
        match=r"holds a run with other settings \(config.model.analysis.features: \[4, 6\] before, \[5, 6\] now\)",  # noqa: E501
    ):
        train_loop.train(config, pathlib.Path(uninterrupted))


def test_a_run_does_not_go_on_with_other_images(uninterrupted, images, config, tmp_path):
    workdir, fewer = tmp_path / "run", tmp_path / "images"
    shutil.copytree(uninterrupted, workdir)
    shutil.copytree(images, fewer)
    config.data.folders = str(fewer)
    config.steps = 14
    min(path for path in fewer.iterdir() if path.suffix == ".png").unlink()
    with pytest.raises(TrainingError, match="not those that this run has seen"):
        train_loop.train(config, workdir)


def test_ctrl_c_saves_and_is_passed_on(
    uninterrupted, config, tmp_path, monkeypatch, assert_same_run
):
    original = Reporter.scalars

    def scalars(self, step, part, values):
        original(self, step, part, values)
        if step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Reporter, "scalars", scalars)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_loop.train(config, tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler
    assert restore_exported(tmp_path, averaged=True)[0] == 5
    monkeypatch.undo()
    assert train_loop.train(config, tmp_path)
    assert_same_run(tmp_path, uninterrupted)


def test_a_signal_during_compilation_leaves_a_folder_that_binds_nobody(
    config, tmp_path, monkeypatch
):
    original = run_steps.make_train_step

    def make(*arguments, **named):
        step = original(*arguments, **named)

        def traced(*inputs):
            os.kill(os.getpid(), signal.SIGTERM)
            return step(*inputs)

        return traced

    monkeypatch.setattr(run_steps, "make_train_step", make)
    assert not train_loop.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_a_run_that_fails_at_once_does_not_block_its_folder(config, tmp_path):
    rate, config.optimiser.learning_rate, config.batch_size = (
        config.optimiser.learning_rate,
        1e30,
        4,
    )
    with pytest.raises(TrainingError, match="is not finite"):
        train_loop.train(config, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["batch_size"] == 4
    config.optimiser.learning_rate, config.batch_size, config.steps = rate, 8, 1
    assert train_loop.train(config, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["batch_size"] == 8


def test_a_refused_run_changes_nothing(uninterrupted, config, tmp_path):
    workdir = shutil.copytree(uninterrupted, tmp_path / "run")
    before = {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()}
    config.steps, config.surrogate = 99, "mixed"
    with pytest.raises(TrainingError, match="config.surrogate: noise before, mixed now"):
        train_loop.train(config, workdir)
    config.surrogate, config.data.min_scale = "noise", 0.5
    (tmp_path / "empty").mkdir()
    config.data.folders = str(tmp_path / "empty")
    with pytest.raises(DataError, match="no readable"):
        train_loop.train(config, workdir)
    assert {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()} == before


def test_a_damaged_checkpoint_is_made_again_from_the_one_before(
    uninterrupted, config, tmp_path, caplog, assert_same_run
):
    workdir = shutil.copytree(uninterrupted, tmp_path / "run")
    damaged = workdir / "checkpoints" / "12" / "state"
    for path in damaged.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert train_loop.train(config, workdir)
    assert "the checkpoint of step 12 in" in caplog.text and "is damaged" in caplog.text
    assert "resumed from step 8" in caplog.text or restore_exported(workdir, averaged=True)[0] == 12
    assert (workdir / "damaged_checkpoints" / "12").exists()
    assert_same_run(workdir, uninterrupted)


def test_an_image_that_vanishes_costs_no_step(images, config, tmp_path, monkeypatch):
    folder = shutil.copytree(images, tmp_path / "images")
    config.data.folders, config.data.cache_gib, config.checkpoint_every = str(folder), 0.0, 100
    original = Reporter.scalars

    def scalars(self, step, part, values):
        original(self, step, part, values)
        if step == 3:
            for path in folder.iterdir():
                path.unlink()

    monkeypatch.setattr(Reporter, "scalars", scalars)
    with pytest.raises(DataError, match="was found when the folder was opened"):
        train_loop.train(config, tmp_path / "run")
    assert restore_exported(tmp_path / "run", averaged=True)[0] >= 3


def test_a_model_whose_sizes_do_not_fit_is_one_sentence(config, tmp_path):
    config.model.synthesis.features = (4, 4)
    with pytest.raises(
        TrainingError, match=r"makes \(1, 32, 32, 4\) of \(1, 32, 32, 3\); mend config.model"
    ):
        train_loop.train(config, tmp_path / "run")
    config.model.synthesis.features = (4, -3)
    with pytest.raises(
        TrainingError, match="the model of the config cannot be built .*; mend config.model"
    ):
        train_loop.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["gs://bucket/run", "s3://bucket/run"])
def test_an_address_is_no_work_folder(config, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (name, pathlib.Path(name)):
        with pytest.raises(TrainingError, match="is an address, not a folder of this machine"):
            train_loop.train(config, path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def own_programs(tmp_path):
    """A folder for compiled programs that no other process of the tests writes to."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "programs"))
    compilation_cache.reset_cache()
    yield tmp_path / "programs"
    jax.config.update("jax_compilation_cache_dir", before)
    compilation_cache.reset_cache()


@pytest.mark.long
@pytest.mark.skipif(jax.__version_info__ < (0, 6), reason="an older JAX keeps no compiled programs")
def test_another_length_shares_the_compiled_step(config, tmp_path, own_programs):
    def programs():
        return {path.name for path in own_programs.rglob("*train_step*")}

    config.steps = 1
    assert train_loop.train(config, tmp_path / "short")
    before = programs()
    assert before
    config.steps = 2
    assert train_loop.train(config, tmp_path / "long")
    assert programs() == before


def test_a_folder_in_use_is_refused(config, tmp_path):
    with (
        locked(tmp_path),
        pytest.raises(TrainingError, match=f"in use by another run .process {os.getpid()} on "),
    ):
        train_loop.train(config, tmp_path)


@pytest.mark.long
def test_a_run_under_another_distortion(config, tmp_path, read_metrics):
    config.objective.first = config.objective.last = 20.0
    config.objective.distortion = "ms_ssim"
    config.steps, config.batch_size = 2, 2
    with pytest.raises(TrainingError, match=r"config.data.crop is 32; MS-SSIM.* needs 161 pixels"):
        train_loop.train(config, tmp_path)
    config.data.crop = 176
    assert train_loop.train(config, tmp_path)
    for row in read_metrics(tmp_path):
        assert row["loss"] == pytest.approx(20 * (1 - row["ms_ssim"]) + row["bpp"], rel=1e-4)
        assert np.isfinite(row["psnr_db"])
