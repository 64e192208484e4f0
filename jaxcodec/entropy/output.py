"""What a model gives back in training."""

from typing import NamedTuple

import jax


class Output(NamedTuple):
    """Reconstruction and rate of a batch.

    image: (B, H, W, 3) float32, about [0, 1], not clipped. bits: (B,) of the whole image.
      side_bits: (B,), the part of `bits` that the hyper-latent takes (zero without one).
    """

    image: jax.Array
    bits: jax.Array
    side_bits: jax.Array
