"""Analysis and synthesis of Cheng et al. 2020.

As CompressAI's cheng2020-anchor and cheng2020-attn have them.

Their hyper networks are `ConvAnalysis`, and `ConvSynthesis` with sub-pixel convolutions.
"""

import flax.linen as nn
import jax

from jaxcodec.transforms.attention import AttentionBlock
from jaxcodec.transforms.layers import Conv, SubpixelConv
from jaxcodec.transforms.reach import Path, analysis_halo, synthesis_halo
from jaxcodec.transforms.residual import DownBlock, ResidualBlock, UpBlock


class ChengAnalysis(nn.Module):
    """Image (B, H, W, 3) to latent (B, H/16, W/16, features); H and W are multiples of 16."""

    features: int
    attention: bool = False
    stride = 16

    def setup(self) -> None:
        self.layers = _analysis(self.features, self.attention)

    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        del quality
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in latent positions."""
        return analysis_halo(_path(_analysis(self.features, self.attention)))


class ChengSynthesis(nn.Module):
    """Latent (B, h, w, features) to image (B, 16 h, 16 w, 3)."""

    features: int
    attention: bool = False

    def setup(self) -> None:
        self.layers = _synthesis(self.features, self.attention)

    def __call__(self, y: jax.Array, quality: jax.Array) -> jax.Array:
        del quality
        for layer in self.layers:
            y = layer(y)
        return y

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in latent positions."""
        return synthesis_halo(_path(_synthesis(self.features, self.attention)))


def _analysis(n: int, attention: bool) -> list[nn.Module]:
    layers = [
        DownBlock(n),
        ResidualBlock(n),
        DownBlock(n),
        *_attention(n, attention),
        ResidualBlock(n),
        DownBlock(n),
    ]
    return [*layers, ResidualBlock(n), Conv(n, stride=2), *_attention(n, attention)]


def _synthesis(n: int, attention: bool) -> list[nn.Module]:
    layers = [*_attention(n, attention), ResidualBlock(n), UpBlock(n), ResidualBlock(n), UpBlock(n)]
    return [
        *layers,
        *_attention(n, attention),
        ResidualBlock(n),
        UpBlock(n),
        ResidualBlock(n),
        SubpixelConv(3),
    ]


def _attention(n: int, attention: bool) -> list[nn.Module]:
    return [AttentionBlock(n)] if attention else []


def _path(layers: list[nn.Module]) -> Path:
    return [step for layer in layers for step in layer.footprint]
