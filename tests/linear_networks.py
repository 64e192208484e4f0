"""Networks whose distances are known: an orthonormal transform of 8x8 blocks, and its inverse."""

from typing import ClassVar

import flax.linen as nn
import jax
import numpy as np

from jaxcodec.ops import depth_to_space, space_to_depth

MATRIX = np.linalg.qr(np.random.default_rng(0).normal(size=(192, 192)))[0].astype(np.float32)


class Analysis(nn.Module):
    """Pixels to the coefficients of their blocks."""

    stride: ClassVar[int] = 8
    halo: ClassVar[int] = 0

    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        return space_to_depth(x, 8) @ MATRIX


class Synthesis(nn.Module):
    """Back."""

    stride: ClassVar[int] = 8
    halo: ClassVar[int] = 0

    @nn.compact
    def __call__(self, y: jax.Array, quality: jax.Array) -> jax.Array:
        bias = self.param("bias", nn.initializers.zeros, (3,))
        return depth_to_space(y @ MATRIX.T, 8) + bias
