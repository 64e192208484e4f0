"""Small models with the information-theoretic regularizer (Zhang et al. 2024), or without it.

    python train.py --config=configs/regularized_small.py:hyperprior,base --workdir=runs/base
    --config.data.folders=DIR
    python train.py --config=configs/regularized_small.py:hyperprior,0.01 --workdir=runs/r
    --config.start.workdir=runs/base --config.data.folders=DIR

The argument is an architecture; then "base" or alpha, in bits per pixel against bits per pixel;
then, for alpha, what stands for q: "aligned" (the default), "hyper" or "context", or a control
without q, "trade_off" or "log_mse". Architectures: "hyperprior", a patch network under mean-scale
with a range of rates, base of 3,000 steps and 2,000 more; "autoregressive", the same for one rate,
2,000 and 1,500; "attention", `configs/cheng2020_small.py`, 2,000 from the start, without a base. A
number behind a colon, "hyperprior:0.0067", makes it a model of that one lambda.

Rounding is uniform noise, as in the paper. The source model sees the reconstruction in blocks of
2x2 pixels (`regularizer.fold`), which takes half the time.
`studies/regularizer/regularizer.py` runs them all; docs/regularizer.md has the results.
Hardware: two threads of a CPU; the base of the hyperprior takes 3 minutes, a run from it 2, with a
  source model 4, with a context 10; of the autoregressive one 4, 2, 4 and 10; attention 10, with a
  context 16. Result: no gain on natural pictures after 1,500 to 2,000 steps; in 500 steps of noise
  .6 to 3.7 % at equal PSNR (one seed), most of it a repair of the switch to noise; a loss under
  `mixed`. Attention cannot be told from two seeds.
"""

import math

from jaxcodec.configs import cheng2020_small, patch, patch_autoregressive
from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import patch_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.training.settings import Config

FIRST, LAST = 0.0004, 0.06
"""Lambdas of the hyperprior's range."""

SOURCES = ("aligned", "hyper", "context")
"""Source models."""

CONTROLS = ("trade_off", "log_mse")
"""What may stand in place of one."""


def get_config(argument: str = "hyperprior,0.01") -> Config:
    """Settings of a base, or of an alpha."""
    architecture, what, source = (*argument.split(","), "", "", "")[:3]
    kind, _, trade_off = architecture.partition(":")
    fits = kind in _ARCHITECTURES and what and argument.count(",") <= (1 if what == "base" else 2)
    if not fits or source not in ("", *SOURCES, *CONTROLS):
        raise TrainingError(
            f"{argument!r} is not one of {'|'.join(_ARCHITECTURES)},base|ALPHA"
            f"[,{'|'.join(SOURCES + CONTROLS)}]"
        )
    source = source or "aligned"
    config = _ARCHITECTURES[kind](what == "base")
    config.name = "_".join(["regularized", *argument.replace(":", ",").split(",")])
    config.surrogate = "mixed" if what == "base" else "noise"
    if what != "base":
        config.regularizer.update({"alpha": _number(what, argument), "fold": 2})
        config.regularizer["control" if source in CONTROLS else "source"] = source
    if trade_off:
        _of_one(config, _number(trade_off, argument))
    return config


def _hyperprior(is_base: bool) -> Config:
    config = patch.get_config()
    config.objective.update({"first": FIRST, "last": LAST})
    first, last = RateDistortion(FIRST, LAST).starting_gains()
    config.model = patch_model(
        225, width=48, blocks=2, hyper=48, points=8, first_gain=first, last_gain=last
    )
    config.steps = 3_000 if is_base else 2_000
    config.data.min_scale = 0.5
    config.data.validation_images = 48
    config.validation_qualities = (0.1, 0.3, 0.5, 0.7, 0.9)
    config.log_every = 25
    return config


def _autoregressive(is_base: bool) -> Config:
    config = patch_autoregressive.get_config()
    config.steps = 2_000 if is_base else 1_500
    config.data.validation_images = 48
    return config


def _attention(is_base: bool) -> Config:
    if is_base:
        raise TrainingError("'attention' has no base; give an alpha, 0 for none")
    config = cheng2020_small.get_config()
    config.steps = 2_000
    config.data.validation_images = 48
    return config


_ARCHITECTURES = {
    "hyperprior": _hyperprior,
    "autoregressive": _autoregressive,
    "attention": _attention,
}


def _of_one(config: Config, trade_off: float) -> None:
    """Makes it a model of one lambda, that begins at the quality of the base for it."""
    if config.model.gains.get("points", 0) < 2:
        raise TrainingError("only 'hyperprior' has a range, of which a lambda can be taken")
    if not FIRST <= trade_off <= LAST:
        raise TrainingError(
            f"a lambda of {trade_off:g} is outside of the base's range, {FIRST:g} to {LAST:g}"
        )
    quality = math.log(trade_off / FIRST) / math.log(LAST / FIRST)
    config.objective.update({"first": trade_off, "last": trade_off, "balance": 0.0})
    config.start.qualities = (quality, quality)
    config.validation_qualities = (0.0,)
    gain, _ = RateDistortion(trade_off, trade_off).starting_gains()
    config.model = patch_model(
        225, width=48, blocks=2, hyper=48, points=1, first_gain=gain, last_gain=gain
    )


def _number(text: str, argument: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise TrainingError(f"{text!r} of {argument!r} is not a number") from None
