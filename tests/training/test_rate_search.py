"""The search of the thesis as a run: rounds, what is chosen, the log, interruptions, several
processes.
"""

import json
import pathlib
import re
import runpy
import socket
from typing import NamedTuple

import jax
import numpy as np
import pytest

from jaxcodec.errors import RateError, TrainingError
from jaxcodec.training import config as run_config
from jaxcodec.training import rate_search, train_loop
from jaxcodec.training.checkpoints import restore_exported

LOG = "search.jsonl"


@pytest.fixture
def config(images):
    """A search of at most three rounds for .4 bpp: the mean within .01 bpp, a deviation of .04 bpp
    at most.
    """
    settings = runpy.run_path(str(pathlib.Path(__file__).with_name("tiny_target.py")))[
        "get_config"
    ]()
    settings.data.folders = str(images)
    settings.target_rate.targets_bpp, settings.target_rate.beta = (0.4,), (300.0,)
    settings.validation_qualities = (0.0,)
    settings.search.update(
        {"rounds": 3, "steps": 4, "mean_tolerance": 0.025, "tolerance": 0.1, "delta": 100.0}
    )
    settings.steps = 5
    return settings


class Trained(NamedTuple):
    """What a run was trained with."""

    name: str
    steps: int
    parameter_bpp: float
    beta: float
    start: str


@pytest.fixture
def trained(monkeypatch):
    """Runs that are not trained: they land .1 bpp below their parameter and spread by 5 / (beta +
    50) bpp. A list of them.

    A run whose name stands in `trained.stop` is told to stop.
    """

    class Runs(list):
        stop = ()

    done = Runs()

    def train(config, workdir):
        start = pathlib.Path(config.start.workdir).name
        (parameter,), (beta,) = config.target_rate.parameter_bpp, config.target_rate.beta
        assert config.target_rate.strategy == "fixed"
        done.append(Trained(workdir.name, config.steps, parameter, beta, start))
        if workdir.name in done.stop:
            return False
        mean, spread = parameter - 0.1, 5 / (beta + 50)
        squared = ((mean - 0.4) ** 2 + spread**2) / 0.4**2
        rows = [
            {"step": 2, "part": "validation/quality_0", "bpp": 9.0, "squared_deviation": 9.0},
            {"step": 4, "part": "validation/quality_0", "bpp": mean, "squared_deviation": squared},
            {"step": 4, "part": "train", "bpp": 8.0},
        ]
        workdir.mkdir(parents=True, exist_ok=True)
        (workdir / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return True

    monkeypatch.setattr(train_loop, "train", train)
    return done


def as_rounds(rows):
    return [(*row["setting"], row["mean_bpp"], row["deviation_bpp"]) for row in rows]


ROUNDS = [(0.4, 1.0, 0.3, 5 / 51), (0.5, 101.0, 0.4, 5 / 151)]
"""What the rules make of these runs: too wide and .1 bpp low; then as asked for."""


def test_the_final_training_takes_the_pair_whose_round_met_the_request_and_its_network(
    config, tmp_path, trained
):
    config.search.rounds = 9
    assert rate_search.search(config, tmp_path)
    assert trained == [
        ("round_00", 4, 0.4, 1.0, ""),
        ("round_01", 4, pytest.approx(0.5), 101.0, "round_00"),
        ("final", 5, pytest.approx(0.5), 101.0, "round_01"),
    ]
    *log, choice = rate_search.read_log(tmp_path)
    assert [row["round"] for row in log] == [0, 1]
    assert as_rounds(log) == [pytest.approx(row) for row in ROUNDS]
    assert choice == {"chosen_round": 1, "setting": log[1]["setting"], "met": True}


def test_a_search_that_finds_nothing_takes_the_nearest_and_says_so(
    config, tmp_path, trained, caplog
):
    config.search.update({"tolerance": 1e-3, "mean_tolerance": 1e-3})
    assert rate_search.search(config, tmp_path)
    *log, choice = rate_search.read_log(tmp_path)
    assert [row["setting"] for row in log] == [
        pytest.approx(pair) for pair in ((0.4, 1.0), (0.5, 101.0), (0.5, 201.0))
    ]
    assert choice == {"chosen_round": 2, "setting": log[2]["setting"], "met": False}
    assert trained[-1] == ("final", 5, pytest.approx(0.5), 201.0, "round_02")
    assert "none of 3 rounds met the request; the nearest is round 2" in caplog.text


def test_a_search_goes_on_where_it_was_stopped(config, tmp_path, trained):
    trained.stop = ("round_01",)
    assert not rate_search.search(config, tmp_path)
    assert as_rounds(rate_search.read_log(tmp_path)) == [pytest.approx(ROUNDS[0])]
    trained.stop = ("final",)
    assert not rate_search.search(config, tmp_path)
    log = rate_search.read_log(tmp_path)
    assert as_rounds(log[:2]) == [pytest.approx(row) for row in ROUNDS]
    trained.stop = ()
    assert rate_search.search(config, tmp_path)
    assert [run.name for run in trained] == ["round_00", "round_01", "round_01", "final", "final"]
    assert rate_search.read_log(tmp_path) == log


def test_more_rounds_may_be_asked_for_later(config, tmp_path, trained):
    config.search.rounds = 1
    assert rate_search.search(config, tmp_path)
    config.search.rounds = 3
    assert rate_search.search(config, tmp_path)
    assert [run.name for run in trained] == ["round_00", "final", "round_01", "final"]
    assert [row.get("round") for row in rate_search.read_log(tmp_path)] == [0, 1, None]


def test_a_log_of_a_former_version_is_read(config, tmp_path, trained):
    """It told the next setting of each round, and no choice."""
    config.search.rounds = 2
    rows = [
        {
            "round": 0,
            "setting": [0.4, 1.0],
            "mean_bpp": 0.3,
            "deviation_bpp": 0.1,
            "next": [0.5, 101.0],
        },
        {
            "round": 1,
            "setting": [0.5, 101.0],
            "mean_bpp": 0.37,
            "deviation_bpp": 0.05,
            "next": [0.53, 201.0],
        },
    ]
    (tmp_path / LOG).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert rate_search.search(config, tmp_path)
    assert trained == [("final", 5, 0.5, 101.0, "round_01")]


def test_a_log_of_another_target_is_refused(config, tmp_path):
    row = {"round": 0, "setting": [0.25, 1.0], "mean_bpp": 0.3, "deviation_bpp": 0.1}
    (tmp_path / LOG).write_text(json.dumps(row) + "\n")
    with pytest.raises(TrainingError, match=f"{LOG} is of a search for 0.25 bpp, not 0.4"):
        rate_search.search(config, tmp_path)


NO_LOGS = (
    '{"round": 0, "set',
    '{"round": 0}\n',
    "[]\n",
    '{"round": 1, "setting": [1, 1], "mean_bpp": 1, "deviation_bpp": 1}\n',
)


@pytest.mark.parametrize("text", NO_LOGS)
def test_a_file_that_is_no_log_is_refused_in_a_sentence(config, tmp_path, text):
    (tmp_path / LOG).write_text(text)
    with pytest.raises(TrainingError, match="is not a log of a search"):
        rate_search.search(config, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LOG]


def test_a_search_needs_one_target_and_a_request_that_can_be(config, tmp_path):
    config.search.tolerance = 0.0
    with pytest.raises(RateError, match="tolerance of the search is 0"):
        rate_search.search(config, tmp_path)
    config.target_rate.targets_bpp = (0.4, 1.5)
    with pytest.raises(TrainingError, match="one target"):
        rate_search.search(config, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_real_run_is_trained_on_from_the_weights_of_its_last_round(
    config, tmp_path, read_metrics
):
    config.search.update(
        {"mean_tolerance": 100.0, "tolerance": 100.0}
    )  # the first round meets that
    config.steps, config.optimiser.learning_rate = 1, 1e-9
    assert rate_search.search(config, tmp_path)
    (measured, _) = rate_search.read_log(tmp_path)
    last = [
        row for row in read_metrics(tmp_path / "round_00") if row["part"].startswith("validation")
    ][-1]
    assert (last["step"], last["bpp"]) == (4, measured["mean_bpp"])
    final = run_config.load(tmp_path / "final").target_rate
    assert (list(final.parameter_bpp), list(final.beta)) == ([0.4], [1.0])
    (_, before), (_, now) = (
        restore_exported(tmp_path / name, averaged=True) for name in ("round_00", "final")
    )
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-6), before, now)


@pytest.mark.long
def test_of_two_processes_the_first_tells_the_other(config, tmp_path, images, runs):
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        address = f"localhost:{listener.getsockname()[1]}"
    arguments = [
        "--config=tests/training/tiny_target.py",
        f"--workdir={tmp_path}",
        f"--config.data.folders={images}",
        "--search",
        "--config.target_rate.targets_bpp=(0.4,)",
        "--config.target_rate.beta=(300.0,)",
        "--config.steps=2",
        "--config.validation_qualities=(0.0,)",
        "--config.search.rounds=1",
        "--config.search.steps=2",
        f"--coordinator={address}",
        "--processes=2",
    ]
    pair = [runs.start("train.py", *arguments, f"--process={index}") for index in range(2)]
    measured = []
    for process in pair:
        status, output = runs.finish(process)
        assert status == 0, output
        measured.append(re.findall(r"round 0: mean [\d.]+ bpp, deviation [\d.]+ bpp", output))
    assert measured[0] == measured[1] and len(measured[0]) == 1
    *log, choice = rate_search.read_log(tmp_path)
    assert (
        f"mean {log[0]['mean_bpp']:.4f} bpp, deviation {log[0]['deviation_bpp']:.4f}"
        in measured[0][0]
    )
    assert choice["setting"] == [0.4, 1.0]
