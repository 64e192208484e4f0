"""The same seed and global batch give the same losses on one device, on eight, and in two
processes; and train.py.
"""

import json
import os
import signal
import socket
import time

import numpy as np
import pytest

CONFIG = "--config=tests/training/tiny_config.py"
TOLERANCE = 1e-4
"""Relative; float32 sums over the batch come in another order, and twelve steps let the difference
grow.
"""


def train_losses(rows, steps):
    """Losses of the first training steps, which must be there without a gap."""
    rows = [row for row in rows if row["part"] == "train"][:steps]
    assert [row["step"] for row in rows] == list(range(1, steps + 1))
    return np.array([row["loss"] for row in rows])


def wait_for_step(read_metrics, workdir, step, processes, timeout_s=240):
    """Returns once the metrics of a run reach a step; fails if its processes end first."""
    deadline = time.monotonic() + timeout_s
    reached = 0
    while reached < step:
        for process in processes:
            assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.2)
        if (workdir / "metrics.jsonl").exists():
            reached = max((row["step"] for row in read_metrics(workdir)), default=0)


@pytest.mark.long
def test_eight_devices_give_the_losses_of_one(uninterrupted, images, tmp_path, runs, read_metrics):
    arguments = [CONFIG, f"--workdir={tmp_path}", f"--config.data.folders={images}"]
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=8"
    process = runs.start("train.py", *arguments, XLA_FLAGS=flags)
    status, output = runs.finish(process)
    assert status == 0, output
    assert "8 devices in 1 processes" in output
    rows, reference = read_metrics(tmp_path), read_metrics(uninterrupted)
    np.testing.assert_allclose(train_losses(rows, 12), train_losses(reference, 12), rtol=TOLERANCE)
    for row, expected in zip(rows, reference, strict=True):
        assert (row["step"], row["part"]) == (expected["step"], expected["part"])
        assert row["bpp"] == pytest.approx(expected["bpp"], rel=TOLERANCE)


@pytest.mark.long
def test_two_processes_give_the_losses_of_one_and_stop_together(
    uninterrupted, images, tmp_path, runs, read_metrics
):
    arguments = [
        CONFIG,
        f"--workdir={tmp_path}",
        f"--config.data.folders={images}",
        "--config.steps=1000000",
        "--config.validate_every=1000000",
        "--config.checkpoint_every=1000000",
        "--processes=2",
    ]

    def run_until(step):
        """Runs both processes, sends one of them a SIGTERM after a step, and returns the step of
        the checkpoint.
        """
        with socket.socket() as listener:
            listener.bind(("localhost", 0))
            coordinator = f"--coordinator=localhost:{listener.getsockname()[1]}"
        pair = [
            runs.start("train.py", *arguments, coordinator, f"--process={index}")
            for index in range(2)
        ]
        wait_for_step(read_metrics, tmp_path, step, pair)
        pair[1].send_signal(signal.SIGTERM)
        for process in pair:
            status, output = runs.finish(process)
            assert status == 143, output
            assert "2 devices in 2 processes" in output
        return max(
            int(path.name) for path in (tmp_path / "checkpoints").iterdir() if path.name.isdigit()
        )

    stopped = run_until(8)
    # The rate is constant over the first eight steps, whatever the length of the run.
    expected = train_losses(read_metrics(uninterrupted), 8)
    np.testing.assert_allclose(train_losses(read_metrics(tmp_path), 8), expected, rtol=TOLERANCE)
    assert read_metrics(tmp_path)[-1]["step"] == stopped

    resumed = run_until(stopped + 2)
    train_losses(read_metrics(tmp_path), resumed)


@pytest.mark.long
def test_train_py_takes_overrides(images, tmp_path, runs, read_metrics):
    overrides = [
        "--config.log_every=5",
        "--config.validation_qualities=(0.0,1.0)",
        f"--config.data.folders={images}",
    ]
    status, output = runs.finish(
        runs.start("train.py", CONFIG, f"--workdir={tmp_path}", *overrides)
    )
    assert status == 0, output
    assert [row["step"] for row in read_metrics(tmp_path) if row["part"] == "train"] == [5, 10, 12]
    assert {row["part"] for row in read_metrics(tmp_path)} == {
        "train", "validation/quality_0", "validation/quality_1",
    }  # fmt: skip
    settings = json.loads((tmp_path / "config.json").read_text())
    assert (settings["log_every"], settings["steps"]) == (5, 12)
    for word in ("step 10/12", "loss", "bpp", "psnr", "images/s", "left"):
        assert word in output


def test_train_py_says_what_is_wrong_in_one_sentence(tmp_path, runs):
    overrides = [f"--config.data.folders={tmp_path / 'absent'}", f"--workdir={tmp_path / 'run'}"]
    status, output = runs.finish(runs.start("train.py", CONFIG, *overrides))
    assert status == 2
    assert "Traceback" not in output
    assert output.splitlines()[-1] == (
        f"train.py: error: {tmp_path / 'absent'} is not a folder; name an existing folder of images"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_ctrl_c_saves_and_ends_with_130_whatever_the_workers_do(
    images, tmp_path, runs, read_metrics
):
    arguments = [
        CONFIG,
        f"--workdir={tmp_path}",
        f"--config.data.folders={images}",
        "--config.steps=1000000",
    ]
    every = [
        "--config.validate_every=1000000",
        "--config.checkpoint_every=1000000",
        "--config.data.workers=1",
    ]
    process = runs.start("train.py", *arguments, *every, start_new_session=True)
    wait_for_step(read_metrics, tmp_path, 3, [process])
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, the workers included
    status, output = runs.finish(process)
    assert status == 130, output
    assert "Traceback" not in output
    assert any(line.startswith("train.py: interrupted; ") for line in output.splitlines())
    saved = [int(path.name) for path in (tmp_path / "checkpoints").iterdir() if path.name.isdigit()]
    assert saved == [read_metrics(tmp_path)[-1]["step"]]


def test_processes_without_a_coordinator_are_refused(images, tmp_path, runs):
    arguments = [
        CONFIG,
        f"--workdir={tmp_path / 'run'}",
        f"--config.data.folders={images}",
        "--processes=2",
    ]
    status, output = runs.finish(runs.start("train.py", *arguments))
    assert status == 2
    assert output.splitlines()[-1].startswith(
        "train.py: error: --processes and --process tell nothing without --coordinator"
    )
