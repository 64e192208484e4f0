"""Patch transforms: a network that starts as a good linear codec.

Analysis takes 8x8 patches to the 8x8 DCT in a luma-chroma basis by one matrix product, refines them
with residual blocks at 1/8 resolution, then merges 2x2 patches and keeps `latent` channels by a
second matrix product. Both products start so that, with the blocks at zero, the latent holds the
lowest frequencies of the orthonormal 16x16 DCT; synthesis starts as the transpose. Training begins
at a linear transform codec instead of at noise.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.ops import depth_to_space, space_to_depth
from jaxcodec.transforms import operations
from jaxcodec.transforms.activity import RADIUS, ActivityGain, remove_activity_gain
from jaxcodec.transforms.layers import Conv, Modulation
from jaxcodec.transforms.operations import Activate, Operation, Residual, Shuffle

PATCH = 8
STRIDE = 16
# Orthonormal luma-chroma basis, a fixed stand-in for the principal axes of RGB in photographs.
_COLOUR = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


def _dct(size: int) -> np.ndarray:
    """Orthonormal DCT-II matrix (frequency, sample)."""
    k, n = np.mgrid[:size, :size]
    matrix = np.sqrt(2 / size) * np.cos(np.pi * k * (2 * n + 1) / (2 * size))
    matrix[0] /= np.sqrt(2)
    return matrix


def _pixel_basis(size: int) -> np.ndarray:
    """Rows are DCT basis images in the channel order of `space_to_depth`.

    The matrix is (size*size*3, size*size*3).

    Columns are (row, column, rgb) of the pixel; rows are (vertical, horizontal frequency,
    luma-chroma).
    """
    dct = _dct(size)
    basis = np.einsum("ui,vj,kc->uvkijc", dct, dct, _COLOUR)
    return basis.reshape(3 * size * size, 3 * size * size)


def lowest_frequencies(latent: int) -> np.ndarray:
    """The rows of the 16x16 basis that the latent starts with.

    Two thirds are luma, as far as there are, the rest chroma.
    """
    vertical, horizontal = np.mgrid[:STRIDE, :STRIDE]
    order = np.argsort((vertical**2 + horizontal**2).ravel(), kind="stable")
    chroma = max(latent // 6, -(-(latent - STRIDE**2) // 2))
    chosen = [(position, 0) for position in order[: latent - 2 * chroma]]
    chosen += [(position, channel) for position in order[:chroma] for channel in (1, 2)]
    chosen.sort(key=lambda item: (np.flatnonzero(order == item[0])[0], item[1]))
    return np.array([3 * position + channel for position, channel in chosen])


def linear_start(latent: int) -> tuple[np.ndarray, np.ndarray]:
    """The two matrices (in, out) of the analysis.

    (192, 192) from patches, and (768, latent) from merged patches.
    """
    patch = _pixel_basis(PATCH)
    block = _pixel_basis(STRIDE)[lowest_frequencies(latent)]
    # Pixels of a 16x16 block from its four 8x8 patches of DCT coefficients, in the order of two
    # `space_to_depth`.
    position = (
        np.arange(STRIDE * STRIDE * 3)
        .reshape(2, PATCH, 2, PATCH, 3)
        .transpose(0, 2, 1, 3, 4)
        .reshape(-1)
    )
    merge = block[:, position].reshape(latent, 4, -1) @ patch.T
    return patch.T, merge.reshape(latent, -1).T


def photograph_log_scale(latent: int) -> tuple[float, ...]:
    """Log of the standard deviation of each starting latent channel in photographs.

    In units of [0, 1] pixels.

    A power law of the frequency for luma and each chroma, fitted to 60 training photographs
    (CID22).
    """
    position, channel = np.divmod(lowest_frequencies(latent), 3)
    frequency = np.hypot(*np.divmod(position, STRIDE))
    constant, slope, mean_square = (
        np.array([1.2, 0.25, 0.11]),
        np.array([-1.39, -1.15, -1.09]),
        np.array([7.6, 2.8, 1.2]),
    )
    alternating = constant[channel] * np.maximum(frequency, 1) ** slope[channel]
    return tuple(
        float(v) for v in np.log(np.where(frequency == 0, mean_square[channel], alternating))
    )


def _constant(matrix: np.ndarray):
    return lambda key, shape: jnp.asarray(matrix, jnp.float32).reshape(shape)


class BottleneckBlock(nn.Module):
    """Residual block 1x1, 3x3, 1x1 with a narrow middle that depends on the quality.

    It starts as the identity.
    """

    width: int
    points: int = 1

    @nn.compact
    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        narrow, modulation, middle, widen = self._layers(self, x.shape[-1])
        h = jax.nn.silu(modulation(narrow(x), quality))
        return x + widen(jax.nn.silu(middle(h)))

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`."""
        narrow, modulation, middle, widen = (
            operations.of_layer(layer, params)
            for layer in self._layers(None, params["Conv_2"]["kernel"].shape[-1])
        )
        silu = Activate("silu")
        return [Residual((*narrow, *modulation, silu, *middle, silu, *widen))]

    def _layers(
        self, parent: nn.Module | None, channels: int
    ) -> tuple[Conv, Modulation, Conv, Conv]:
        return (
            Conv(self.width, 1, parent=parent, name="Conv_0"),
            Modulation(self.points, parent=parent, name="Modulation_0"),
            Conv(self.width, 3, border="edge", parent=parent, name="Conv_1"),
            Conv(channels, 1, kernel_init=nn.initializers.zeros, parent=parent, name="Conv_2"),
        )


class PatchAnalysis(nn.Module):
    """Image (B, H, W, 3) in [0, 1] to latent (B, H/16, W/16, latent); H and W are multiples of 16.

    With `activity` the last channel of the latent is that of `ActivityGain`.
    """

    latent: int = 288
    width: int = 96
    blocks: int = 6
    points: int = 1
    activity: bool = False
    stride = STRIDE

    @nn.compact
    def __call__(self, x: jax.Array, quality: jax.Array) -> jax.Array:
        to_patches, to_latent = linear_start(self.latent - self.activity)
        h = space_to_depth(x - 0.5, PATCH)
        h = Conv(h.shape[-1], 1, kernel_init=_constant(to_patches), name="Conv_0")(h)
        for place in range(self.blocks):
            h = _block(self, place, self)(h, quality)
        latent = self.latent - self.activity
        merge = Conv(latent, 1, kernel_init=_constant(to_latent), name="Conv_1")
        y = merge(space_to_depth(h, STRIDE // PATCH))
        if not self.activity:
            return y
        return ActivityGain(points=self.points, name="ActivityGain_0")(y, quality)

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in latent positions.

        A patch for each block.
        """
        return -(-self.blocks * PATCH // STRIDE) + RADIUS * self.activity


class PatchSynthesis(nn.Module):
    """Latent (B, h, w, latent) to image (B, 16 h, 16 w, 3).

    In [0, 1] up to over- and undershoot.
    """

    width: int = 96
    blocks: int = 6
    points: int = 1
    activity: bool = False

    @nn.compact
    def __call__(self, y: jax.Array, quality: jax.Array) -> jax.Array:
        y = remove_activity_gain(y) if self.activity else y
        to_patches, to_latent = linear_start(y.shape[-1])
        split = Conv(to_latent.shape[0], 1, kernel_init=_constant(to_latent.T), name="Conv_0")
        h = depth_to_space(split(y), STRIDE // PATCH)
        for place in range(self.blocks):
            h = _block(self, place, self)(h, quality)
        h = Conv(h.shape[-1], 1, kernel_init=_constant(to_patches.T), name="Conv_1")(h)
        return depth_to_space(h, PATCH) + 0.5

    @property
    def halo(self) -> int:
        """How far an output depends on its neighbours, in latent positions.

        A patch for each block.
        """
        return -(-self.blocks * PATCH // STRIDE)


class PatchHyperAnalysis(nn.Module):
    """Latent (B, h, w, C) in quantiser steps to hyper-latent (B, h/4, w/4, features).

    h and w are multiples of 4.
    """

    features: int = 96
    width: int = 96
    points: int = 1
    stride = 4
    halo = 1

    @nn.compact
    def __call__(self, y: jax.Array, quality: jax.Array) -> jax.Array:
        h = Conv(2 * self.width, 1, name="Conv_0")(jnp.arcsinh(y))
        h = _block(self, 0, self)(h, quality)
        h = Conv(2 * self.width, 1, name="Conv_1")(space_to_depth(h, 2))
        h = _block(self, 1, self)(h, quality)
        return Conv(self.features, 1, name="Conv_2")(space_to_depth(h, 2))


class PatchHyperSynthesis(nn.Module):
    """Hyper-latent (B, h, w, features) to entropy parameters (B, 4 h, 4 w, outputs).

    Zero at the start.
    """

    outputs: int
    width: int = 96
    points: int = 1
    halo = 1

    @nn.compact
    def __call__(self, z: jax.Array, quality: jax.Array) -> jax.Array:
        first, second, last = self._convolutions(self)
        z = _block(self, 0, self)(depth_to_space(first(z), 2), quality)
        z = _block(self, 1, self)(depth_to_space(second(z), 2), quality)
        return last(_block(self, 2, self)(z, quality))

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`."""
        first, second, last = (
            operations.of_layer(layer, params) for layer in self._convolutions(None)
        )
        blocks = [_block(self, place, None) for place in range(3)]
        one, two, three = (operations.of_layer(block, params) for block in blocks)
        return [*first, Shuffle(2), *one, *second, Shuffle(2), *two, *three, *last]

    def _convolutions(self, parent: nn.Module | None) -> tuple[Conv, Conv, Conv]:
        return (
            Conv(8 * self.width, 1, parent=parent, name="Conv_0"),
            Conv(8 * self.width, 1, parent=parent, name="Conv_1"),
            Conv(self.outputs, 1, kernel_init=nn.initializers.zeros, parent=parent, name="Conv_2"),
        )


def _block(network: nn.Module, place: int, parent: nn.Module | None) -> BottleneckBlock:
    """The block of a network at a place, by which it is named; detached where `parent` is None."""
    settings = {"parent": parent, "name": f"BottleneckBlock_{place}"}
    return BottleneckBlock(network.width, network.points, **settings)
