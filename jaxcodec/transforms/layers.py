"""Layers that the transforms are made of."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.ops import depth_to_space
from jaxcodec.runtime.convolution import conv2d, upsample_conv
from jaxcodec.transforms.gdn import GDN

_kernel_init = nn.initializers.variance_scaling(1.0, "fan_in", "truncated_normal")
branch_init = nn.initializers.variance_scaling(1 / 3, "fan_in", "truncated_normal")
"""For residual branches, which make values grow from block to block; the variance of PyTorch's
default.
"""


class Conv(nn.Module):
    """Convolution with zero padding (or edge replication): (B, H, W, I) to (B, ceil(H/stride),
    ceil(W/stride), features).
    """

    features: int
    kernel: int = 3
    stride: int = 1
    border: str = "zeros"
    use_bias: bool = True
    kernel_init: Callable = _kernel_init
    bias_init: Callable = nn.initializers.zeros

    @nn.compact
    def __call__(self, x):
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        y = conv2d(x, self.param("kernel", self.kernel_init, shape), self.stride, self.border)
        return y + self.param("bias", self.bias_init, (self.features,)) if self.use_bias else y

    @property
    def path(self):
        """See `transforms.reach`."""
        return ((self.kernel, self.stride),)


class UpsampleConv(nn.Module):
    """Transposed convolution, computed as convolution and depth-to-space: (B, H, W, I) to (B,
    stride*H, stride*W, features).
    """

    features: int
    kernel: int = 5
    stride: int = 2

    @nn.compact
    def __call__(self, x):
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        # Every output sums only about (k / stride)^2 taps, so the fan-in is smaller than the
        # kernel's by stride^2.
        scaled = nn.initializers.variance_scaling(
            float(self.stride**2), "fan_in", "truncated_normal"
        )
        y = upsample_conv(x, self.param("kernel", scaled, shape), self.stride)
        return y + self.param("bias", nn.initializers.zeros, (self.features,))

    @property
    def path(self):
        """See `transforms.reach`."""
        return ((self.kernel, self.stride),)


class SubpixelConv(nn.Module):
    """Convolution to stride^2 times the channels, then depth-to-space: (B, H, W, I) to (B,
    stride*H, stride*W, features).

    Shi et al. 2016. Channels of the convolution are (row, column, features).
    """

    features: int
    kernel: int = 3
    stride: int = 2
    kernel_init: Callable = _kernel_init

    @nn.compact
    def __call__(self, x):
        h = Conv(self.stride**2 * self.features, self.kernel, kernel_init=self.kernel_init)(x)
        return depth_to_space(h, self.stride)

    @property
    def path(self):
        """See `transforms.reach`."""
        return ((self.kernel, 1), (1, self.stride))


_ACTIVATIONS = {
    "gdn": lambda: GDN(),
    "igdn": lambda: GDN(inverse=True),
    "relu": lambda: jax.nn.relu,
    "leaky_relu": lambda: lambda v: jax.nn.leaky_relu(v, 0.01),
    "silu": lambda: jax.nn.silu,
}


def activation(kind: str) -> Callable:
    """An activation by name: gdn, igdn, relu, leaky_relu or silu; raises ValueError for another."""
    if kind not in _ACTIVATIONS:
        raise ValueError(
            f"the activation {kind!r} is unknown; use one of {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[kind]()


def interpolate_points(table: jax.Array, quality: jax.Array) -> jax.Array:
    """Linear interpolation of `table` (points, ...) at `quality` (B,) in [0, 1]: (B, ...).

    Quality 0 is the first point and 1 the last. The values have the type of the table.
    """
    points = table.shape[0]
    position = jnp.clip(quality, 0.0, 1.0) * (points - 1)
    low = jnp.clip(jnp.floor(position).astype(jnp.int32), 0, max(points - 2, 0))
    high = jnp.minimum(low + 1, points - 1)
    fraction = (position - low).reshape((-1,) + (1,) * (table.ndim - 1))
    return (table[low] * (1 - fraction) + table[high] * fraction).astype(table.dtype)


class Modulation(nn.Module):
    """Scales and shifts the channels of (B, H, W, C) by vectors that depend on the quality (B,);
    identity at the start.
    """

    points: int

    @nn.compact
    def __call__(self, x, quality):
        shape = (self.points, x.shape[-1])
        scale = interpolate_points(self.param("scale", nn.initializers.zeros, shape), quality)
        shift = interpolate_points(self.param("shift", nn.initializers.zeros, shape), quality)
        return x * (1 + scale[:, None, None]) + shift[:, None, None]
