"""The shrinkage codec of Kirmemis' thesis (2023, chapter 3), or its twin with another activation.

    python train.py --config=configs/shrinkage.py --workdir=runs/shrinkage
    --config.data.folders=DIR

`configs/shrinkage.py:gdn` is the GDN twin, `:leaky_relu` a third that the thesis does not have,
`:linear` has no activation at all, to tell what one is worth, `:mean_scale` the GDN transforms
under Gaussians whose scales follow from the hyper-latent; `:shrinkage,fixed` has another surrogate
of the threshold's gradient (docs/shrinkage.md). 144 times the squared error on [-1, 1] is a lambda
of .008858 here, if its mean code length is in bits per pixel. Batches of 16 crops of 256, 400,000
steps, Adam, uniform noise as in the thesis; learning rate, widths and kernels are ours. Made for a
GPU; not run yet.
"""

from typing import Any

from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import Description, shrinkage_model
from jaxcodec.training.config import default_config
from jaxcodec.training.settings import Config
from jaxcodec.transforms.shrinkage import SURROGATES

TRADE_OFF = 144 * 4 / 255**2
"""Lambda of 255^2 MSE, for 144 times the squared error of images in [-1, 1]."""

ACTIVATIONS: dict[str, str | dict[str, Any]] = {
    "shrinkage": "shrinkage",
    "gdn": "gdn",
    "leaky_relu": "leaky_relu",
    "linear": {"kind": "shrinkage", "surrogate": "fixed", "start": 0.0},
}
"""By the config's argument; a threshold that stays at zero is the identity."""

_WITH_SURROGATE = [("shrinkage", surrogate) for surrogate in SURROGATES]


def model(features: int, latent: int, argument: str) -> Description:
    """The model of a config's argument: an activation, and a surrogate behind a comma."""
    if argument == "mean_scale":
        twin = shrinkage_model(features, latent, activation="gdn")
        del twin["unit"]
        return twin | {"entropy": "mean_scale", "scale_form": "log"}
    kind, _, surrogate = argument.partition(",")
    if kind not in ACTIVATIONS or (surrogate and (kind, surrogate) not in _WITH_SURROGATE):
        raise TrainingError(
            f"{argument!r} is not one of {', '.join(ACTIVATIONS)}, mean_scale; shrinkage may be "
            f"followed by a comma and one of {', '.join(SURROGATES)}"
        )
    activation = {"kind": kind, "surrogate": surrogate} if surrogate else ACTIVATIONS[kind]
    return shrinkage_model(features, latent, activation=activation)


def get_config(argument: str = "shrinkage") -> Config:
    """Settings for an activation, and for a surrogate of its gradient behind a comma."""
    config = default_config()
    config.name = argument.replace(",", "_")
    config.objective.update({"first": TRADE_OFF, "last": TRADE_OFF, "balance": 0.0})
    config.model = model(192, 32, argument)
    config.steps = 400_000
    config.optimiser.update({"learning_rate": 3e-4, "decay": 1.0})
    config.validation_qualities = (0.0,)
    return config
