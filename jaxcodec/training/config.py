"""The settings of a run: defaults, where they are kept, and checks."""

import json
import pathlib

import ml_collections

from jaxcodec import objectives
from jaxcodec.errors import TrainingError
from jaxcodec.files import write_atomic

RUN_FILE = "config.json"


def default_config() -> ml_collections.ConfigDict:
    """Settings that every config starts from; `model` and `objective` are left for it to fill."""
    config = ml_collections.ConfigDict()
    config.name = ml_collections.config_dict.placeholder(str)  # of the exported codec
    config.model = ml_collections.ConfigDict()  # see jaxcodec.models.build
    config.objective = {"first": 0.01, "last": 0.01, "balance": 0.0}  # see RateDistortion
    config.target_rate = {  # see TargetRate and rate.controller; where there are targets, they take the objective's place
        "targets_bpp": (), "beta": (), "strategy": "general", "parameter_bpp": (), "smoothing": "decay", "alpha": 0.99,
        "decay": {"steps": 150_000, "base": 50.0, "limit_bpp": 3.0, "below_bpp": 0.5},
        "tolerance": 0.0, "beta_rate": 0.005, "balance": 0.0,
    }  # fmt: skip
    config.search = {  # train.py --search, see training.rate_search; tolerance is of the target, delta 0 chooses one
        "rounds": 10, "steps": 20_000, "tolerance": 0.05, "delta": 0.0,
    }  # fmt: skip
    config.start = {  # another run to begin with, and which of its qualities become 0 and 1 here; see training.start
        "workdir": "", "qualities": (0.0, 1.0),
    }  # fmt: skip
    config.surrogate = "noise"  # see jaxcodec.entropy.surrogates
    config.fake_quantised = False  # fine-tune with the networks that choose tables in 8 bits, see jaxcodec.integer.fake
    config.seed = 0
    config.steps = 100_000
    config.batch_size = 16  # global
    config.average_decay = 0.999  # of the exponential moving average that is exported; 0 exports the last parameters
    config.optimiser = {
        "kind": "adam", "learning_rate": 1e-4, "warmup": 100, "decay": 0.3, "clip": 1.0, "b1": 0.9, "b2": 0.999,
        "muon_factor": 3.0,
    }  # fmt: skip
    config.data = {
        "folders": "",  # one folder of images or several, separated by commas
        "crop": 256, "validation_images": 16, "cache_gib": 4.0, "workers": 0, "min_scale": 1.0,
    }  # fmt: skip
    config.log_every = 50
    config.validate_every = 2000
    config.validation_qualities = (0.0, 0.5, 1.0)
    config.checkpoint_every = 1000
    config.keep_checkpoints = 2
    return config


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
    for name in ("steps", "batch_size", "log_every", "validate_every", "checkpoint_every", "keep_checkpoints"):
        if config[name] < 1:
            raise TrainingError(f"config.{name} is {config[name]}; it must be at least 1")
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
    for part in name.split("."):
        config = config[part]
    return config


def _plain(value):
    return json.loads(value.to_json()) if isinstance(value, ml_collections.ConfigDict) else value
