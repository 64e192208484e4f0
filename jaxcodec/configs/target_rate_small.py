"""A small patch network that lands on a bitrate: minutes on a CPU, from a shared base.

    python train.py --config=configs/target_rate_small.py:parametric,base --workdir=runs/base
    --config.data.folders=DIR python train.py --config=configs/target_rate_small.py:parametric,0.25
    --workdir=runs/p_025 \
        --config.start.workdir=runs/base --config.data.folders=DIR

The argument is an entropy model, "parametric" or "non_parametric"; then "base", a target in bpp, or
"all"; then, for a target, how it is trained: "general" (the default), "adaptive", "fixed" (at
R_param = target, the thesis' first experiment), "trade_off", general under another surrogate than
noise, "mixed" or "straight_through", or general or adaptive in twice the steps with a beta that
adapts to a deviation of 4 %, "tolerant" and "adaptive_tolerant". "base" is a rate-distortion model,
3,000 steps; a parametric one has a range of rates, and a target starts at the quality whose rate is
near it. A target takes 1,500 steps more. "all" is one model of the targets .12, .25, .5 and 1.0,
6,000 steps, parametric only. `studies/target_rate/target_rate.py` runs them all;
docs/rate_control.md has the results.
"""

from typing import Any

from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import patch_model
from jaxcodec.objectives import RateDistortion, thesis
from jaxcodec.training.config import default_config
from jaxcodec.training.settings import Config

BASE: dict[str, dict[str, Any]] = {
    "parametric": {"first": 0.0002, "last": 0.06, "balance": 0.5},
    "non_parametric": {"first": 0.005, "last": 0.005, "balance": 0.0},
}
"""The loss of each base: a range of rates; one rate under a factorized prior, which cannot know
which rate it codes at.
"""

START = {
    "parametric": {0.12: 0.148, 0.25: 0.363, 0.5: 0.581, 1.0: 0.844},
    "non_parametric": {0.12: 0.0, 0.25: 0.0, 0.5: 0.0, 1.0: 0.0},
}
"""Qualities of the base whose rates on held-out crops of the training images are about the targets,
read off the curve of an earlier base of the same sizes; or its only one.
"""

TRADE_OFF = {
    "parametric": {0.12: 0.00092, 0.25: 0.0022, 0.5: 0.0068, 1.0: 0.028},
    "non_parametric": {0.12: 0.0004, 0.25: 0.0015, 0.5: 0.0054, 1.0: 0.018},
}
"""Lambda that should take about these rates. What the bases take at a lambda is more than what a
model trained for it does: parametric models of .00047 and .0016 came to .067 and .195 bpp on
held-out crops, from which all were moved up.
"""

METHODS = (
    "general",
    "adaptive",
    "adaptive_tolerant",
    "fixed",
    "mixed",
    "straight_through",
    "tolerant",
    "trade_off",
)


def get_config(argument: str = "parametric,0.25") -> Config:
    """Settings of a base, of one target, or of all."""
    entropy, what, method = (*argument.split(","), "general")[:3]
    if entropy not in START or method not in METHODS:
        raise TrainingError(
            f"{argument!r} is not one of {'|'.join(START)},base|all|BPP[,{'|'.join(METHODS)}]"
        )
    config = default_config()
    config.name = "_".join(["target_rate", *argument.split(",")])
    config.batch_size = 4
    config.data.min_scale = 0.5
    config.data.validation_images = 48
    config.log_every = 25
    config.validate_every = 500
    config.checkpoint_every = 500
    config.optimiser.update(
        {
            "kind": "muon",
            "learning_rate": 8e-4,
            "muon_factor": 1.0,
            "warmup": 50,
            "decay": 0.4,
            "b2": 0.99,
        }
    )
    if what == "base":
        points = 8 if entropy == "parametric" else 1
        config.objective.update(BASE[entropy])
        config.steps = 3_000
        config.surrogate = "mixed"
        config.validation_qualities = (0.0, 0.25, 0.5, 0.75, 1.0)[:points]
    else:
        points = _aim(config, entropy, what, method)
    first, last = RateDistortion(**BASE[entropy]).starting_gains()
    config.model = patch_model(
        225,
        width=48,
        blocks=2,
        hyper=48 if entropy == "parametric" else 0,
        points=points,
        first_gain=first,
        last_gain=last,
        activity=True,
    )
    return config


def _aim(config, entropy, what, method):
    """The loss of one target or of all, starting at the base's qualities for them; returns how many
    there are.
    """
    start = START[entropy]
    try:
        targets = tuple(start) if what == "all" and entropy == "parametric" else (float(what),)
        qualities = tuple(start[target] for target in targets)
    except (KeyError, ValueError):
        raise TrainingError(
            f"{what!r} is not one of base, all, {', '.join(map(str, start))}"
        ) from None
    config.steps = {"all": 6_000}.get(what, 3_000 if "tolerant" in method else 1_500)
    # What lands on the target is the last weights, which the controller measures: their average
    # takes up to 3 % more.
    config.average_decay = 0.0
    config.start.qualities = (qualities[0], qualities[-1])
    config.validation_qualities = tuple(
        index / max(len(targets) - 1, 1) for index in range(len(targets))
    )
    if method == "trade_off":
        trade_off = TRADE_OFF[entropy][targets[0]]
        config.objective.update({"first": trade_off, "last": trade_off, "balance": 0.0})
        return 1
    config.target_rate.targets_bpp = targets
    config.target_rate.beta = tuple(thesis.SETTINGS[entropy][target].beta for target in targets)
    surrogates = {"straight_through": "round", "mixed": "mixed"}
    config.surrogate = surrogates.get(method, "noise")
    strategies = {"fixed": "fixed", "adaptive": "adaptive", "adaptive_tolerant": "adaptive"}
    config.target_rate.strategy = strategies.get(method, "general")
    config.target_rate.tolerance = 0.04 if "tolerant" in method else 0.0
    # The rate at which the non-parametric base stands: to begin at 3 bpp as the thesis does would
    # undo what it learned.
    config.target_rate.decay.update({"steps": config.steps // 5, "limit_bpp": 0.6})
    # With .99 the smoothed parameter lags a hundred steps behind a shift that still falls, 2 % of
    # the target at the end.
    config.target_rate.alpha = 0.9
    config.target_rate.balance = 1.0 if len(targets) > 1 else 0.0
    return len(targets)
