"""Checkpoints of CompressAI as models of ours.

The architecture is recognised from the names and shapes of the tensors alone. An imported model
computes the same as CompressAI's `forward` in evaluation, to the rounding of float32: latents,
scales, means, likelihoods and pictures. Its files are not CompressAI's. With a context model they
hold other symbols too: CompressAI's `compress` rounds the latent about its mean, though the model
was trained, and is evaluated by `forward`, with the latent rounded to integers. Ours is coded as it
was trained.
"""

import dataclasses
import itertools
import os
import re
from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax
import numpy as np

from jaxcodec import models
from jaxcodec.errors import CheckpointError
from jaxcodec.importing import compressai_layers as layers
from jaxcodec.importing.compressai_layers import FORMS, Layer
from jaxcodec.models import presets
from jaxcodec.pytorch.state_dict import read_state_dict

ARCHITECTURES = (
    "bmshj2018-factorized",
    "bmshj2018-hyperprior",
    "mbt2018-mean",
    "mbt2018",
    "cheng2020-anchor",
    "cheng2020-attn",
)
"""CompressAI's names of the models that can be imported."""

_PRIOR = "entropy_bottleneck"
_PEDESTAL = 2.0**-36
_CONSTANTS = {
    "pedestal": _PEDESTAL,
    "beta_reparam.lower_bound.bound": (1e-6 + _PEDESTAL) ** 0.5,
    "gamma_reparam.lower_bound.bound": _PEDESTAL**0.5,
    "likelihood_lower_bound.bound": 1e-9,
    "lower_bound_scale.bound": 0.11,
    "scale_bound": 0.11,
}  # what our models have built in
_DERIVED = re.compile(r".*\.(_offset|_quantized_cdf|_cdf_length|target|scale_table|mask)")

_Tensors = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class ImportedModel:
    """A model of ours with the weights of a checkpoint.

    Attributes:
      architecture: CompressAI's name of it, one of ARCHITECTURES.
      description: what `models.build` takes.
      params: the model's variables, {"params": ...}, float32.
      layers: which layer of CompressAI's is which of ours.
    """

    architecture: str
    description: dict[str, Any]
    params: dict[str, Any]
    layers: list[Layer]


def import_checkpoint(path: str | os.PathLike[str]) -> ImportedModel:
    """The model of a CompressAI checkpoint.

    The checkpoint is a file of `torch.save` or safetensors (see `pytorch.state_dict`).

    Raises:
      CheckpointError: the file cannot be read, or is not of a model in ARCHITECTURES as CompressAI
        has it.
    """
    tensors = {_current_name(name): tensor for name, tensor in read_state_dict(path).items()}
    try:
        architecture, description, mapped = _recognise(tensors)
        _check_names(tensors, mapped)
        _check_constants(tensors)
        weights = _prior(tensors)
        for layer in mapped:
            form = FORMS[layer.form]
            arrays = form.convert(
                {name: tensors[f"{layer.source}.{name}"] for name in form.tensors}
            )
            weights |= {f"{layer.path}/{name}": array for name, array in arrays.items()}
        description |= {"prior": {"widths": _prior_widths(tensors), "centred": False}}
        _check_shapes(weights, description)
    except (ValueError, IndexError) as problem:
        raise CheckpointError(
            f"{path} cannot be imported: {problem}; it must be a checkpoint of one of CompressAI's "
            "models "
            f"{', '.join(ARCHITECTURES)}"
        ) from problem
    weights = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
    return ImportedModel(
        architecture,
        description,
        {"params": flax.traverse_util.unflatten_dict(weights, "/")},
        mapped,
    )


def _current_name(name: str) -> str:
    """The name that a tensor of an earlier CompressAI has in version 1.2.8."""
    name = name.replace(".downsample.", ".skip.")
    plural = {"matrix": "matrices", "bias": "biases", "factor": "factors"}
    name = re.sub(
        rf"^{_PRIOR}\._(matrix|bias|factor)(\d)$",
        lambda old: f"{_PRIOR}.{plural[old[1]]}.{old[2]}",
        name,
    )
    return re.sub(rf"^{_PRIOR}\._(matrices|biases|factors)\.", rf"{_PRIOR}.\1.", name)


def _recognise(tensors: _Tensors) -> tuple[str, presets.Description, list[Layer]]:
    """Architecture, description and layers; raises ValueError where there is none."""
    context = "context_prediction.weight" in tensors
    if "g_a.0.conv1.weight" in tensors and context:
        features, attention = (
            _size(tensors, "g_a.0.conv1.weight"),
            "g_a.3.conv_a.0.conv.0.weight" in tensors,
        )
        networks = (
            layers.cheng_transforms(attention)
            + layers.cheng_hyper_networks()
            + layers.context_networks()
        )
        return (
            f"cheng2020-{'attn' if attention else 'anchor'}",
            presets.cheng2020_model(features, attention),
            networks,
        )
    if not {"g_a.0.weight", "g_a.6.weight"} <= tensors.keys():
        raise ValueError("its tensors do not have the names of a known model")
    sizes = _size(tensors, "g_a.0.weight"), _size(tensors, "g_a.6.weight")
    networks = layers.balle_transforms()
    if "h_s.4.weight" not in tensors:
        return "bmshj2018-factorized", presets.factorized_model(*sizes), networks
    if context:
        networks += layers.balle_hyper_networks("conv") + layers.context_networks()
        return "mbt2018", presets.autoregressive_model(*sizes), networks
    if _size(tensors, "h_s.4.weight") == sizes[1]:
        networks += layers.balle_hyper_networks("conv")
        return "bmshj2018-hyperprior", presets.scale_hyperprior_model(*sizes), networks
    return (
        "mbt2018-mean",
        presets.mean_scale_model(*sizes),
        networks + layers.balle_hyper_networks("scales_means"),
    )


def _size(tensors: _Tensors, name: str, axis: int = 0) -> int:
    shape = tensors[name].shape
    if len(shape) <= axis or not shape[axis]:
        raise ValueError(f"its tensor {name} has the shape {shape}")
    return shape[axis]


def _prior_widths(tensors: _Tensors) -> list[int]:
    depth = next(k for k in itertools.count() if f"{_PRIOR}.matrices.{k}" not in tensors)
    return [_size(tensors, f"{_PRIOR}.matrices.{k}", axis=1) for k in range(depth - 1)]


def _prior_names(tensors: _Tensors) -> list[str]:
    depth = len(_prior_widths(tensors))
    names = [f"{kind}.{k}" for kind in ("matrices", "biases") for k in range(depth + 1)]
    return [
        f"{_PRIOR}.{name}"
        for name in (*names, *(f"factors.{k}" for k in range(depth)), "quantiles")
    ]


def _prior(tensors: _Tensors) -> dict[str, np.ndarray]:
    """The density of the entropy bottleneck.

    Of the quantiles only the median counts, the grid's offset.
    """
    weights = {"prior/median": tensors[f"{_PRIOR}.quantiles"][:, 0, 1]}
    for k in range(len(_prior_widths(tensors)) + 1):
        weights[f"prior/matrix_{k}"] = tensors[f"{_PRIOR}.matrices.{k}"]
        weights[f"prior/bias_{k}"] = tensors[f"{_PRIOR}.biases.{k}"][..., 0]
    for k in range(len(_prior_widths(tensors))):
        weights[f"prior/factor_{k}"] = tensors[f"{_PRIOR}.factors.{k}"][..., 0]
    return weights


def _check_names(tensors: _Tensors, mapped: list[Layer]) -> None:
    """Raise unless all names are there, and none is left that could matter.

    A name matters if it could change what the model computes.
    """
    needed = {f"{layer.source}.{name}" for layer in mapped for name in FORMS[layer.form].tensors}
    needed |= set(_prior_names(tensors))
    missing = sorted(needed - tensors.keys())
    if missing:
        raise ValueError(f"it lacks the tensor {missing[0]}")
    known = (
        name for name in tensors if _DERIVED.fullmatch(name) or name.endswith(tuple(_CONSTANTS))
    )
    left = sorted(tensors.keys() - needed - set(known))
    if left:
        raise ValueError(f"its tensor {left[0][:80]!r} is of no known use")


def _check_constants(tensors: _Tensors) -> None:
    for name, tensor in tensors.items():
        for suffix, value in _CONSTANTS.items():
            if name.endswith(suffix) and not np.allclose(tensor, value, rtol=1e-3, atol=1e-6):
                raise ValueError(f"its constant {name} is {tensor.ravel()[:1]} and not {value:g}")


def _check_shapes(weights: _Tensors, description: presets.Description) -> None:
    image, quality = np.zeros((1, 64, 64, 3), np.float32), np.zeros(1, np.float32)
    model, key = models.build(description), jax.random.key(0)
    made = jax.eval_shape(model.init, key, image, quality, key)["params"]
    expected: dict[str, Any] = dict(flax.traverse_util.flatten_dict(made, sep="/"))
    for name, shape in expected.items():
        if weights[name].shape != shape.shape:
            raise ValueError(
                f"the tensors of {name} make the shape {weights[name].shape} and not {shape.shape}"
            )
