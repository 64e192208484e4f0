"""Networks from their settings: those of the package by name, others by import path."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn

from jaxcodec import extensions
from jaxcodec.errors import CodecFileError, ExtensionError
from jaxcodec.transforms.balle import ConvAnalysis, ConvSynthesis
from jaxcodec.transforms.cheng import ChengAnalysis, ChengSynthesis
from jaxcodec.transforms.layers import activation
from jaxcodec.transforms.patch import (
    PatchAnalysis,
    PatchHyperAnalysis,
    PatchHyperSynthesis,
    PatchSynthesis,
)
from jaxcodec.transforms.resnet import ResNetAnalysis, ResNetSynthesis

PARTS = {
    "analysis": ("stride", "halo"),
    "synthesis": ("halo",),
    "hyper_analysis": ("stride", "halo"),
    "hyper_synthesis": ("halo",),
}
"""The networks of a model, each with its required attributes; see docs/extending.md."""

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


def create(settings: Mapping[str, Any], part: str) -> nn.Module:
    """The network of a part of a model, from its `kind` and its fields.

    Raises:
      CodecFileError: the kind is unknown, or its activation.
      ExtensionError: it is an import path that was not allowed, cannot be imported, or is no
        network for this part.
      KeyError, TypeError: there is no kind, or a field is unknown or missing.
    """
    settings = fields(settings)
    kind = settings.pop("kind")
    if extensions.is_own(kind):
        network = extensions.resolve(kind, nn.Module)(**settings)
        for needed in PARTS[part]:
            if not hasattr(network, needed):
                raise ExtensionError(
                    f"{kind} has no `{needed}`, which {part} needs; see docs/extending.md"
                )
        return network
    if kind not in _NETWORKS:
        raise CodecFileError(
            f"the network {kind!r} is unknown; use one of {', '.join(sorted(_NETWORKS))}"
        )
    try:
        activation(settings.get("activation", "relu"))
    except ValueError as error:
        raise CodecFileError(f"{part} cannot be built: {error}") from None
    return _NETWORKS[kind](**settings)


def fields(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with lists, as JSON has them, made the tuples that modules can hold."""
    return {
        name: tuple(value) if isinstance(value, (list, tuple)) else value
        for name, value in settings.items()
    }
