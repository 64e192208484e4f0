"""The target-rate loss: distortion, at a rate that is given.

Guerin 2024, equations 5.14, 6.8 and 6.20.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec.distortions import Distortion, mse
from jaxcodec.objectives.controller import Controller, RateState
from jaxcodec.objectives.protocol import CODEC, Forward, Metrics, Network, Params, Phase
from jaxcodec.objectives.rate_distortion import closeness
from jaxcodec.objectives.thesis import HIT


class TargetRate(NamedTuple):
    """J = D + beta * ((R_param - R) / R_param)^2.

    D is a distortion in its own unit, 255^2 * MSE by default; R is in bpp; R_param and beta come
    from a controller.

    R is that of each image, so that every image is drawn to the target and not only their mean. Of
    several targets the quality selects one: 0 is the first of `targets_bpp` and 1 the last, at
    equal steps between. balance: each image's loss is divided by (beta / mean beta) ** balance;
    with 1 the rate terms of all targets weigh the same.
    """

    targets_bpp: tuple[float, ...]
    controller: Controller
    balance: float = 0.0
    distortion: Distortion = mse.DISTORTION

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

    @property
    def phases(self) -> tuple[Phase, ...]:
        """One, the codec's."""
        return (Phase((CODEC,), self.loss),)

    @property
    def networks(self) -> Mapping[str, Network]:
        """None beside the codec."""
        return {}

    def loss(
        self, params: Mapping[str, Params], forward: Forward, key: jax.Array, carry: RateState
    ) -> tuple[jax.Array, Metrics]:
        """Mean loss over the batch, and metrics.

        They are loss, bpp, those of `closeness`, parameter_bpp, shift_bpp and beta. carry: the
        controller's state; no gradient flows through it.
        """
        del params, key
        state, which = jax.lax.stop_gradient(carry), self.which(forward.quality)
        parameter, beta = state.parameter_bpp[which], state.beta[which]
        values = self._values(forward, parameter, beta)
        loss = jnp.mean(self._weight(state, which) * values["loss"])
        carried = {"parameter_bpp": parameter, "shift_bpp": state.shift_bpp[which], "beta": beta}
        means = {name: jnp.mean(value) for name, value in (values | carried).items()}
        return loss, means | {"loss": loss}

    def bit_weight(self, forward: Forward, carry: RateState) -> jax.Array:
        """What a bit per pixel of each image weighs in the loss, (B,).

        The loss has its unit of the distortion, and at the target its rate term has no slope. So a
        bit is worth what it saves of the squared error at high rate, (2 ln 2 / 3) MSE_255 where
        three channels share it; for another distortion D, (2 ln 2 / 3) D. Not of the thesis.
        """
        weight = self._weight(jax.lax.stop_gradient(carry), self.which(forward.quality))
        distance = self.distortion(forward.image, forward.reconstruction)
        return weight * 2 * math.log(2) / 3 * jax.lax.stop_gradient(distance)

    def _weight(self, state: RateState, which: jax.Array) -> jax.Array:
        """What the losses of images of targets `which` (B,) are multiplied by, see `balance`."""
        return (state.beta[which] / jnp.mean(state.beta)) ** -self.balance

    def update(
        self, carry: RateState, forward: Forward, rounded: Forward
    ) -> tuple[RateState, Metrics]:
        """The controller's next state, and the metrics quantised_bpp and hits.

        The state is made of the rates of a step under its surrogate and of rounded latents; the
        metrics are of rounded latents.
        """
        which = self.which(forward.quality)
        quantised_bpp = rounded.bpp
        _, state = self.controller.update(forward.bpp, quantised_bpp, which, carry)
        return state, {
            "quantised_bpp": jnp.mean(quantised_bpp),
            "hits": _hits(quantised_bpp, state.target_bpp[which]),
        }

    def validate(self, params: Mapping[str, Params], forward: Forward, carry: RateState) -> Metrics:
        """Metrics of rounded latents against the targets themselves, each a mean over images.

        loss, under the beta of the carry; bpp, and those of `closeness`; hits, the part of the
        images within 15 % of the target; squared_deviation, of the rate from the target, relative.
        """
        del params
        which = self.which(forward.quality)
        target_bpp = carry.target_bpp[which]
        values = self._values(forward, target_bpp, carry.beta[which])
        values["squared_deviation"] = jnp.square(forward.bpp / target_bpp - 1)
        return {name: jnp.mean(value) for name, value in values.items()} | {
            "hits": _hits(forward.bpp, target_bpp)
        }

    def _values(
        self, forward: Forward, parameter: jax.Array, beta: jax.Array
    ) -> dict[str, jax.Array]:
        """Loss and metrics of each image, (B,), under rate parameters and betas (B,)."""
        bpp, distance = forward.bpp, self.distortion(forward.image, forward.reconstruction)
        loss = distance + beta * jnp.square((parameter - bpp) / parameter)
        return {"loss": loss, "bpp": bpp} | closeness(forward, self.distortion)


def _hits(bpp: jax.Array, target_bpp: jax.Array) -> jax.Array:
    return jnp.mean((jnp.abs(bpp / target_bpp - 1) <= HIT).astype(jnp.float32))
