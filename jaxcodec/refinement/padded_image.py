"""An image that is padded to the stride of a codec, and what of it counts."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class PaddedImage(NamedTuple):
    """An image and what of it counts.

    pixels: uint8 (1, H, W, 3), padded to the codec's stride. quality: int32 (1,) in hundredths.
      height, width: int32 (), the rows and columns that count, which are the first.
    """

    pixels: jax.Array
    quality: jax.Array
    height: jax.Array
    width: jax.Array

    @property
    def pixel_count(self) -> jax.Array:
        """The pixels that count, float32 ()."""
        return self.height.astype(jnp.float32) * self.width

    def counts(self, shape: tuple[int, ...]) -> jax.Array:
        """Which of (1, H, W, 1) pixels count, given a shape (1, H, W, any)."""
        rows, columns = (
            jax.lax.broadcasted_iota(jnp.int32, (*shape[:3], 1), axis) for axis in (1, 2)
        )
        return (rows < self.height) & (columns < self.width)

    def counted(self, values: jax.Array) -> jax.Array:
        """Values (1, H, W, any) where they count, else 0."""
        return jnp.where(self.counts(values.shape), values, 0)

    def mean(self, values: jax.Array) -> jax.Array:
        """The mean of (1, H, W, any) over the pixels that count, float32 ()."""
        return jnp.sum(self.counted(values)) / (self.pixel_count * values.shape[-1])
