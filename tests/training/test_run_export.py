"""From a training folder, a damaged one as well, to a codec file."""

import json
import pathlib
import shutil

import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.training.run_export import export


@pytest.fixture
def workdir(uninterrupted, tmp_path) -> pathlib.Path:
    """A copy of the finished run, to damage."""
    return shutil.copytree(uninterrupted, tmp_path / "run")


def test_the_sound_checkpoint_is_exported_with_the_rates_of_its_time(workdir, tmp_path, caplog):
    metrics = workdir / "metrics.jsonl"
    rates = [
        row["bpp"]
        for row in map(json.loads, metrics.read_text().splitlines())
        if row["part"] == "validation/quality_0.5"
    ]
    with metrics.open("a") as file:
        file.write('{"step": 13, "pa')
    content = export(workdir, tmp_path / "whole.codec")
    assert content.summary == "factorized model, 12 training steps"
    assert content.bpp_range == (rates[1], rates[1])

    for path in (workdir / "checkpoints" / "12" / "state").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    content = export(workdir, tmp_path / "sound.codec")
    assert content.summary == "factorized model, 8 training steps"
    assert content.bpp_range == (rates[0], rates[0])
    assert "the checkpoint of step 12 in" in caplog.text and "is damaged" in caplog.text


def test_the_codec_tells_what_it_began_from_and_was_trained_for(workdir, tmp_path):
    settings = workdir / "config.json"
    config = json.loads(settings.read_text())
    config["start"]["codec"] = "folder/of.codec"
    config["objective"]["distortion"] = "ms_ssim"
    settings.write_text(json.dumps(config))
    content = export(workdir, tmp_path / "of.codec")
    assert content.summary == "factorized model, 12 training steps from of.codec, for ms_ssim"


def test_a_run_without_validation_says_what_to_do(workdir, tmp_path):
    (workdir / "metrics.jsonl").unlink()
    with pytest.raises(TrainingError, match="holds no validation up to step 12"):
        export(workdir, tmp_path / "x.codec")


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_settings_that_cannot_be_read_are_one_sentence(workdir, tmp_path, content):
    (workdir / "config.json").write_text(content)
    with pytest.raises(TrainingError, match="config.json is damaged"):
        export(workdir, tmp_path / "x.codec")


def test_an_address_is_no_work_folder(tmp_path):
    for path in ("gs://bucket/run", pathlib.Path("gs://bucket/run")):
        with pytest.raises(TrainingError, match="is an address, not a folder of this machine"):
            export(path, tmp_path / "x.codec")
    assert list(tmp_path.iterdir()) == []
