"""Builds a model from its description: plain values, as configs hold them and codec files carry them.

A description is a dictionary:

- `entropy`: one of `ENTROPY_MODELS`, and with it `scale_form`, `log_scale_start` and `mixture` where the model has them;
- `analysis` and `synthesis` (and `hyper_analysis`, `hyper_synthesis`): each a `kind` and the fields of that network;
- `gains`: the fields of `Gains`;
- `hyper_channels`: channels of the hyper-latent, where there is one;
- `prior`: fields of `DeepFactorized` other than its channels, if they differ from the defaults.

Any transforms go with any entropy model.
"""

import math
from collections.abc import Mapping
from typing import Any

import flax.linen as nn

from jaxcodec.entropy.context import TAPS
from jaxcodec.entropy.factorized import DeepFactorized
from jaxcodec.errors import CodecFileError
from jaxcodec.models.context_model import ContextModel
from jaxcodec.models.factorized import FactorizedModel
from jaxcodec.models.gains import Gains
from jaxcodec.models.mean_scale import MeanScaleModel
from jaxcodec.models.scale_hyperprior import ScaleModel
from jaxcodec.transforms.balle import ConvAnalysis, ConvSynthesis
from jaxcodec.transforms.cheng import ChengAnalysis, ChengSynthesis
from jaxcodec.transforms.patch import (
    PatchAnalysis,
    PatchHyperAnalysis,
    PatchHyperSynthesis,
    PatchSynthesis,
    photograph_log_scale,
)
from jaxcodec.transforms.resnet import ResNetAnalysis, ResNetSynthesis

ENTROPY_MODELS = ("factorized", "scale", "mean_scale", *TAPS)
NETWORK_PARTS = ("analysis", "synthesis", "hyper_analysis", "hyper_synthesis")

_NETWORKS = {
    "conv_analysis": ConvAnalysis,
    "conv_synthesis": ConvSynthesis,
    "cheng_analysis": ChengAnalysis,
    "cheng_synthesis": ChengSynthesis,
    "resnet_analysis": ResNetAnalysis,
    "resnet_synthesis": ResNetSynthesis,
    "patch_analysis": PatchAnalysis,
    "patch_synthesis": PatchSynthesis,
    "patch_hyper_analysis": PatchHyperAnalysis,
    "patch_hyper_synthesis": PatchHyperSynthesis,
}


def build(description: Mapping[str, Any]) -> nn.Module:
    """The model of a description. Raises CodecFileError for a kind or a field that this version does not know."""
    entropy = description.get("entropy")
    if entropy not in ENTROPY_MODELS:
        raise CodecFileError(f"the entropy model {entropy!r} is unknown; use one of {', '.join(ENTROPY_MODELS)}")
    try:
        channels = description["gains"]["channels"]
        parts = {"gains": Gains(**description["gains"])}
        parts |= {name: network(description[name]) for name in NETWORK_PARTS if name in description}
        parts["prior"] = DeepFactorized(description.get("hyper_channels", channels), **_fields(description.get("prior", {})))
        if entropy == "factorized":
            return FactorizedModel(**parts)
        parts["scale_form"] = description.get("scale_form", "linear")
        if description.get("log_scale_start") == "photographs":
            parts["log_scale_start"] = photograph_log_scale(channels)
        if entropy in TAPS:
            return ContextModel(pattern=entropy, mixture=description.get("mixture", 1), **parts)
        return {"scale": ScaleModel, "mean_scale": MeanScaleModel}[entropy](**parts)
    except (KeyError, TypeError) as error:
        raise CodecFileError(f"the model description is not one that this version of jaxcodec can build: {error}") from error


def network(settings: Mapping[str, Any]) -> nn.Module:
    """A transform from its `kind` and its fields; those that analyse have a `stride`, those at the image a `halo`.

    Raises CodecFileError for an unknown kind, TypeError for an unknown field.
    """
    fields = _fields(settings)
    kind = fields.pop("kind")
    if kind not in _NETWORKS:
        raise CodecFileError(f"the network {kind!r} is unknown; use one of {', '.join(sorted(_NETWORKS))}")
    return _NETWORKS[kind](**fields)


def stride(description: Mapping[str, Any]) -> int:
    """The multiple that the sides of an image must have: the product of all strides from image to innermost latent."""
    return math.prod(network(description[name]).stride for name in ("analysis", "hyper_analysis") if name in description)


def _fields(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with lists, as JSON has them, made the tuples that modules can hold."""
    return {name: tuple(value) if isinstance(value, (list, tuple)) else value for name, value in settings.items()}
