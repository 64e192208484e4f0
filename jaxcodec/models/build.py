"""Builds a model from its description, plain values in configs and codec files.

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
from jaxcodec.entropy.distributions.deep_factorized import DeepFactorized
from jaxcodec.entropy.entropy_models import ENTROPY_MODELS
from jaxcodec.entropy.model import EntropyModel
from jaxcodec.errors import CodecFileError
from jaxcodec.transforms import network_table
from jaxcodec.transforms.gains import Gains


def build(description: Mapping[str, Any]) -> EntropyModel:
    """The model of a description.

    Raises:
      CodecFileError: a kind or a field that this version does not know, or parts that do not go
        together.
      ExtensionError: an import path that was not allowed, cannot be imported, or names something
        else.
    """
    try:
        model = _model_class(description)
        channels = description["gains"]["channels"]
        parts: dict[str, Any] = {
            name: network_table.create(description[name], name)
            for name in network_table.PARTS
            if name in description
        }
        parts["gains"] = Gains(**description["gains"])
        parts["prior"] = _prior(
            description.get("prior", {}), description.get("hyper_channels", channels)
        )
        fields = network_table.fields(description.get("entropy_fields", {})) | model.fields(
            description
        )
        made = model(**fields, **parts)
    except (KeyError, TypeError) as error:
        raise CodecFileError(
            f"the model description is not one that this version of jaxcodec can build: {error}"
        ) from error
    made.check()
    return made


def stride(description: Mapping[str, Any]) -> int:
    """The multiple that the sides of an image must have.

    The product of all strides from image to innermost latent.
    """
    parts = ("analysis", "hyper_analysis")
    return math.prod(
        network_table.create(description[name], name).stride
        for name in parts
        if name in description
    )


def _model_class(description: Mapping[str, Any]) -> type[EntropyModel]:
    entropy = description.get("entropy")
    if extensions.is_own(entropy):
        return extensions.resolve(entropy, EntropyModel)
    if entropy not in ENTROPY_MODELS:
        raise CodecFileError(
            f"the entropy model {entropy!r} is unknown; use one of {', '.join(ENTROPY_MODELS)}"
        )
    return ENTROPY_MODELS[entropy]


def _prior(settings: Mapping[str, Any], channels: int) -> nn.Module:
    fields = network_table.fields(settings)
    density = extensions.resolve(fields.pop("kind", DeepFactorized), nn.Module)
    return density(channels=channels, **fields)
