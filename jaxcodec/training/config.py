"""The settings of a run: defaults, checks, what binds a run, and where they are kept."""

import difflib
import functools
import json
import pathlib
from typing import Any

import ml_collections
from ml_collections import config_dict

from jaxcodec import extensions, models, objectives
from jaxcodec.distortions import Distortion
from jaxcodec.entropy.source import LEAST_SIDE
from jaxcodec.errors import TrainingError
from jaxcodec.files import read_bytes, write_atomic
from jaxcodec.models.build import stride
from jaxcodec.objectives.regularizer import Regularized
from jaxcodec.training.settings import SETTINGS, Config

RUN_FILE = "config.json"

BINDING = (
    "model",
    "objective",
    "target_rate",
    "regularizer",
    "start",
    "batch_size",
    "seed",
    "surrogate",
    "data.crop",
    "data.validation_images",
    "optimiser.kind",
)
"""Settings that a run keeps from its first checkpoint to its last; all others may change when it is
resumed.
"""


def default_config() -> Config:
    """The defaults of `SETTINGS`, that every config starts from; `model` is left empty."""
    defaults: dict = {}
    for setting in SETTINGS:
        *groups, name = setting.name.split(".")
        group = functools.reduce(lambda within, part: within.setdefault(part, {}), groups, defaults)
        group[name] = config_dict.placeholder(str) if setting.default is None else setting.default
    return ml_collections.ConfigDict(defaults)


COMPRESSAI_TRADE_OFFS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
"""Lambda of CompressAI's qualities 1 to 8 for mean squared error."""


def compressai_config(quality: int | str) -> Config:
    """CompressAI's training settings at its `quality` (1 to 8).

    Adam 1e-4, batches of 16 crops of 256, 5 million steps. Raises TrainingError for another
    quality.
    """
    qualities = {
        str(number): trade_off for number, trade_off in enumerate(COMPRESSAI_TRADE_OFFS, 1)
    }
    if str(quality) not in qualities:
        raise TrainingError(
            f"quality {quality} is not one of CompressAI's; give 1 to {len(COMPRESSAI_TRADE_OFFS)}"
        )
    config = default_config()
    trade_off = qualities[str(quality)]
    config.objective.update({"first": trade_off, "last": trade_off, "balance": 0.0})
    config.steps = 5_000_000
    config.validation_qualities = (0.0,)
    return config


def small_config() -> Config:
    """Settings for a first run on a CPU.

    4,000 steps of 8 crops of 128 pixels at CompressAI's fourth trade-off.
    """
    config = compressai_config(4)
    config.steps = 4_000
    config.batch_size = 8
    config.data.crop = 128
    config.optimiser.learning_rate = 1e-3
    config.validate_every = 500
    config.checkpoint_every = 500
    return config


def with_paths(config: Config) -> Config:
    """A copy that a file can keep, with import paths in place of classes and functions.

    What it names may be imported from now on.

    Raises:
      ExtensionError: it holds a class or function that no other process could import.
    """
    config = ml_collections.ConfigDict(extensions.named(config.copy_and_resolve_references()))
    extensions.allow_named(
        [config[name] for name in ("model", "objective", "surrogate")] + [config.optimiser.kind]
    )
    return config


def check(config: Config) -> None:
    """Raises TrainingError, RateError or CodecFileError for settings that cannot work.

    RateError is of a target rate, CodecFileError of a model. The message names the setting, its
    value and what it may be. Nothing is opened, nothing is compiled.
    """
    _check_names(config)
    for setting in SETTINGS:
        value = _lookup(config, setting.name)
        if value is not None and setting.valid and not setting.valid.holds(value):
            raise TrainingError(
                f"config.{setting.name} is {value!r}; it must be {setting.valid.words}"
            )
    folders(config)
    model = models.build(config.model.to_dict())
    unit = stride(config.model.to_dict())
    if config.data.crop % unit:
        raise TrainingError(
            f"config.data.crop is {config.data.crop}; the model takes a multiple of {unit}, "
            f"{max(1, round(config.data.crop / unit)) * unit} say"
        )
    if config.fake_quantised and not model.has_integer_networks:
        raise TrainingError(
            f"a {config.model.entropy} model has no networks that choose tables; leave "
            "config.fake_quantised off"
        )
    objective = objective_of(config)
    distortion = getattr(objective, "distortion", None)  # one of one's own may have none
    if isinstance(distortion, Distortion) and config.data.crop < distortion.least_side:
        raise TrainingError(
            f"config.data.crop is {config.data.crop}; {distortion.metric.label}, which "
            f"config.objective.distortion names, needs {distortion.least_side} pixels a side"
        )
    source = objective.source if isinstance(objective, Regularized) else None
    if source is not None and (config.data.crop < LEAST_SIDE or config.data.crop % source.fold):
        raise TrainingError(
            f"config.data.crop is {config.data.crop}; a source model of config.regularizer takes "
            f"{LEAST_SIDE} pixels a side at least, and a multiple of its fold, {source.fold}"
        )


def objective_of(config: Config) -> objectives.Objective:
    """What a run minimises; raises as `objectives.create` does."""
    return objectives.create(
        config.objective.to_dict(),
        config.target_rate.to_dict(),
        config.regularizer.to_dict(),
        config.model.to_dict(),
    )


def folders(config: Config) -> list[str]:
    """The folders of images; raises TrainingError where there are none, or one without a name.

    For crops of noise there are none.
    """
    if config.data.kind == "uniform":
        if config.data.folders:
            raise TrainingError(
                f"config.data.kind is 'uniform' and config.data.folders is "
                f"{config.data.folders!r}; crops are of noise or of images, so leave one of them "
                "out"
            )
        return []
    if not config.data.folders:
        raise TrainingError(
            "config.data.folders is empty; give --config.data.folders=DIR[,DIR...] with training "
            "images"
        )
    names = [name.strip() for name in config.data.folders.split(",")]
    if not all(names):
        raise TrainingError(
            f"config.data.folders is {config.data.folders!r}, with a comma too many; "
            "give --config.data.folders=DIR[,DIR...]"
        )
    return names


def held_out(config: Config) -> frozenset[str]:
    """The images that `config.data.held_out` lists; raises TrainingError if it cannot be read."""
    if not config.data.held_out:
        return frozenset()
    lines = read_bytes(pathlib.Path(config.data.held_out), TrainingError).decode().splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and line[0] != "#")


def check_same(config: Config, workdir: pathlib.Path) -> None:
    """Raises TrainingError if the run in `workdir` was begun with other `BINDING` settings.

    The message lists every difference. Only for a folder that has a checkpoint: a run without one
    may be changed freely.
    """
    if not (workdir / RUN_FILE).exists():
        return
    # A config may leave out what is at its default, as an objective that is assigned whole does.
    whole = ml_collections.ConfigDict(_merged(default_config().to_dict(), config.to_dict()))
    before, now = (_flat(json.loads(each.to_json_best_effort())) for each in (load(workdir), whole))
    names = sorted(
        name
        for name in before.keys() | now.keys()
        if _binds(name) and before.get(name) != now.get(name)
    )
    if names:
        missing = "not set"
        changes = "; ".join(
            f"config.{name}: {before.get(name, missing)} before, {now.get(name, missing)} now"
            for name in names
        )
        raise TrainingError(
            f"{workdir} holds a run with other settings ({changes}); use those, or another "
            "--workdir"
        )


def remember(config: Config, workdir: pathlib.Path) -> None:
    """Keeps the settings in `workdir`, in place of those that were there."""
    write_atomic(
        workdir / RUN_FILE, (config.to_json_best_effort(indent=1) + "\n").encode(), TrainingError
    )


def load(workdir: pathlib.Path) -> Config:
    """The settings of the run in `workdir`.

    What a run of an older version did not know is at its default. Raises TrainingError if there is
    no run, or its file is damaged.
    """
    path = workdir / RUN_FILE
    if not path.exists():
        raise TrainingError(f"{workdir} holds no {RUN_FILE}; name the --workdir of a training run")
    try:
        settings = json.loads(read_bytes(path, TrainingError))
        if not settings["model"]["entropy"]:
            raise ValueError("no model")
        return ml_collections.ConfigDict(_merged(default_config().to_dict(), settings))
    except (ValueError, TypeError, KeyError) as error:
        raise TrainingError(
            f"{path} is damaged: it does not hold the settings of a run; restore it, "
            "or write it anew by train.py with the config of the run"
        ) from error


def _check_names(config: Config) -> None:
    """Raises TrainingError for a setting that there is none of.

    A model has settings of its own; objective and optimiser may have.
    """
    known = {setting.name for setting in SETTINGS}
    free = tuple(
        ["model."] + [f"{group}." for group in ("objective", "optimiser") if _is_own(config[group])]
    )
    for name in sorted(_flat(config.to_dict()).keys() - known):
        if not name.startswith(free):
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"config.{near[0]} is meant, perhaps" if near else "leave it out"
            raise TrainingError(f"config.{name} is unknown; {remedy}")


def _is_own(settings: Config) -> bool:
    return extensions.is_own(settings.get("kind"))


def _lookup(config: Config, name: str) -> Any:
    """The setting of that name, with dots; None where this config has none."""
    for part in name.split("."):
        config = None if config is None else config.get(part)
    return config


def _binds(name: str) -> bool:
    return any(name == binding or name.startswith(binding + ".") for binding in BINDING)


def _merged(defaults: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Settings over defaults, at every depth."""
    both = {name: _merged(defaults[name], value) for name, value in settings.items()
            if isinstance(value, dict) and isinstance(defaults.get(name), dict)}  # fmt: skip
    return defaults | settings | both


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by dotted name."""
    flat = {}
    for name, value in settings.items():
        flat |= (
            _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
        )
    return flat
