"""An objective of one's own."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec import distortions
from jaxcodec.objectives import CODEC, Forward, Metrics, Network, Phase
from jaxcodec.objectives.rate_distortion import closeness


class CharbonnierRate(NamedTuple):
    """L = weight * mean sqrt(d^2 + epsilon^2) + bpp, d the difference on the scale 0 to 255
    (Charbonnier et al. 1994).
    """

    weight: float
    epsilon: float = 1.0

    @property
    def phases(self) -> tuple[Phase, ...]:
        """One: the codec is moved by `loss`."""
        return (Phase((CODEC,), self.loss),)

    @property
    def networks(self) -> dict[str, Network]:
        """None beside the codec."""
        return {}

    def init(self) -> tuple[()]:
        """What is carried from step to step: nothing."""
        return ()

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """The quality (batch,) in [0, 1] of each image: this is for models of one quality."""
        del key
        return jnp.zeros(batch)

    def loss(self, params, forward: Forward, key, carry) -> tuple[jax.Array, Metrics]:
        """Loss and metrics of a pass of the codec over a batch."""
        del params, key, carry
        metrics = self.measure(forward)
        return metrics["loss"], metrics

    def measure(self, forward: Forward) -> Metrics:
        """Loss, rate and errors, each a mean over images."""
        difference = 255 * (forward.image - forward.reconstruction)
        bpp = jnp.mean(forward.bpp)
        loss = self.weight * jnp.mean(jnp.sqrt(difference**2 + self.epsilon**2)) + bpp
        errors = closeness(forward, distortions.get("mse"))  # mse_255 and psnr_db of each image
        return {"loss": loss, "bpp": bpp} | {name: errors[name].mean() for name in errors}

    def update(self, carry, forward: Forward, rounded: Forward) -> tuple[tuple[()], Metrics]:
        """The carry of the next step: nothing."""
        del forward, rounded
        return carry, {}

    def validate(self, params, forward: Forward, carry) -> Metrics:
        """The metrics of rounded latents."""
        del params, carry
        return self.measure(forward)
