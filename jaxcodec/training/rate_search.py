"""Algorithm 3 of Guerin's thesis as a run: rounds of training that look for the rate parameter and beta of a target."""

import json
import pathlib

import ml_collections
from absl import logging

from jaxcodec.errors import TrainingError
from jaxcodec.files import write_atomic
from jaxcodec.rate import heuristic
from jaxcodec.rate.thesis import Setting
from jaxcodec.training import loop
from jaxcodec.training.reporting import METRICS_FILE

LOG_FILE = "search.jsonl"


def search(config: ml_collections.ConfigDict, workdir: str | pathlib.Path) -> bool:
    """Runs `config.search.rounds` rounds, then trains `config.steps` steps under the setting that they found.

    Each round is a run of its own of `config.search.steps` steps in WORKDIR/round_NN, under a fixed parameter and beta,
    from the weights of the round before; what its last validation measures changes both (`rate.heuristic.step`). The log
    is WORKDIR/search.jsonl, a line a round; the model is trained in WORKDIR/final. The same command goes on wherever it
    was stopped. Over several processes, only the first writes the log.

    Returns True when all is done, False when a SIGTERM came first.

    Raises:
      TrainingError: not one target, or no validation images.
    """
    workdir = pathlib.Path(workdir)
    if len(config.target_rate.targets_bpp) != 1 or not config.data.validation_images:
        raise TrainingError("a search takes one target in config.target_rate.targets_bpp, and some validation images")
    target = config.target_rate.targets_bpp[0]
    rows = read_log(workdir)
    setting = Setting(*rows[-1]["next"]) if rows else heuristic.start(target)
    for number in range(len(rows), config.search.rounds):
        logging.info("round %d: R_param %.4f bpp, beta %g", number, *setting)
        if not loop.train(_round(config, workdir, number, setting), workdir / f"round_{number:02}"):
            return False
        row = _measure(workdir / f"round_{number:02}", config, target, setting)
        rows.append({"round": number} | row)
        setting = Setting(*row["next"])
        write_atomic(workdir / LOG_FILE, "".join(json.dumps(row) + "\n" for row in rows).encode())
        logging.info("round %d: mean %.4f bpp, deviation %.4f bpp", number, row["mean_bpp"], row["deviation_bpp"])
    return loop.train(_fixed(config, setting), workdir / "final")


def read_log(workdir: str | pathlib.Path) -> list[dict]:
    """The rounds that are done: setting, mean_bpp, deviation_bpp, and the next setting."""
    path = pathlib.Path(workdir) / LOG_FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _fixed(config, setting: Setting) -> ml_collections.ConfigDict:
    fixed = config.copy_and_resolve_references()
    fixed.target_rate.strategy = "fixed"
    fixed.target_rate.parameter_bpp = (setting.parameter_bpp,)
    fixed.target_rate.beta = (setting.beta,)
    return fixed


def _round(config, workdir, number, setting):
    settings = _fixed(config, setting)
    settings.steps = settings.validate_every = config.search.steps
    settings.optimiser.decay = 0.0
    if number:
        settings.start.workdir = str(workdir / f"round_{number - 1:02}")
        settings.start.qualities = (0.0, 1.0)
    return settings


def _measure(workdir, config, target, setting):
    rows = [json.loads(line) for line in (workdir / METRICS_FILE).read_text().splitlines()]
    last = [row for row in rows if row["part"].startswith("validation/")][-1]
    deviation = heuristic.deviation(last["bpp"], last["squared_deviation"], target)
    following = heuristic.step(
        setting,
        target_bpp=target,
        mean_bpp=last["bpp"],
        deviation_bpp=deviation,
        tolerance=config.search.tolerance,
        delta=config.search.delta or heuristic.increment(target),
    )
    return {"setting": setting, "mean_bpp": last["bpp"], "deviation_bpp": deviation, "next": following}
