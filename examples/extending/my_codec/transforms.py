"""Networks of one's own: plain Flax modules, called with (x, quality)."""

import flax.linen as nn
import jax

from jaxcodec.ops import space_to_depth
from jaxcodec.transforms.layers import Conv, SubpixelConv
from jaxcodec.transforms.operations import Activate, Operation, Shuffle, conv
from jaxcodec.transforms.reach import analysis_halo, synthesis_halo


class Analysis(nn.Module):
    """Image (B, H, W, 3) in [0, 1] to latent (B, H/16, W/16, latent)."""

    latent: int
    width: int
    stride = 16
    halo = analysis_halo([(1, 8), (3, 1), (3, 2)])

    @nn.compact
    def __call__(self, x, quality):
        del quality
        h = jax.nn.silu(Conv(self.width, kernel=3)(space_to_depth(x - 0.5, 8)))
        return Conv(self.latent, kernel=3, stride=2)(h)


class Synthesis(nn.Module):
    """Latent (B, h, w, latent) to image (B, 16 h, 16 w, 3)."""

    width: int
    halo = synthesis_halo([(3, 1), (1, 2), (3, 1), (1, 8)])

    @nn.compact
    def __call__(self, y, quality):
        del quality
        h = jax.nn.silu(SubpixelConv(self.width, kernel=3, stride=2)(y))
        return SubpixelConv(3, kernel=3, stride=8)(h) + 0.5


class HyperSynthesis(nn.Module):
    """Hyper-latent (B, h, w, C') to entropy parameters (B, 2 h, 2 w, outputs)."""

    outputs: int
    width: int
    halo = synthesis_halo([(3, 1), (1, 2), (3, 1)])

    @nn.compact
    def __call__(self, z, quality):
        del quality
        return Conv(self.outputs, kernel=3)(
            jax.nn.relu(SubpixelConv(self.width, kernel=3, stride=2)(z))
        )

    def lower(self, params) -> list[Operation]:
        """The same network as operations that have a form in integers; `params` are its own."""
        first = conv(params["SubpixelConv_0"]["Conv_0"])
        return [first, Shuffle(2), Activate("relu"), conv(params["Conv_0"])]
