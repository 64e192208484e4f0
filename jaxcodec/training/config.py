"""The settings of a run: defaults, where they are kept, and checks."""

import functools
import json
import pathlib

import ml_collections

from jaxcodec import objectives
from jaxcodec.errors import TrainingError
from jaxcodec.files import write_atomic
from jaxcodec.training.settings import SETTINGS

RUN_FILE = "config.json"


def default_config() -> ml_collections.ConfigDict:
    """The defaults of `SETTINGS`, that every config starts from; `model` is left for it to fill, and the objective to set."""
    defaults: dict = {}
    for setting in SETTINGS:
        *groups, name = setting.name.split(".")
        group = functools.reduce(lambda within, part: within.setdefault(part, {}), groups, defaults)
        group[name] = ml_collections.config_dict.placeholder(str) if setting.default is None else setting.default
    return ml_collections.ConfigDict(defaults)


COMPRESSAI_TRADE_OFFS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
"""Lambda of CompressAI's qualities 1 to 8 for mean squared error."""


def compressai_config(quality: int) -> ml_collections.ConfigDict:
    """CompressAI's training settings at its `quality` (1 to 8): Adam 1e-4, batches of 16 crops of 256, 5 million steps."""
    if not 1 <= quality <= len(COMPRESSAI_TRADE_OFFS):
        raise TrainingError(f"quality {quality} is not one of CompressAI's; give 1 to {len(COMPRESSAI_TRADE_OFFS)}")
    config = default_config()
    trade_off = COMPRESSAI_TRADE_OFFS[quality - 1]
    config.objective = {"first": trade_off, "last": trade_off, "balance": 0.0}
    config.steps = 5_000_000
    config.validation_qualities = (0.0,)
    return config


def small_config() -> ml_collections.ConfigDict:
    """Settings for a first run on a CPU: 4,000 steps of 8 crops of 128 pixels at CompressAI's fourth trade-off."""
    config = compressai_config(4)
    config.steps = 4_000
    config.batch_size = 8
    config.data.crop = 128
    config.optimiser.learning_rate = 1e-3
    config.validate_every = 500
    config.checkpoint_every = 500
    return config


def check(config: ml_collections.ConfigDict) -> None:
    """Raises TrainingError, or RateError of a target rate, for settings that cannot work, naming them."""
    if not config.data.folders:
        raise TrainingError("config.data.folders is empty; give --config.data.folders=DIR[,DIR...] with training images")
    for setting in SETTINGS:
        value = _lookup(config, setting.name)
        if value is not None and setting.valid and not setting.valid.holds(value):
            raise TrainingError(f"config.{setting.name} is {value}; it must be {setting.valid.words}")
    if config.fake_quantised and config.model.entropy == "factorized":
        raise TrainingError("a factorized model has no networks that choose tables; leave config.fake_quantised off")
    objectives.create(config.objective.to_dict(), config.target_rate.to_dict())


def remember(config: ml_collections.ConfigDict, workdir: pathlib.Path) -> None:
    """Keeps the settings in `workdir`; raises TrainingError if a run of another model or input already lives there."""
    path = workdir / RUN_FILE
    if path.exists():
        before = load(workdir)
        for name in ("model", "objective", "target_rate", "start", "batch_size", "seed", "surrogate", "data.crop"):
            old, new = _lookup(before, name), _lookup(config, name)
            if _plain(old) != _plain(new):
                raise TrainingError(
                    f"{workdir} holds a run with another config.{name} ({_plain(old)}, now {_plain(new)}); "
                    "use its config, or another --workdir"
                )
    write_atomic(path, (config.to_json_best_effort(indent=1) + "\n").encode())


def load(workdir: pathlib.Path) -> ml_collections.ConfigDict:
    """The settings of the run in `workdir`; raises TrainingError if there is none."""
    path = workdir / RUN_FILE
    if not path.exists():
        raise TrainingError(f"{workdir} holds no {RUN_FILE}; name the --workdir of a training run")
    return ml_collections.ConfigDict(json.loads(path.read_text()))


def _lookup(config, name):
    """The setting of that name, with dots; None where this config has none, as an objective of one's own."""
    for part in name.split("."):
        config = None if config is None else config.get(part)
    return config


def _plain(value):
    return json.loads(value.to_json()) if isinstance(value, ml_collections.ConfigDict) else value
