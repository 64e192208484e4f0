"""The attention block of Cheng et al. 2020.

A residual branch is weighted place by place with a mask from another.
"""

import flax.linen as nn
import jax

from jaxcodec.transforms.layers import Conv, branch_init


class ResidualUnit(nn.Module):
    """1x1, 3x3 and 1x1 convolutions through half the channels, added, and a ReLU.

    The input is (B, H, W, features).
    """

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        h = jax.nn.relu(Conv(self.features // 2, 1, kernel_init=branch_init)(x))
        h = jax.nn.relu(Conv(self.features // 2, 3, kernel_init=branch_init)(h))
        return jax.nn.relu(x + Conv(self.features, 1, kernel_init=branch_init)(h))


class AttentionBlock(nn.Module):
    """x + trunk(x) * sigmoid(mask(x)) of (B, H, W, features).

    Trunk and mask are three residual units, the mask a 1x1 more.

    Cheng et al. 2020, figure 6 (b), without the non-local block that they leave out.
    """

    features: int
    footprint = ((3, 1),) * 3

    def setup(self) -> None:
        self.trunk = [ResidualUnit(self.features) for _ in range(3)]
        self.mask = [*(ResidualUnit(self.features) for _ in range(3)), Conv(self.features, 1)]

    def __call__(self, x: jax.Array) -> jax.Array:
        trunk, mask = x, x
        for layer in self.trunk:
            trunk = layer(trunk)
        for layer in self.mask:
            mask = layer(mask)
        return x + trunk * jax.nn.sigmoid(mask)
