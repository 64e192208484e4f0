"""Residual blocks of Cheng et al. 2020, as CompressAI's anchor and attention models have them.

Each layer has a `footprint`, the (kernel, stride) pairs of its longest way from input to output
(see `transforms.reach`).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.transforms.gdn import GDN
from jaxcodec.transforms.layers import Conv, SubpixelConv, branch_init


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each with a leaky ReLU, added to the input.

    The shape (B, H, W, features) stays.
    """

    features: int
    footprint = ((3, 1), (3, 1))

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = _leaky_relu(Conv(self.features, kernel_init=branch_init)(x))
        return x + _leaky_relu(Conv(self.features, kernel_init=branch_init)(h))


class DownBlock(nn.Module):
    """Residual block that halves the resolution: (B, H, W, I) to (B, H/2, W/2, features).

    A strided 3x3 convolution, leaky ReLU, 3x3 convolution and GDN, added to a strided 1x1
    convolution of the input.
    """

    features: int
    footprint = ((3, 2), (3, 1))

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = _leaky_relu(Conv(self.features, stride=2, kernel_init=branch_init)(x))
        h = GDN()(Conv(self.features, kernel_init=branch_init)(h))
        return h + Conv(self.features, 1, stride=2)(x)


class UpBlock(nn.Module):
    """Residual block that doubles the resolution: (B, H, W, I) to (B, 2 H, 2 W, features).

    A sub-pixel convolution, leaky ReLU, 3x3 convolution and inverse GDN, added to another sub-pixel
    convolution of the input, which starts as replication of pixels: a network from noise learns
    faster so.
    """

    features: int
    footprint = ((3, 1), (1, 2), (3, 1))

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = _leaky_relu(SubpixelConv(self.features, kernel_init=branch_init)(x))
        h = GDN(inverse=True)(Conv(self.features, kernel_init=branch_init)(h))
        return h + SubpixelConv(self.features, kernel_init=_replicate)(x)


def _replicate(key, shape):
    """Kernel of a sub-pixel convolution of stride 2 that repeats each channel over its block."""
    del key
    rows, columns, channels, outputs = shape
    copies = jnp.tile(jnp.eye(channels, outputs // 4), (1, 4))
    return jnp.zeros(shape).at[rows // 2, columns // 2].set(copies)


def _leaky_relu(x):
    return jax.nn.leaky_relu(x, 0.01)
