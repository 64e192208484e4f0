"""LPIPS v0.1 (Zhang et al. 2018, arXiv 1801.03924), what both of its networks share.

Features of a network that was trained to classify, taken after each ReLU and normalised to unit
length at every place; squared differences weighed by a head of non-negative numbers, one for each
channel, the mean over places and the sum over layers. Nothing is shipped: the weights come from a
folder of the user's (`FOLDER`), and a missing one is an error that says so.
"""

import functools
import os
import pathlib
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.distortions.distortion import Distortion, DistortionError, as_float, plain
from jaxcodec.errors import CheckpointError
from jaxcodec.pytorch.state_dict import read_state_dict

FOLDER = "JAXCODEC_LPIPS"
"""Environment variable: the folder of the weights.

It has NETWORK_features.pth, as torchvision has them, and heads/NAME.pth of the authors' package,
version 0.1.
"""

Weights = Mapping[str, jax.Array]
"""Kernels (k, k, in, out), biases (out,) and heads (C,), by PyTorch's names."""

Features = Callable[[Weights, jax.Array], list[jax.Array]]
"""Weights and pictures (B, h, w, 3), normalised, to activations (B, h', w', C) of each layer."""

_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_LEAST_SQUARE = 1e-8
"""Under the root of a feature's length.

The paper adds 1e-10 to the root, whose gradient is infinite at 0. Values are the same to 1e-7.
"""


def distortion(
    name: str,
    network: str,
    label: str,
    features: Features,
    least_side: int,
) -> Distortion:
    """LPIPS with one network.

    Args:
      name: of the head's file, "alex".
      network: of the features' file, "alexnet".
      label: what people call the network.
      features: of the network.
      least_side: of pictures, in pixels.
    """
    return Distortion(
        name=f"lpips_{name}",
        unit=f"LPIPS ({label})",
        compare=functools.partial(_distance, features),
        metric=plain(f"lpips_{name}", f"LPIPS ({label})", digits=5),
        least_side=least_side,
        remedy="use SSIM for small images",
        load=functools.partial(_from_environment, name, network, features),
    )


def convolved(
    weights: Weights, name: str, x: jax.Array, stride: int = 1, pad: int = 0
) -> jax.Array:
    """A convolution and its ReLU."""
    x = jax.lax.conv_general_dilated(
        x,
        weights[f"{name}.weight"],
        (stride, stride),
        [(pad, pad)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return jax.nn.relu(x + weights[f"{name}.bias"])


def pooled(x: jax.Array, whole: bool = True) -> jax.Array:
    """The largest of 3x3 places at stride 2; `whole`: windows that lie inside, else also the last
    that reach out.
    """
    margins = [(0, 0 if whole else (size - 3) % 2) for size in x.shape[1:3]]
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), [(0, 0), *margins, (0, 0)]
    )


def _distance(
    features: Features,
    weights: Weights,
    a: jax.Array,
    b: jax.Array,
) -> jax.Array:
    height, width, channels = a.shape[-3:]
    if channels not in (1, 3):
        raise DistortionError(f"LPIPS takes images of 1 or 3 channels, and not of {channels}")
    planes = [
        jnp.broadcast_to(as_float(image), (*image.shape[:-1], 3)).reshape(-1, height, width, 3)
        for image in (a, b)
    ]
    both = (2 * jnp.concatenate(planes) - 1 - jnp.array(_SHIFT)) / jnp.array(_SCALE)
    found = jnp.zeros(len(planes[0]), jnp.float32)
    for layer, each in enumerate(features(weights, both)):
        unit = each / jnp.sqrt(jnp.sum(each**2, axis=-1, keepdims=True) + _LEAST_SQUARE)
        one, other = jnp.split(unit, 2)
        weighed = (one - other) ** 2 @ weights[f"lin{layer}"]
        found += jnp.mean(weighed, axis=(1, 2))
    return found.reshape(a.shape[:-3])


def _from_environment(name: str, network: str, features: Features) -> Weights:
    folder = os.environ.get(FOLDER)
    if not folder:
        raise DistortionError(
            f"LPIPS needs weights that are not part of jaxcodec; name their folder by --lpips DIR "
            f"or {FOLDER} (docs/evaluation.md says what is in it)"
        )
    return _load(folder, name, network, features)


@functools.lru_cache(maxsize=4)
def _load(folder: str, name: str, network: str, features: Features) -> Weights:
    """The weights of a folder; DistortionError where they are not all there and sound."""
    paths = [
        pathlib.Path(folder) / f"{network}_features.pth",
        pathlib.Path(folder) / "heads" / f"{name}.pth",
    ]
    try:
        network_weights, heads = (read_state_dict(path) for path in paths)
    except CheckpointError as problem:
        raise DistortionError(f"the weights of LPIPS cannot be read: {problem}") from problem
    weights = {
        key: np.transpose(value, (2, 3, 1, 0)) if value.ndim == 4 else value
        for key, value in network_weights.items()
    }
    weights |= {key.split(".")[0]: value.reshape(-1) for key, value in heads.items()}
    weights = {key: jnp.asarray(value, jnp.float32) for key, value in weights.items()}
    picture = jax.ShapeDtypeStruct((64, 64, 3), jnp.float32)
    try:
        jax.eval_shape(functools.partial(_distance, features), weights, picture, picture)
    except (KeyError, TypeError, ValueError) as problem:
        raise DistortionError(
            f"{paths[0]} or {paths[1]} is not of {network}; give the files that docs/evaluation.md "
            "names"
        ) from problem
    return weights
