"""Algorithm 3 of Guerin's thesis as a run: rounds that search rate parameter and beta."""

import functools
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from absl import logging
from jax.experimental import multihost_utils

from jaxcodec.errors import TrainingError
from jaxcodec.files import write_atomic
from jaxcodec.objectives import heuristic
from jaxcodec.objectives.heuristic import Request, Round
from jaxcodec.objectives.thesis import Setting
from jaxcodec.training import train_loop
from jaxcodec.training.reporting import read_metrics
from jaxcodec.training.settings import Config

LOG_FILE = "search.jsonl"


def search(config: Config, workdir: str | pathlib.Path) -> bool:
    """Trains rounds until one meets the request of `config.search`, then the model.

    The model is trained for `config.steps` steps under the setting of that round. Each round is a
    run of its own of `config.search.steps` steps in WORKDIR/round_NN, under a fixed parameter and
    beta, from the weights of the round before. Its last validation decides about the next round
    (`objectives.heuristic`). There are `config.search.rounds` at most. If none meets the request,
    the setting of the nearest is used, with a warning. The model is trained in WORKDIR/final, from
    the weights of the last round. The log is WORKDIR/search.jsonl: one line for each round, then
    one with the choice. After an interruption the same command continues. Of several processes the
    first reads and writes the log, and sends it to the others.

    Returns True when all is done, False when a signal stopped it before.

    Raises:
      TrainingError: not one target, no validation images, or a log that is not one of this search.
      RateError: a request that cannot be.
    """
    workdir = pathlib.Path(workdir)
    if len(config.target_rate.targets_bpp) != 1 or not config.data.validation_images:
        raise TrainingError(
            "a search takes one target in config.target_rate.targets_bpp, and some validation "
            "images"
        )
    settings = config.search.to_dict()
    settings.pop("steps")
    request = heuristic.request(config.target_rate.targets_bpp[0], **settings)
    rounds = [_round_of(row) for row in _from_first(lambda: _rows(workdir, request))]
    while (setting := heuristic.following(request, rounds)) is not None:
        number = len(rounds)
        logging.info("round %d: R_param %.4f bpp, beta %g", number, *setting)
        if not train_loop.train(
            _round_config(config, workdir, number, setting), _folder(workdir, number)
        ):
            return False
        measure = functools.partial(_measure, _folder(workdir, number), setting, request.target_bpp)
        rounds.append(_round_of(_from_first(measure)))
        _write_log(workdir, request, rounds)
        logging.info("round %d: mean %.4f bpp, deviation %.4f bpp", number, *rounds[-1][1:])
    number = heuristic.chosen(request, rounds)
    setting, mean, spread = rounds[number]
    if heuristic.is_met(request, rounds[number]):
        logging.info("round %d met the request: R_param %.4f bpp, beta %g", number, *setting)
    else:
        logging.warning(
            "none of %d rounds met the request; the nearest is round %d, mean %.4f bpp, deviation "
            "%.4f bpp: "
            "its R_param %.4f bpp and beta %g are taken",
            len(rounds),
            number,
            mean,
            spread,
            *setting,
        )
    return train_loop.train(
        _continued(_fixed(config, setting), workdir, len(rounds) - 1), workdir / "final"
    )


def read_log(workdir: str | pathlib.Path) -> list[dict[str, Any]]:
    """The lines of the log.

    Each is of a round, with its number, setting, mean_bpp and deviation_bpp; the last has
    chosen_round, setting and met. Raises TrainingError for a file that is no such log.
    """
    path = pathlib.Path(workdir) / LOG_FILE
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        for number, row in enumerate(row for row in rows if "chosen_round" not in row):
            _round_of(row)
            if row["round"] != number:
                raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path} is not a log of a search; remove it to search anew, with the rounds beside it"
        ) from error
    return rows


def _rows(workdir: pathlib.Path, request: Request) -> list[dict[str, Any]]:
    """The rounds of the log; raises TrainingError for those of another target."""
    rounds = [row for row in read_log(workdir) if "chosen_round" not in row]
    if rounds and rounds[0]["setting"][0] != request.target_bpp:
        raise TrainingError(
            f"{workdir / LOG_FILE} is of a search for {rounds[0]['setting'][0]:g} bpp, not "
            f"{request.target_bpp:g}; "
            "use its target, or another --workdir"
        )
    return rounds


def _write_log(workdir: pathlib.Path, request: Request, rounds: Sequence[Round]) -> None:
    if jax.process_index():
        return
    rows: list[dict[str, Any]] = [
        {"round": number} | measured._asdict() for number, measured in enumerate(rounds)
    ]
    if heuristic.following(request, rounds) is None:
        number = heuristic.chosen(request, rounds)
        met = heuristic.is_met(request, rounds[number])
        rows.append({"chosen_round": number, "setting": rounds[number].setting, "met": met})
    write_atomic(workdir / LOG_FILE, "".join(json.dumps(row) + "\n" for row in rows).encode())


def _round_of(row: dict[str, Any]) -> Round:
    parameter, beta = row["setting"]
    return Round(
        Setting(float(parameter), float(beta)), float(row["mean_bpp"]), float(row["deviation_bpp"])
    )


def _measure(folder: pathlib.Path, setting: Setting, target_bpp: float) -> dict[str, Any]:
    """A round as the log has it, from the last validation of its run."""
    validations = [row for row in read_metrics(folder) if row["part"].startswith("validation/")]
    if not validations:
        raise TrainingError(
            f"{folder} holds no validation, which a round is judged by; remove it, to train the "
            "round anew"
        )
    last = validations[-1]
    deviation = heuristic.deviation(last["bpp"], last["squared_deviation"], target_bpp)
    return Round(setting, last["bpp"], deviation)._asdict()


def _from_first(make: Callable[[], Any]) -> Any:
    """The JSON value that `make` gives in the first process, or its TrainingError, on every one."""
    if jax.process_count() == 1:
        return make()
    message = {}
    if jax.process_index() == 0:
        try:
            message = {"value": make()}
        except TrainingError as error:
            message = {"error": str(error)}
    text = json.dumps(message).encode()
    size = int(multihost_utils.broadcast_one_to_all(np.int32(len(text))))
    padded = np.zeros(size, np.uint8)
    padded[: min(len(text), size)] = np.frombuffer(text, np.uint8)[:size]
    message = json.loads(bytes(np.asarray(multihost_utils.broadcast_one_to_all(padded), np.uint8)))
    if "error" in message:
        raise TrainingError(message["error"])
    return message["value"]


def _folder(workdir: pathlib.Path, number: int) -> pathlib.Path:
    return workdir / f"round_{number:02}"


def _fixed(config: Config, setting: Setting) -> Config:
    fixed = config.copy_and_resolve_references()
    fixed.target_rate.strategy = "fixed"
    fixed.target_rate.parameter_bpp = (setting.parameter_bpp,)
    fixed.target_rate.beta = (setting.beta,)
    return fixed


def _round_config(config: Config, workdir: pathlib.Path, number: int, setting: Setting) -> Config:
    settings = _fixed(config, setting)
    settings.steps = settings.validate_every = config.search.steps
    settings.optimiser.decay = 0.0
    return _continued(settings, workdir, number - 1) if number else settings


def _continued(settings: Config, workdir: pathlib.Path, number: int) -> Config:
    """The settings with a start from the weights of a round."""
    settings.start.workdir = str(_folder(workdir, number))
    settings.start.qualities = (0.0, 1.0)
    return settings
