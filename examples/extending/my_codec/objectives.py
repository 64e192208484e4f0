"""An objective of one's own."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec.objectives import Metrics
from jaxcodec.objectives.rate_distortion import distortions


class CharbonnierRate(NamedTuple):
    """L = weight * mean sqrt(d^2 + epsilon^2) + bpp, d the difference on the scale 0 to 255
    (Charbonnier et al. 1994).
    """

    weight: float
    epsilon: float = 1.0

    def init(self) -> tuple[()]:
        """What is carried from step to step: nothing."""
        return ()

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """The quality (batch,) in [0, 1] of each image: this is for models of one quality."""
        del key
        return jnp.zeros(batch)

    def __call__(self, image, reconstruction, bits, quality, carry) -> tuple[jax.Array, Metrics]:
        """Loss and metrics; images (B, H, W, 3) in [0, 1], bits and quality (B,)."""
        del carry, quality
        difference = 255 * (image - reconstruction)
        bpp = jnp.mean(bits) / (image.shape[1] * image.shape[2])
        loss = self.weight * jnp.mean(jnp.sqrt(difference**2 + self.epsilon**2)) + bpp
        mse_255, psnr_db = distortions(image, reconstruction)
        return loss, {
            "loss": loss,
            "bpp": bpp,
            "mse_255": mse_255.mean(),
            "psnr_db": psnr_db.mean(),
        }

    def validate(self, image, reconstruction, bits, quality, carry) -> Metrics:
        """The metrics of rounded latents."""
        return self(image, reconstruction, bits, quality, carry)[1]
