"""The convolutional transforms of Balle et al. 2017/2018 and Minnen et al. 2018.

All sizes are settings.
"""

import collections
import math
from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax

from jaxcodec.errors import CodecFileError
from jaxcodec.transforms import operations
from jaxcodec.transforms.layers import (
    ActivationKind,
    Conv,
    SubpixelConv,
    UpsampleConv,
    activation,
    activation_kind,
    kernel_start,
)
from jaxcodec.transforms.operations import Activate, Operation
from jaxcodec.transforms.reach import analysis_halo, synthesis_halo


def _name(description: ActivationKind, place: int) -> str:
    """That of an activation's parameters."""
    return f"{'Shrinkage' if activation_kind(description) == 'shrinkage' else 'GDN'}_{place}"


class ConvAnalysis(nn.Module):
    """Strided convolutions with an activation between.

    (B, H, W, I) to (B, H/s, W/s, features[-1]), s the product of strides. `last_scale`: of the last
    kernel at the start. `signed`: the network sees images in [-1, 1].
    """

    features: Sequence[int]
    kernels: Sequence[int]
    strides: Sequence[int]
    activation: ActivationKind = "gdn"
    last_scale: float = 1.0
    signed: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        del quality
        x = 2 * x - 1 if self.signed else x
        layers = list(zip(self.features, self.kernels, self.strides, strict=True))
        for place, (features, kernel, stride) in enumerate(layers):
            last = place + 1 == len(layers)
            start = kernel_start(self.last_scale if last else 1.0)
            x = Conv(features, kernel, stride, kernel_init=start, name=f"Conv_{place}")(x)
            if not last:
                x = activation(self.activation, _name(self.activation, place))(x)
        return x

    @property
    def stride(self) -> int:
        """Input pixels for each output position, along each axis."""
        return math.prod(self.strides)

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in output positions."""
        return analysis_halo(list(zip(self.kernels, self.strides, strict=True)))


class ConvSynthesis(nn.Module):
    """Upsampling convolutions with an activation between.

    (B, h, w, I) to (B, s h, s w, features[-1]), s the product of strides.

    Upsampling layers are transposed convolutions, or with `subpixel` convolutions followed by
    depth-to-space; these start the same over every block if `alike` (`layers.kernel_start`).
    `last_scale`: of the last kernel at the start. `signed`: the network makes images in [-1, 1].
    """

    features: Sequence[int]
    kernels: Sequence[int]
    strides: Sequence[int]
    activation: ActivationKind = "igdn"
    subpixel: bool = False
    alike: bool = False
    last_scale: float = 1.0
    signed: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        del quality
        *inner, last = self._layers(self)
        for place, layer in enumerate(inner):
            x = activation(self.activation, _name(self.activation, place))(layer(x))
        x = last(x)
        return (x + 1) / 2 if self.signed else x

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`; raises CodecFileError for an activation without integers."""
        *inner, last = self._layers(None)
        kind = activation_kind(self.activation)
        if inner and kind not in operations.ELEMENTWISE:
            raise CodecFileError(
                f"a hyper-synthesis with {kind!r} has no integer form; use one of "
                f"{', '.join(operations.ELEMENTWISE)}"
            )
        ops = []
        for layer in inner:
            ops += [*operations.of_layer(layer, params), Activate(kind)]
        return [*ops, *operations.of_layer(last, params)]

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in input positions."""
        return synthesis_halo([step for layer in self._layers(None) for step in layer.footprint])

    def _layers(self, parent: nn.Module | None) -> list[nn.Module]:
        """Each is named by its kind and its number among those; detached where `parent` is None."""
        layers, count = [], collections.Counter()
        sizes = zip(self.features, self.kernels, self.strides, strict=True)
        for place, size in enumerate(sizes):
            kind = Conv if size[2] == 1 else SubpixelConv if self.subpixel else UpsampleConv
            name = f"{kind.__name__}_{count[kind]}"
            count[kind] += 1
            scale = self.last_scale if place + 1 == len(self.features) else 1.0
            if kind is Conv:
                layer = Conv(*size, kernel_init=kernel_start(scale), parent=parent, name=name)
            elif kind is SubpixelConv:
                start = kernel_start(scale, alike=size[2] if self.alike else 1)
                layer = SubpixelConv(*size, kernel_init=start, parent=parent, name=name)
            else:
                layer = UpsampleConv(*size, scale=scale, parent=parent, name=name)
            layers.append(layer)
        return layers
