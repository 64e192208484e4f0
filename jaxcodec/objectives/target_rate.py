"""The target-rate loss (Guerin 2024, eq. 5.14, 6.8 and 6.20): distortion, at a rate that is
given.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec.objectives.controller import Controller, RateState
from jaxcodec.objectives.rate_distortion import Metrics, distortions
from jaxcodec.objectives.thesis import HIT


class TargetRate(NamedTuple):
    """J = D + beta * ((R_param - R) / R_param)^2, with D = 255^2 * MSE, R in bpp, R_param and beta
    from a controller.

    R is that of each image, so that every image is drawn to the target and not only their mean. Of
    several targets quality tells which: 0 is the first of `targets_bpp` and 1 the last, at equal
    steps between. balance: each image's loss is divided by (beta / mean beta) ** balance; with 1
    the rate terms of all targets weigh the same.
    """

    targets_bpp: tuple[float, ...]
    controller: Controller
    balance: float = 0.0

    def init(self) -> RateState:
        """The controller's state."""
        return self.controller.init()

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """Qualities (batch,) of targets drawn at random, evenly spread over the batch."""
        targets = len(self.targets_bpp)
        which = jnp.floor((jax.random.uniform(key) + jnp.arange(batch) / batch) % 1 * targets)
        return which / max(targets - 1, 1)

    def which(self, quality: jax.Array) -> jax.Array:
        """Number of the target, int32, of a quality."""
        return jnp.round(quality * (len(self.targets_bpp) - 1)).astype(jnp.int32)

    def __call__(
        self, image, reconstruction, bits, quality, state: RateState
    ) -> tuple[jax.Array, Metrics]:
        """Mean loss over the batch, and the metrics loss, bpp, mse_255, psnr_db, parameter_bpp,
        shift_bpp and beta.

        image, reconstruction: (B, H, W, 3) in [0, 1]; bits, quality: (B,). No gradient flows
          through the state.
        """
        state, which = jax.lax.stop_gradient(state), self.which(quality)
        parameter, beta = state.parameter_bpp[which], state.beta[which]
        values, bpp = self._values(image, reconstruction, bits, parameter, beta)
        weight = (beta / jnp.mean(state.beta)) ** -self.balance
        loss = jnp.mean(weight * values["loss"])
        carried = {"parameter_bpp": parameter, "shift_bpp": state.shift_bpp[which], "beta": beta}
        means = {name: jnp.mean(value) for name, value in (values | {"bpp": bpp} | carried).items()}
        return loss, means | {"loss": loss}

    def update(
        self, bits, quantised_bits, pixels: int, quality, state: RateState
    ) -> tuple[RateState, Metrics]:
        """The next state from the bits (B,) of a step under its surrogate and of rounded latents,
        and metrics of these.
        """
        which = self.which(quality)
        noisy_bpp, quantised_bpp = bits / pixels, quantised_bits / pixels
        _, state = self.controller.update(noisy_bpp, quantised_bpp, which, state)
        return state, {
            "quantised_bpp": jnp.mean(quantised_bpp),
            "hits": _hits(quantised_bpp, state.target_bpp[which]),
        }

    def validate(self, image, reconstruction, bits, quality, state: RateState) -> Metrics:
        """Metrics of rounded latents against the targets themselves, each a mean over images.

        loss, under the beta of the state; bpp, mse_255, psnr_db; hits, the part of the images
        within 15 % of the target; squared_deviation, of the rate from the target, relative.
        """
        which = self.which(quality)
        wanted = state.target_bpp[which]
        values, bpp = self._values(image, reconstruction, bits, wanted, state.beta[which])
        values |= {"bpp": bpp, "squared_deviation": jnp.square(bpp / wanted - 1)}
        return {name: jnp.mean(value) for name, value in values.items()} | {
            "hits": _hits(bpp, wanted)
        }

    def _values(self, image, reconstruction, bits, parameter, beta):
        mse_255, psnr_db = distortions(image, reconstruction)
        bpp = bits / (image.shape[1] * image.shape[2])
        loss = mse_255 + beta * jnp.square((parameter - bpp) / parameter)
        return {"loss": loss, "mse_255": mse_255, "psnr_db": psnr_db}, bpp


def _hits(bpp, target_bpp):
    return jnp.mean((jnp.abs(bpp / target_bpp - 1) <= HIT).astype(jnp.float32))
