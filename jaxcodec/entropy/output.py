"""What a model gives back in training."""

from typing import NamedTuple

import jax


class Output(NamedTuple):
    """Reconstruction and rate of a batch.

    image: (B, H, W, 3) float32, about [0, 1], not clipped. bits: (B,) of the whole image.
      side_bits: (B,), the part of `bits` that the hyper-latent takes (zero without one). latent:
      (B, h, w, C) in quantiser steps, not rounded. latent_hat: the same as synthesis sees it. A
      model of one's own may leave both out.
    """

    image: jax.Array
    bits: jax.Array
    side_bits: jax.Array
    latent: jax.Array | None = None
    latent_hat: jax.Array | None = None
