"""Builds a model from its description: plain values, as configs hold them and codec files carry them.

A description is a dictionary: `entropy` ("factorized" or "mean_scale") and its settings, `analysis` and `synthesis`
(and `hyper_analysis`, `hyper_synthesis`), each a dictionary with a `kind` and the fields of that network, and `gains`.
Any transforms go with any entropy model; `stride` is the multiple that image sides must have.
"""

import math
from collections.abc import Mapping
from typing import Any

import flax.linen as nn

from jaxcodec.errors import CodecFileError
from jaxcodec.models.factorized import FactorizedModel
from jaxcodec.models.gains import Gains
from jaxcodec.models.mean_scale import MeanScaleModel
from jaxcodec.transforms.balle import ConvAnalysis, ConvSynthesis
from jaxcodec.transforms.patch import (
    PatchAnalysis,
    PatchHyperAnalysis,
    PatchHyperSynthesis,
    PatchSynthesis,
    photograph_log_scale,
)

_NETWORKS = {
    "conv_analysis": ConvAnalysis,
    "conv_synthesis": ConvSynthesis,
    "patch_analysis": PatchAnalysis,
    "patch_synthesis": PatchSynthesis,
    "patch_hyper_analysis": PatchHyperAnalysis,
    "patch_hyper_synthesis": PatchHyperSynthesis,
}


def build(description: Mapping[str, Any]) -> nn.Module:
    """The model of a description. Raises CodecFileError for a kind or a field that this version does not know."""
    entropy = description.get("entropy")
    try:
        gains = Gains(**description["gains"])
        networks = {name: _network(description[name]) for name in ("analysis", "synthesis")}
        if entropy == "factorized":
            return FactorizedModel(gains=gains, **networks)
        if entropy == "mean_scale":
            networks |= {name: _network(description[name]) for name in ("hyper_analysis", "hyper_synthesis")}
            photographs = description.get("log_scale_start") == "photographs"
            return MeanScaleModel(
                gains=gains,
                hyper_channels=description["hyper_channels"],
                scale_form=description.get("scale_form", "linear"),
                log_scale_start=photograph_log_scale(gains.channels) if photographs else None,
                **networks,
            )
    except (KeyError, TypeError) as error:
        raise CodecFileError(f"the model description is not one that this version of jaxcodec can build: {error}") from error
    raise CodecFileError(f"the entropy model {entropy!r} is unknown; use 'factorized' or 'mean_scale'")


def _network(settings: Mapping[str, Any]) -> nn.Module:
    settings = dict(settings)
    kind = settings.pop("kind")
    if kind not in _NETWORKS:
        raise CodecFileError(f"the network {kind!r} is unknown; use one of {', '.join(sorted(_NETWORKS))}")
    fields = {name: tuple(value) if isinstance(value, (list, tuple)) else value for name, value in settings.items()}
    return _NETWORKS[kind](**fields)


def stride(description: Mapping[str, Any]) -> int:
    """The multiple that the sides of an image must have: the product of all strides from image to innermost latent."""
    total = 1
    for name in ("analysis", "hyper_analysis"):
        settings = description.get(name)
        if settings is None:
            continue
        total *= {"patch_analysis": 16, "patch_hyper_analysis": 4}.get(settings["kind"]) or math.prod(settings["strides"])
    return total
