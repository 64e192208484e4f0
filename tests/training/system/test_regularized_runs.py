"""Runs with the regularizer: a second player that trains, is resumed, and never leaves the run."""

import logging
import os
import pathlib

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

import jaxcodec
from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import mean_scale_model
from jaxcodec.training import train_loop
from jaxcodec.training.run_export import export

SETTINGS = pathlib.Path(__file__).parents[1] / "tiny_regularized.py"


@pytest.fixture
def regularized(settings_of):
    """The tiny config with the regularizer."""
    return settings_of("tiny_regularized")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, settings_of) -> pathlib.Path:
    """Workdir of a run on one device, finished without interruption."""
    workdir = tmp_path_factory.mktemp("regularized")
    assert train_loop.train(settings_of("tiny_regularized"), workdir)
    return workdir


def test_a_run_is_resumed_and_exported_as_one_without_it(
    regularized,
    uninterrupted,
    whole,
    tmp_path,
    interrupt,
    assert_same_run,
    read_metrics,
    saved_state,
):
    parts = tmp_path / "parts"
    interrupt(5)
    assert not train_loop.train(regularized, parts)
    assert train_loop.train(regularized, parts)
    assert_same_run(parts, whole)

    saved = saved_state(whole)
    assert set(saved["players"]) == {"source"}
    rows = read_metrics(whole)
    own = {"source_bpp", "regularizer_bpp", "trade_off_effective"}
    of_steps = own | {"source_gradient_norm", "source_clipped", "gradient_norm", "clipped"}
    assert all(row.keys() >= (of_steps if row["part"] == "train" else own) for row in rows)
    losses = [row["source_bpp"] for row in rows if row["part"] == "train"]
    assert losses[-1] < losses[0]

    contents = [
        export(folder, tmp_path / f"{name}.codec")
        for name, folder in (("with", whole), ("without", uninterrupted))
    ]
    shapes = [
        {name: (value.shape, value.dtype) for name, value in content.weights.items()}
        for content in contents
    ]
    assert shapes[0] == shapes[1]
    assert shapes[0].keys() == flatten_dict(saved["average"]["params"], sep="/").keys()
    assert (contents[0].model, contents[0].spec) == (contents[1].model, contents[1].spec)
    assert contents[0].integer.keys() == contents[1].integer.keys()
    codecs = [jaxcodec.load(tmp_path / f"{name}.codec") for name in ("with", "without")]
    assert codecs[0].networks is codecs[1].networks  # the same programs, compiled once


def test_a_mean_scale_codec_is_exported_and_runs_as_one_without_it(config, tmp_path, photo, caplog):
    """The integer networks have the same operations, and decoding compiles nothing anew."""
    config.model = mean_scale_model(4, 6, hyper=4)
    config.data.crop, config.steps, config.batch_size = 64, 2, 2
    contents, codecs = [], []
    for name, alpha in (("without", 0.0), ("with", 0.01)):
        config.regularizer.update({"alpha": alpha, "features": 4})
        assert train_loop.train(config, tmp_path / name)
        contents.append(export(tmp_path / name, tmp_path / f"{name}.codec"))
        codecs.append(jaxcodec.load(tmp_path / f"{name}.codec"))
    shapes = [
        {name: (value.shape, value.dtype) for name, value in content.tensors().items()}
        for content in contents
    ]
    assert shapes[0].keys() == shapes[1].keys()
    for name, shape in shapes[0].items():
        assert shapes[1][name] == shape or name.startswith("tables/")  # which may be longer
    assert contents[0].spec == contents[1].spec != "null"
    pixels, compiled = photo[:64, :96], []
    for codec in codecs:
        caplog.clear()
        with caplog.at_level(logging.WARNING), jax.log_compiles():
            jaxcodec.decode(codec, jaxcodec.encode(codec, pixels, effort=0))
        compiled.append(sum("Compiling" in record.getMessage() for record in caplog.records))
    assert compiled[0] > 0 and compiled[1] == 0


@pytest.mark.long
def test_eight_devices_give_what_one_gives(whole, images, tmp_path, runs, read_metrics):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=8"
    arguments = [f"--config={SETTINGS}", f"--workdir={tmp_path}", f"--config.data.folders={images}"]
    status, output = runs.finish(runs.start("train.py", *arguments, XLA_FLAGS=flags))
    assert status == 0, output
    assert "8 devices in 1 processes" in output
    for row, expected in zip(read_metrics(tmp_path), read_metrics(whole), strict=True):
        named = ("bpp", "source_bpp", "regularizer_bpp", "trade_off_effective")
        norms = ("gradient_norm", "source_gradient_norm") if row["part"] == "train" else ()
        for name in (*named, *norms):
            assert row[name] == pytest.approx(expected[name], rel=1e-4), (row["step"], name)


def test_a_run_without_it_does_not_go_on_with_it(config, tmp_path):
    config.steps = 4
    assert train_loop.train(config, tmp_path)
    config.steps, config.regularizer.alpha = 8, 0.01
    with pytest.raises(TrainingError, match=r"config.regularizer.alpha: 0.0 before, 0.01 now"):
        train_loop.train(config, tmp_path)


def test_an_alpha_that_outweighs_lambda_is_told_once(regularized, tmp_path, caplog):
    regularized.regularizer.update({"alpha": 1e4, "control": "log_mse"})
    with caplog.at_level(logging.WARNING):
        train_loop.train(regularized, tmp_path)
    told = [record.message for record in caplog.records if "outweighs" in record.message]
    assert len(told) == 1
    assert "alpha 10000 outweighs lambda (0.01 to 0.01) at an error of" in told[0]
    assert np.isfinite(float(told[0].split("at an error of ")[1].split(":")[0]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -0.1}, "config.regularizer.alpha is -0.1; it must be finite and at least 0"),
        (
            {"alpha": float("inf")},
            "alpha is inf; it must be finite and at least 0",
        ),
        ({"source": "wavelet"}, "'wavelet'; it must be one of aligned, hyper, context"),
        ({"fold": 3}, "config.regularizer.fold is 3; it must be one of 1, 2"),
        ({"alpha": 0.1, "control": "log_mse", "source": "hyper"}, "leave one of them out"),
    ],
)
def test_settings_that_cannot_be_are_told(config, tmp_path, settings, message):
    config.regularizer.update(settings)
    with pytest.raises(TrainingError, match=message):
        train_loop.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_crop_that_the_source_model_does_not_fit_into_is_told(regularized, tmp_path):
    regularized.data.crop = 4
    regularized.model.analysis.strides = regularized.model.synthesis.strides = (2, 2)
    with pytest.raises(TrainingError, match="config.data.crop is 4; .* takes 5 pixels a side"):
        train_loop.train(regularized, tmp_path / "run")
