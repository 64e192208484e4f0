"""The settings of a run: each with its default, what it may be, and a word about it. No JAX.

One table: `training.config` makes the defaults and the checks from it, and `train.py --help` prints
it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Config: TypeAlias = Any
"""An `ml_collections.ConfigDict` of the settings below: no type checker knows its attributes."""


class Valid(NamedTuple):
    """What a setting may be: in words that follow "must be", and as a test."""

    words: str
    holds: Callable[[Any], bool]


class Setting(NamedTuple):
    """One setting: its name in the config, with dots.

    None as a default stands for a string that is not given.
    """

    name: str
    default: Any
    help: str
    valid: Valid | None = None


def _at_least(minimum: float) -> Valid:
    return Valid(f"at least {minimum:g}", lambda value: minimum <= value < float("inf"))


def _above(bound: float) -> Valid:
    return Valid(f"above {bound}", lambda value: bound < value < float("inf"))


def _within(low: float, high: float) -> Valid:
    return Valid(f"within {low} and {high}", lambda value: low <= value <= high)


def _one_of(*names: Any) -> Valid:
    return Valid(f"one of {', '.join(map(str, names))}", lambda value: value in names)


def _one_of_or_own(*names: str) -> Valid:
    """One of these names, or the import path of one's own, MODULE:NAME."""
    return Valid(
        f"one of {', '.join(names)}, or MODULE:NAME of your own",
        lambda value: value in names or ":" in value,
    )


def _each(valid: Valid, count: int | None = None) -> Valid:
    """So many numbers in brackets, or any number of them."""
    words = f"{'' if count is None else f'{count} '}numbers in brackets, each {valid.words}"
    return Valid(
        words, lambda values: count in (None, len(values)) and all(map(valid.holds, values))
    )


_COUNT = Valid(
    "at least 1 and below 2^31", lambda value: 1 <= value < 2**31
)  # devices count steps in int32
_SEED = Valid("at least 0 and below 2^32", lambda value: 0 <= value < 2**32)
_FRACTION = Valid("at least 0 and below 1", lambda value: 0 <= value < 1)
_POSITIVE_FRACTION = Valid("above 0 and at most 1", lambda value: 0 < value <= 1)
_FINITE = Valid("a finite number", lambda value: abs(value) < float("inf"))
_QUALITIES = Valid(
    "one or more numbers within 0 and 1",
    lambda values: len(values) > 0 and all(0 <= each <= 1 for each in values),
)

SETTINGS = (
    Setting("name", None, "what the exported codec is called"),
    Setting(
        "model", {}, "the description that jaxcodec.models.build takes; each config has its own"
    ),
    Setting("objective.first", 0.01, "lambda at quality 0, of L = lambda D + bpp", _above(0)),
    Setting("objective.last", 0.01, "lambda at quality 1", _above(0)),
    Setting(
        "objective.distortion",
        "mse",
        "D: mse (255^2 MSE), ms_ssim, another of jaxcodec.distortions, or MODULE:NAME",
    ),
    Setting(
        "objective.density_weight",
        "",
        "MODULE:NAME of a function of images to ln p, by which their distortions are weighed",
    ),
    Setting(
        "objective.balance",
        0.0,
        "0.5 weighs a percent of rate about alike at every quality",
        _FINITE,
    ),
    Setting(
        "objective.middle",
        0.0,
        "how much qualities in the middle are preferred: 0.4 draws 1.7 times as many there, 0.7 "
        "times at the ends",
        _FRACTION,
    ),
    Setting(
        "target_rate.targets_bpp",
        (),
        "rates to land on, in bpp; they take the place of lambda",
        _each(_above(0)),
    ),
    Setting(
        "target_rate.beta", (), "weight of the rate term, one for each target", _each(_above(0))
    ),
    Setting(
        "target_rate.strategy",
        "general",
        "where the rate parameter comes from",
        _one_of("fixed", "adaptive", "general"),
    ),
    Setting(
        "target_rate.parameter_bpp",
        (),
        "of strategy fixed, one for each target; empty: the targets themselves",
        _each(_above(0)),
    ),
    Setting(
        "target_rate.smoothing", "decay", "of strategy general", _one_of("decay", "printed", "none")
    ),
    Setting("target_rate.alpha", 0.99, "of the smoothing", _FRACTION),
    Setting(
        "target_rate.decay.steps",
        150_000,
        "steps over which a target comes down; 0: none",
        _at_least(0),
    ),
    Setting(
        "target_rate.decay.base", 50.0, "a target starts at so many times itself", _at_least(1)
    ),
    Setting("target_rate.decay.limit_bpp", 3.0, "but at most here, in bpp", _above(0)),
    Setting(
        "target_rate.decay.below_bpp",
        0.5,
        "only targets of at most this come down, in bpp",
        _at_least(0),
    ),
    Setting(
        "target_rate.tolerance",
        0.0,
        "relative deviation to which beta is adapted; 0: beta stays",
        _at_least(0),
    ),
    Setting(
        "target_rate.beta_rate", 0.005, "the most that log(beta) moves in a step", _at_least(0)
    ),
    Setting("target_rate.balance", 0.0, "1 weighs the rate terms of all targets alike", _FINITE),
    Setting(
        "regularizer.alpha",
        0.0,
        "weight of the source's bits per pixel (docs/regularizer.md); 0: no regularizer",
        Valid("finite and at least 0", lambda value: 0 <= value < float("inf")),
    ),
    Setting(
        "regularizer.source",
        "aligned",
        "the source model; aligned: the one that is like the codec's entropy model",
        _one_of("aligned", "hyper", "context"),
    ),
    Setting("regularizer.features", 16, "of the source model", _at_least(1)),
    Setting(
        "regularizer.fold",
        1,
        "2: what sees the reconstruction works at half the resolution",
        _one_of(1, 2),
    ),
    Setting("regularizer.learning_rate", 1e-3, "of the source model", _above(0)),
    Setting("regularizer.clip", 1.0, "the largest norm of the source model's gradient", _above(0)),
    Setting(
        "regularizer.control",
        "none",
        "in place of a source model: a smaller lambda, or the logarithm of the error",
        _one_of("none", "trade_off", "log_mse"),
    ),
    Setting("search.rounds", 10, "of --search: the most rounds", _at_least(1)),
    Setting("search.steps", 20_000, "of --search: steps of a round", _at_least(1)),
    Setting(
        "search.mean_tolerance",
        0.02,
        "of --search: how far off the mean may be, as a part of the target",
        _above(0),
    ),
    Setting(
        "search.tolerance",
        0.05,
        "of --search: standard deviation allowed, as a part of the target",
        _above(0),
    ),
    Setting("search.delta", 0.0, "of --search: by which beta changes; 0 chooses one", _at_least(0)),
    Setting("start.workdir", "", "another run whose weights to begin with"),
    Setting("start.codec", "", "a codec whose weights to begin with: a bundled one, or a file"),
    Setting(
        "start.grow", False, "its model may be smaller: what it lacks is added, and changes nothing"
    ),
    Setting(
        "start.qualities",
        (0.0, 1.0),
        "which of its qualities become 0 and 1 here",
        _each(_FINITE, 2),
    ),
    Setting(
        "surrogate", "noise", "what stands for rounding", _one_of_or_own("noise", "round", "mixed")
    ),
    Setting("fake_quantised", False, "fine-tune with the networks that choose tables in 8 bits"),
    Setting("seed", 0, "of weights, noise and crops", _SEED),
    Setting("steps", 100_000, "of training, in all", _COUNT),
    Setting("batch_size", 16, "crops of a step, over all devices", _at_least(1)),
    Setting(
        "average_decay",
        0.999,
        "of the average of the weights that is exported; 0: the last weights",
        _FRACTION,
    ),
    Setting(
        "optimiser.kind", "adam", "what moves the weights", _one_of_or_own("adam", "muon", "soap")
    ),
    Setting("optimiser.learning_rate", 1e-4, "the highest", _above(0)),
    Setting("optimiser.warmup", 100, "steps of linear rise to it", _at_least(0)),
    Setting(
        "optimiser.decay",
        0.3,
        "part of the steps over which it falls to 0, at the end",
        _within(0, 1),
    ),
    Setting("optimiser.clip", 1.0, "the largest norm of a gradient", _above(0)),
    Setting("optimiser.b1", 0.9, "Adam's decay of the mean", _FRACTION),
    Setting("optimiser.b2", 0.999, "Adam's decay of the square", _FRACTION),
    Setting(
        "optimiser.muon_widest",
        128,
        "Muon moves kernels of at most so many rows or columns",
        _at_least(1),
    ),
    Setting("optimiser.muon_factor", 3.0, "Muon's learning rate over Adam's", _above(0)),
    Setting(
        "data.kind",
        "images",
        "what crops are of: images in folders, or uniform noise",
        _one_of("images", "uniform"),
    ),
    Setting("data.folders", "", "one folder of images or several, separated by commas"),
    Setting(
        "data.crop", 256, "side of a crop in pixels, a multiple of the model's stride", _at_least(1)
    ),
    Setting(
        "data.validation_images",
        16,
        "held out of training; 0: no validation, and no export",
        _at_least(0),
    ),
    Setting("data.held_out", "", "a text file, a name a line, of images that are never trained on"),
    Setting("data.cache_gib", 4.0, "memory for decoded images, in GiB", _at_least(0)),
    Setting("data.workers", 0, "processes that decode what does not fit there", _at_least(0)),
    Setting(
        "data.min_scale", 1.0, "below 1, crops are shrunk by up to so much", _POSITIVE_FRACTION
    ),
    Setting("log_every", 50, "steps from one line of metrics to the next", _COUNT),
    Setting("validate_every", 2000, "steps from one validation to the next", _COUNT),
    Setting("validation_qualities", (0.0, 0.5, 1.0), "qualities to validate at", _QUALITIES),
    Setting("checkpoint_every", 1000, "steps from one checkpoint to the next", _COUNT),
    Setting("keep_checkpoints", 2, "the newest so many are kept", _at_least(1)),
)
"""All settings of a run, in the order of `--help`."""
