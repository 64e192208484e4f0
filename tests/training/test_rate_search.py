"""The search of the thesis as a run: rounds, what is chosen, the log, interruptions, several processes."""

import json
import pathlib
import runpy
import socket

import jax
import numpy as np
import pytest

from jaxcodec.errors import RateError, TrainingError
from jaxcodec.training import config as run_config
from jaxcodec.training import rate_search
from jaxcodec.training.checkpoints import restore_exported

LOG = "search.jsonl"


@pytest.fixture
def config(images):
    """A search of at most three rounds for .4 bpp, under a request that no tiny run meets."""
    settings = runpy.run_path(str(pathlib.Path(__file__).with_name("tiny_target.py")))["get_config"]()
    settings.data.folders = str(images)
    settings.target_rate.targets_bpp, settings.target_rate.beta = (0.4,), (300.0,)
    settings.validation_qualities = (0.0,)
    settings.search.update({"rounds": 3, "steps": 4, "mean_tolerance": 1e-6, "tolerance": 1e-6, "delta": 100.0})
    settings.steps = 5
    return settings


def rounds(workdir):
    return sorted(path.name for path in workdir.glob("round_*"))


def test_a_search_that_finds_nothing_takes_the_nearest_and_goes_on_where_it_was_stopped(config, tmp_path, interrupt):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert rate_search.search(config, whole)
    *log, choice = rate_search.read_log(whole)
    assert [row["round"] for row in log] == [0, 1, 2]
    assert rounds(whole) == ["round_00", "round_01", "round_02"]
    assert log[0]["setting"] == [0.4, 1.0]
    for before, after in zip(log, log[1:]):
        parameter = max(before["setting"][0] - (before["mean_bpp"] - 0.4), 0.04)
        beta = before["setting"][1] + 100 if before["deviation_bpp"] > 4e-7 else 1.0
        assert after["setting"] == pytest.approx([parameter, beta])
    nearest = min(range(3), key=lambda n: max(abs(log[n]["mean_bpp"] - 0.4), log[n]["deviation_bpp"]))
    assert choice == {"chosen_round": nearest, "setting": log[nearest]["setting"], "met": False}
    final = run_config.load(whole / "final").target_rate
    assert [final.parameter_bpp[0], final.beta[0]] == choice["setting"]

    interrupt(3)
    assert not rate_search.search(config, parts)
    assert rate_search.read_log(parts) == []
    interrupt(None)
    assert rate_search.search(config, parts)
    assert rate_search.read_log(parts) == rate_search.read_log(whole)


def test_a_round_that_meets_the_request_ends_the_search_and_is_trained_on(config, tmp_path):
    config.search.update({"mean_tolerance": 100.0, "tolerance": 100.0})
    config.steps, config.optimiser.learning_rate = 1, 1e-9
    assert rate_search.search(config, tmp_path)
    assert rounds(tmp_path) == ["round_00"]
    assert rate_search.read_log(tmp_path)[1:] == [{"chosen_round": 0, "setting": [0.4, 1.0], "met": True}]
    final = run_config.load(tmp_path / "final")
    assert (final.target_rate.parameter_bpp, final.target_rate.beta) == ([0.4], [1.0])
    # From the weights of the last round, and not from the start of the config.
    (_, last), (_, now) = (restore_exported(tmp_path / name, averaged=True) for name in ("round_00", "final"))
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-6), last, now)


def test_a_log_of_a_former_version_is_read(config, tmp_path):
    """It told the next setting of each round, and no choice."""
    config.search.rounds = 2
    config.search.update({"mean_tolerance": 0.1, "tolerance": 0.1})
    rows = [
        {"round": 0, "setting": [0.4, 1.0], "mean_bpp": 0.3, "deviation_bpp": 0.1, "next": [0.5, 101.0]},
        {"round": 1, "setting": [0.5, 101.0], "mean_bpp": 0.39, "deviation_bpp": 0.05, "next": [0.51, 201.0]},
    ]
    (tmp_path / LOG).write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(TrainingError, match="round_01"):  # whose weights are not there
        rate_search.search(config, tmp_path)
    assert run_config.load(tmp_path / "final").target_rate.beta == [101.0]


def test_a_log_of_another_target_is_refused(config, tmp_path):
    row = {"round": 0, "setting": [0.25, 1.0], "mean_bpp": 0.3, "deviation_bpp": 0.1}
    (tmp_path / LOG).write_text(json.dumps(row) + "\n")
    with pytest.raises(TrainingError, match=f"{LOG} is of a search for 0.25 bpp, not 0.4"):
        rate_search.search(config, tmp_path)


NO_LOGS = ('{"round": 0, "set', '{"round": 0}\n', "[]\n", '{"round": 1, "setting": [1, 1], "mean_bpp": 1, "deviation_bpp": 1}\n')


@pytest.mark.parametrize("text", NO_LOGS)
def test_a_file_that_is_no_log_is_refused_in_a_sentence(config, tmp_path, text):
    (tmp_path / LOG).write_text(text)
    with pytest.raises(TrainingError, match="is not a log of a search"):
        rate_search.search(config, tmp_path)
    assert not rounds(tmp_path)


def test_a_search_needs_one_target_and_a_request_that_can_be(config, tmp_path):
    config.search.tolerance = 0.0
    with pytest.raises(RateError, match="tolerance of the search is 0"):
        rate_search.search(config, tmp_path)
    config.target_rate.targets_bpp = (0.4, 1.5)
    with pytest.raises(TrainingError, match="one target"):
        rate_search.search(config, tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_processes_search_as_one(config, tmp_path, images, runs):
    """The first reads, measures and writes, and tells the other."""
    config.search.rounds = 2
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert rate_search.search(config, alone)
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        address = f"localhost:{listener.getsockname()[1]}"
    settings = [f"--config.search.{name}={config.search[name]}" for name in config.search]
    arguments = [
        "--config=tests/training/tiny_target.py", f"--workdir={together}", f"--config.data.folders={images}", "--search",
        "--config.target_rate.targets_bpp=(0.4,)", "--config.target_rate.beta=(300.0,)", "--config.steps=5",
        "--config.validation_qualities=(0.0,)", *settings, f"--coordinator={address}", "--processes=2",
    ]  # fmt: skip
    pair = [runs.start("train.py", *arguments, f"--process={index}") for index in range(2)]
    for process in pair:
        status, output = runs.finish(process)
        assert status == 0, output
    for row, expected in zip(rate_search.read_log(together), rate_search.read_log(alone), strict=True):
        assert row["setting"] == pytest.approx(expected["setting"], rel=1e-3)
    assert (together / "final" / "config.json").exists()
