"""Convolutional transforms with residual blocks (Guerin 2024, 5.5.7).

The blocks (He et al. 2015) replace convolution and GDN.

As many layers as `transforms.balle` has, of the same kernels and strides: each but the last is a
block, the last a convolution alone, without an activation. There is no GDN. What the thesis leaves
open is chosen so: the first convolution of a block has kernel and stride of the layer that it
replaces and the second is 3x3; the shortcut is a projection (He's option B); there is no batch
normalisation, under which the rate of an image would hang on the others of its batch.
"""

import math
from collections.abc import Sequence

import flax.linen as nn
import jax

from jaxcodec.transforms.layers import Conv, SubpixelConv, UpsampleConv
from jaxcodec.transforms.reach import Path, analysis_halo, synthesis_halo


class DownBlock(nn.Module):
    """ReLU(convolutions(x) + projection(x)): (B, H, W, I) to (B, H/stride, W/stride, features).

    The convolutions are a strided one, a ReLU, and a 3x3 one; the projection is a strided 1x1
    convolution.
    """

    features: int
    kernel: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = jax.nn.relu(Conv(self.features, self.kernel, self.stride)(x))
        return jax.nn.relu(Conv(self.features)(h) + Conv(self.features, 1, self.stride)(x))

    @property
    def footprint(self) -> Path:
        """See `transforms.reach`."""
        return ((self.kernel, self.stride), (3, 1))


class UpBlock(nn.Module):
    """The same upwards: (B, H, W, I) to (B, stride*H, stride*W, features).

    A transposed convolution in place of the strided one, and a sub-pixel 1x1 convolution for the
    projection.
    """

    features: int
    kernel: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = jax.nn.relu(UpsampleConv(self.features, self.kernel, self.stride)(x))
        return jax.nn.relu(Conv(self.features)(h) + SubpixelConv(self.features, 1, self.stride)(x))

    @property
    def footprint(self) -> Path:
        """See `transforms.reach`."""
        return ((self.kernel, self.stride), (3, 1))


class ResNetAnalysis(nn.Module):
    """Image (B, H, W, I) to latent (B, H/s, W/s, features[-1]), s the product of strides."""

    features: Sequence[int]
    kernels: Sequence[int]
    strides: Sequence[int]

    def setup(self) -> None:
        self.layers = _layers(self, DownBlock, Conv)

    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        del quality
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def stride(self) -> int:
        """Input pixels for each output position, along each axis."""
        return math.prod(self.strides)

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in output positions."""
        return analysis_halo(
            [step for layer in _layers(self, DownBlock, Conv) for step in layer.footprint]
        )


class ResNetSynthesis(nn.Module):
    """Latent (B, h, w, I) to image (B, s h, s w, features[-1]), s the product of strides."""

    features: Sequence[int]
    kernels: Sequence[int]
    strides: Sequence[int]

    def setup(self) -> None:
        self.layers = _layers(self, UpBlock, UpsampleConv)

    def __call__(self, y: jax.Array, quality: jax.Array) -> jax.Array:
        del quality
        for layer in self.layers:
            y = layer(y)
        return y

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in input positions."""
        return synthesis_halo(
            [step for layer in _layers(self, UpBlock, UpsampleConv) for step in layer.footprint]
        )


def _layers(network, block: type[nn.Module], last: type[nn.Module]) -> list[nn.Module]:
    sizes = list(zip(network.features, network.kernels, network.strides, strict=True))
    return [*(block(*size) for size in sizes[:-1]), last(*sizes[-1])]
