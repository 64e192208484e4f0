"""The convolutional transforms of Balle et al. 2017/2018 and Minnen et al. 2018, all sizes as settings."""

from collections.abc import Sequence

import flax.linen as nn

from jaxcodec.transforms.layers import Conv, UpsampleConv, activation


class ConvAnalysis(nn.Module):
    """Strided convolutions with an activation between: (B, H, W, I) to (B, H/s, W/s, features[-1]), s the product of strides."""

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


class ConvSynthesis(nn.Module):
    """Upsampling convolutions with an activation between: (B, h, w, I) to (B, s h, s w, features[-1]), s the product of strides."""

    features: Sequence[int]
    kernels: Sequence[int]
    strides: Sequence[int]
    activation: str = "igdn"

    @nn.compact
    def __call__(self, x, quality):
        del quality
        layers = list(zip(self.features, self.kernels, self.strides, strict=True))
        for position, (features, kernel, stride) in enumerate(layers):
            x = UpsampleConv(features, kernel, stride)(x) if stride > 1 else Conv(features, kernel)(x)
            if position + 1 < len(layers):
                x = activation(self.activation)(x)
        return x
