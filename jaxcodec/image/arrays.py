"""Pixels as arrays: padding to a multiple, uint8 to float32 in [0, 1] and back."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import jax

Pixels = TypeVar("Pixels", np.ndarray, "jax.Array")
"""An array of either library: what a function is given decides which it returns."""


def pad_to_multiple(pixels: np.ndarray, multiple: int) -> np.ndarray:
    """Extend (..., H, W, C) at the bottom and right until `multiple` divides H and W.

    The edge is repeated.
    """
    height, width = pixels.shape[-3:-1]
    if height % multiple == 0 and width % multiple == 0:
        return pixels
    fill = [(0, 0)] * (pixels.ndim - 3) + [(0, -height % multiple), (0, -width % multiple), (0, 0)]
    return np.pad(pixels, fill, mode="edge")


def crop(pixels: Pixels, height: int, width: int) -> Pixels:
    """The top left `height` x `width` of an array (..., H, W, C): undoes `pad_to_multiple`.

    Takes a NumPy or a JAX array.
    """
    return pixels[..., :height, :width, :]


def to_float(pixels: Pixels) -> Pixels:
    """uint8 0..255 to float32 [0, 1], of the same shape.

    Takes a NumPy or a JAX array and returns the same kind.
    """
    if pixels.dtype != np.uint8:
        raise TypeError(f"to_float takes uint8 pixels, not {pixels.dtype}")
    return pixels.astype(np.float32) / np.float32(255)


def to_uint8(values: Pixels) -> Pixels:
    """Float [0, 1] to uint8 0..255 of the same shape, clipped, rounded to nearest.

    Takes a NumPy or a JAX array and returns the same kind.
    """
    return (values.clip(0, 1) * np.float32(255)).round().astype(np.uint8)
