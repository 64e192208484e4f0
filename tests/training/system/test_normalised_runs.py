"""Runs of a normalised model: resumed, spread over devices, and exported without a picture."""

import os
import pathlib

import numpy as np
import pytest
from flax.traverse_util import flatten_dict

import jaxcodec
from jaxcodec.cli import main
from jaxcodec.training import train_loop

SETTINGS = pathlib.Path(__file__).parents[1] / "tiny_normalised.py"


@pytest.fixture(scope="module")
def whole(tmp_path_factory, settings_of) -> pathlib.Path:
    """Workdir of a run on one device, finished without interruption."""
    workdir = tmp_path_factory.mktemp("normalised")
    assert train_loop.train(settings_of("tiny_normalised"), workdir)
    return workdir


def test_a_run_is_resumed_and_its_thetas_move(
    whole, settings_of, tmp_path, interrupt, assert_same_run, saved_state
):
    interrupt(5)
    config = settings_of("tiny_normalised")
    assert not train_loop.train(config, tmp_path)
    assert train_loop.train(config, tmp_path)
    assert_same_run(tmp_path, whole)
    params = flatten_dict(saved_state(whole)["params"]["params"], sep="/")
    thetas = [value for name, value in params.items() if name.endswith("theta")]
    assert len(thetas) == 6
    for theta in thetas:
        assert np.all(theta != np.float32(0.2)) and np.abs(theta - 0.2).max() < 0.05


def test_its_export_reads_no_pictures_and_says_so(whole, tmp_path, photo, capsys):
    path = tmp_path / "n.codec"
    assert main(["export", str(whole), str(path), "--images", str(tmp_path / "none")]) == 0
    assert "--images was not needed" in capsys.readouterr().out
    codec = jaxcodec.load(path)
    data = jaxcodec.encode(codec, photo[:70, :90])
    assert jaxcodec.decode(codec, data).shape == (70, 90, 3)


@pytest.mark.long
def test_two_devices_give_what_one_gives(whole, images, tmp_path, runs, read_metrics):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=2"
    arguments = [f"--config={SETTINGS}", f"--workdir={tmp_path}", f"--config.data.folders={images}"]
    status, output = runs.finish(runs.start("train.py", *arguments, XLA_FLAGS=flags))
    assert status == 0, output
    assert "2 devices in 1 processes" in output
    for row, expected in zip(read_metrics(tmp_path), read_metrics(whole), strict=True):
        for name in ("loss", "bpp", "psnr_db"):
            assert row[name] == pytest.approx(expected[name], rel=1e-4), (row["step"], name)
