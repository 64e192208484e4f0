"""Builds a model from its description: plain values, as configs hold them and codec files carry
them.

A description is a dictionary:

- `entropy`: one of `ENTROPY_MODELS`, and with it `scale_form`, `log_scale_start` and `mixture`
  where the model has them;
  `entropy_fields`: fields of a class of one's own;
- `analysis` and `synthesis` (and `hyper_analysis`, `hyper_synthesis`): each a `kind` and the fields
  of that network;
- `gains`: the fields of `Gains`;
- `hyper_channels`: channels of the hyper-latent, where there is one;
- `prior`: fields of `DeepFactorized` other than its channels, if they differ from the defaults.

Any transforms go with any entropy model. In place of the name of an entropy model, of the `kind` of
a network, and as `kind` of a prior may stand the import path of a class of one's own, MODULE:NAME
(docs/extending.md).
"""

import math
from collections.abc import Mapping
from typing import Any

import flax.linen as nn

from jaxcodec import extensions
from jaxcodec.entropy.context import TAPS
from jaxcodec.entropy.factorized import DeepFactorized
from jaxcodec.errors import CodecFileError, ExtensionError
from jaxcodec.models.context_model import ContextModel
from jaxcodec.models.factorized import FactorizedModel
from jaxcodec.models.gains import Gains
from jaxcodec.models.mean_scale import MeanScaleModel
from jaxcodec.models.scale_hyperprior import ScaleModel
from jaxcodec.transforms import networks
from jaxcodec.transforms.patch import photograph_log_scale

_MODELS = {
    "factorized": FactorizedModel,
    "scale": ScaleModel,
    "mean_scale": MeanScaleModel,
} | dict.fromkeys(TAPS, ContextModel)
ENTROPY_MODELS = tuple(_MODELS)


def build(description: Mapping[str, Any]) -> nn.Module:
    """The model of a description.

    Raises:
      CodecFileError: a kind or a field that this version does not know.
      ExtensionError: an import path that was not allowed, cannot be imported, or names something
        else.
    """
    try:
        model, coded = _model_class(description), coded_as(description)
        channels = description["gains"]["channels"]
        parts = networks.fields(description.get("entropy_fields", {})) | {
            "gains": Gains(**description["gains"])
        }
        parts |= {
            name: networks.create(description[name], name)
            for name in networks.PARTS
            if name in description
        }
        parts["prior"] = _prior(
            description.get("prior", {}), description.get("hyper_channels", channels)
        )
        if coded != "factorized":
            parts["scale_form"] = description.get("scale_form", "linear")
            if description.get("log_scale_start") == "photographs":
                parts["log_scale_start"] = photograph_log_scale(channels)
        if coded in TAPS:
            parts |= {"pattern": coded, "mixture": description.get("mixture", 1)}
        return model(**parts)
    except (KeyError, TypeError) as error:
        raise CodecFileError(
            f"the model description is not one that this version of jaxcodec can build: {error}"
        ) from error


def coded_as(description: Mapping[str, Any]) -> str:
    """Which of `ENTROPY_MODELS` tells how a model is exported and its symbols are coded: its own,
    or that of its class.

    Raises as `build`.
    """
    entropy = description.get("entropy")
    if not extensions.is_own(entropy) and entropy in ENTROPY_MODELS:
        return entropy
    coded = getattr(_model_class(description), "coded_as", None)
    if coded not in ENTROPY_MODELS:
        raise ExtensionError(
            f"{entropy} has `coded_as` {coded!r}, which tells how its symbols are coded; use one "
            "of "
            f"{', '.join(ENTROPY_MODELS)}, see docs/extending.md"
        )
    return coded


def stride(description: Mapping[str, Any]) -> int:
    """The multiple that the sides of an image must have: the product of all strides from image to
    innermost latent.
    """
    parts = ("analysis", "hyper_analysis")
    return math.prod(
        networks.create(description[name], name).stride for name in parts if name in description
    )


def _model_class(description: Mapping[str, Any]) -> type[nn.Module]:
    entropy = description.get("entropy")
    if extensions.is_own(entropy):
        return extensions.resolve(entropy, nn.Module)
    if entropy not in _MODELS:
        raise CodecFileError(
            f"the entropy model {entropy!r} is unknown; use one of {', '.join(ENTROPY_MODELS)}"
        )
    return _MODELS[entropy]


def _prior(settings: Mapping[str, Any], channels: int) -> nn.Module:
    settings = networks.fields(settings)
    density = extensions.resolve(settings.pop("kind", DeepFactorized), nn.Module)
    return density(channels=channels, **settings)
