"""Layers that the transforms are made of.

Layers inside of networks have names, which are those that parameters have in checkpoints and codec
files: another order of layers changes nothing there.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.ops import depth_to_space, interpolate_points
from jaxcodec.runtime.convolution import conv2d, upsample_conv
from jaxcodec.transforms import operations
from jaxcodec.transforms.gdn import GDN
from jaxcodec.transforms.operations import Modulate, Operation, Shuffle
from jaxcodec.transforms.shrinkage import Shrinkage


def kernel_start(scale: float = 1.0, variance: float = 1.0, alike: int = 1) -> Callable:
    """Kernels at the start: normal numbers of `variance` over the fan-in, times `scale`.

    alike: of a `SubpixelConv` with this stride, whose kernels start the same over every block
    (ICNR, Aitken et al. 2017): what comes out is as smooth as the input, and not white noise.
    """
    drawn = nn.initializers.variance_scaling(variance, "fan_in", "truncated_normal")

    def start(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        kernel = drawn(key, (*shape[:-1], shape[-1] // alike**2))
        return scale * jnp.tile(kernel, (1, 1, 1, alike**2))

    return start


_kernel_init = kernel_start()
branch_init = nn.initializers.variance_scaling(1 / 3, "fan_in", "truncated_normal")
"""For residual branches, which make values grow from block to block; the variance of PyTorch's
default.
"""


class Conv(nn.Module):
    """Convolution with zero padding (or edge replication).

    (B, H, W, I) to (B, ceil(H/stride), ceil(W/stride), features).
    """

    features: int
    kernel: int = 3
    stride: int = 1
    border: str = "zeros"
    use_bias: bool = True
    kernel_init: Callable = _kernel_init
    bias_init: Callable = nn.initializers.zeros

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        y = conv2d(x, self.param("kernel", self.kernel_init, shape), self.stride, self.border)
        return y + self.param("bias", self.bias_init, (self.features,)) if self.use_bias else y

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`; of stride 1 and with a bias only."""
        return [operations.conv(params, self.border)]

    @property
    def footprint(self) -> tuple[tuple[int, int], ...]:
        """See `transforms.reach`."""
        return ((self.kernel, self.stride),)


class UpsampleConv(nn.Module):
    """Transposed convolution, computed as convolution and depth-to-space.

    (B, H, W, I) to (B, stride*H, stride*W, features). scale: of the kernel at the start.
    """

    features: int
    kernel: int = 5
    stride: int = 2
    scale: float = 1.0

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        # Every output sums only about (k / stride)^2 taps, so the fan-in is smaller than the
        # kernel's by stride^2.
        start = kernel_start(self.scale, float(self.stride**2))
        y = upsample_conv(x, self.param("kernel", start, shape), self.stride)
        return y + self.param("bias", nn.initializers.zeros, (self.features,))

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`."""
        layer = operations.conv(params)
        # Transposed: the kernel lies the other way round.
        kernel = layer.kernel[::-1, ::-1]
        return [dataclasses.replace(layer, kernel=kernel, upsample=self.stride)]

    @property
    def footprint(self) -> tuple[tuple[int, int], ...]:
        """See `transforms.reach`."""
        return ((self.kernel, self.stride),)


class SubpixelConv(nn.Module):
    """Convolution to stride^2 times the channels, then depth-to-space.

    (B, H, W, I) to (B, stride*H, stride*W, features).

    Shi et al. 2016. Channels of the convolution are (row, column, features).
    """

    features: int
    kernel: int = 3
    stride: int = 2
    kernel_init: Callable = _kernel_init

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return depth_to_space(self._conv(self)(x), self.stride)

    def _conv(self, parent: nn.Module | None) -> Conv:
        features = self.stride**2 * self.features
        settings = {"kernel_init": self.kernel_init, "parent": parent, "name": "Conv_0"}
        return Conv(features, self.kernel, **settings)

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`."""
        return [*operations.of_layer(self._conv(None), params), Shuffle(self.stride)]

    @property
    def footprint(self) -> tuple[tuple[int, int], ...]:
        """See `transforms.reach`."""
        return ((self.kernel, 1), (1, self.stride))


_NORMALISATIONS = {"gdn": False, "igdn": True}


ActivationKind = str | Mapping[str, Any]
"""An activation by its name, or by "kind" and the fields of its layer."""


def activation(
    description: ActivationKind, name: str | None = None
) -> Callable[[jax.Array], jax.Array]:
    """An activation: gdn, igdn, shrinkage, relu, leaky_relu or silu.

    {"kind": "shrinkage", "surrogate": "gate", "start": 0.1} has fields of its layer besides. `name`
    is that of the layer, where it has parameters.

    Raises:
      ValueError: the kind or a surrogate is unknown, or an elementwise one has fields.
      TypeError: a layer has no such field.
    """
    kind = activation_kind(description)
    fields = {} if isinstance(description, str) else {**description}
    fields.pop("kind", None)
    if kind in _NORMALISATIONS:
        return GDN(inverse=_NORMALISATIONS[kind], name=name, **fields)
    if kind == "shrinkage":
        return Shrinkage(name=name, **fields)
    if fields:
        raise ValueError(f"the activation {kind!r} has no fields; leave out {', '.join(fields)}")
    if kind not in operations.ELEMENTWISE:
        known = (*_NORMALISATIONS, "shrinkage", *operations.ELEMENTWISE)
        raise ValueError(f"the activation {kind!r} is unknown; use one of {', '.join(known)}")
    return operations.ELEMENTWISE[kind]


def activation_kind(description: ActivationKind) -> str:
    """The name of an activation."""
    return description if isinstance(description, str) else description["kind"]


class Modulation(nn.Module):
    """Scales and shifts the channels of (B, H, W, C) by vectors of the quality (B,).

    It starts as the identity.
    """

    points: int

    @nn.compact
    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        shape = (self.points, x.shape[-1])
        scale = interpolate_points(self.param("scale", nn.initializers.zeros, shape), quality)
        shift = interpolate_points(self.param("shift", nn.initializers.zeros, shape), quality)
        return x * (1 + scale[:, None, None]) + shift[:, None, None]

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`."""
        scale, shift = (np.asarray(params[name], np.float32) for name in ("scale", "shift"))
        return [Modulate(scale, shift)]
