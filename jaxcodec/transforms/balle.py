"""The convolutional transforms of Balle et al. 2017/2018 and Minnen et al. 2018, all sizes as
settings.
"""

import math
from collections.abc import Sequence

import flax.linen as nn

from jaxcodec.transforms.layers import Conv, SubpixelConv, UpsampleConv, activation
from jaxcodec.transforms.reach import analysis_halo, synthesis_halo


class ConvAnalysis(nn.Module):
    """Strided convolutions with an activation between: (B, H, W, I) to (B, H/s, W/s, features[-1]),
    s the product of strides.
    """

    features: Sequence[int]
    kernels: Sequence[int]
    strides: Sequence[int]
    activation: str = "gdn"

    @nn.compact
    def __call__(self, x, quality):
        del quality
        layers = list(zip(self.features, self.kernels, self.strides, strict=True))
        for position, (features, kernel, stride) in enumerate(layers):
            x = Conv(features, kernel, stride)(x)
            if position + 1 < len(layers):
                x = activation(self.activation)(x)
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
    """Upsampling convolutions with an activation between: (B, h, w, I) to (B, s h, s w,
    features[-1]), s the product of strides.

    Upsampling layers are transposed convolutions, or with `subpixel` convolutions followed by
    depth-to-space.
    """

    features: Sequence[int]
    kernels: Sequence[int]
    strides: Sequence[int]
    activation: str = "igdn"
    subpixel: bool = False

    @nn.compact
    def __call__(self, x, quality):
        del quality
        layers = _upsampling(self)
        for position, layer in enumerate(layers):
            x = layer(x)
            if position + 1 < len(layers):
                x = activation(self.activation)(x)
        return x

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in input positions."""
        return synthesis_halo([step for layer in _upsampling(self) for step in layer.path])


def _upsampling(settings: ConvSynthesis) -> list[nn.Module]:
    upsample = SubpixelConv if settings.subpixel else UpsampleConv
    return [
        upsample(features, kernel, stride) if stride > 1 else Conv(features, kernel)
        for features, kernel, stride in zip(
            settings.features, settings.kernels, settings.strides, strict=True
        )
    ]
