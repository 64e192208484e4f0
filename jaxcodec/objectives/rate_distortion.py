"""The rate-distortion loss, for one trade-off or for a range of them in one model."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec.objectives.protocol import CODEC, Carry, Forward, Metrics, Network, Params, Phase


class RateDistortion(NamedTuple):
    """L = lambda * 255^2 * MSE + bpp (CompressAI's convention), lambda from `first` to `last` over
    the quality.

    first, last: lambda at quality 0 and 1, log-linear between. balance: each image's loss is
      divided by (lambda / sqrt(first * last)) ** balance; with 0.5 a percent of rate weighs about
      the same at every quality, since rate grows about as the square root of lambda.
    """

    first: float
    last: float
    balance: float = 0.0

    def trade_off(self, quality: jax.Array) -> jax.Array:
        """Lambda of `quality` (B,) in [0, 1]."""
        return self.first * (self.last / self.first) ** quality

    def starting_gains(self) -> tuple[float, float]:
        """Gains, at quality 0 and 1, that suit an orthonormal transform of pixels in [0, 1].

        At high rate the optimal quantiser step is sqrt(18 / (lambda ln 2)) in grey levels; a gain
        is 255 over that.
        """
        return tuple(
            255 / math.sqrt(18 / (trade_off * math.log(2))) for trade_off in (self.first, self.last)
        )

    @property
    def phases(self) -> tuple[Phase, ...]:
        """One, the codec's."""
        return (Phase(CODEC, self.loss),)

    @property
    def networks(self) -> Mapping[str, Network]:
        """None beside the codec."""
        return {}

    def init(self) -> tuple[()]:
        """What the loss carries from step to step: nothing."""
        return ()

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """Qualities (batch,) in [0, 1), evenly spread over the batch from a random start, so that
        it sees the range.
        """
        return (jax.random.uniform(key) + jnp.arange(batch) / batch) % 1.0

    def loss(
        self, params: Mapping[str, Params], forward: Forward, key: jax.Array, carry: Carry
    ) -> tuple[jax.Array, Metrics]:
        """Mean loss over the batch, and the metrics of `measure`."""
        del params, key, carry
        metrics = self.measure(forward)
        return metrics["loss"], metrics

    def measure(self, forward: Forward) -> Metrics:
        """The metrics loss, bpp, mse_255 and psnr_db, each a mean over images."""
        mse_255, psnr_db = distortions(forward.image, forward.reconstruction)
        bpp = forward.bpp
        trade_off = self.trade_off(forward.quality)
        weight = (trade_off / (self.first * self.last) ** 0.5) ** -self.balance
        return {
            "loss": jnp.mean(weight * (trade_off * mse_255 + bpp)),
            "bpp": bpp.mean(),
            "mse_255": mse_255.mean(),
            "psnr_db": psnr_db.mean(),
        }

    def update(self, carry: Carry, forward: Forward, rounded: Forward) -> tuple[Carry, Metrics]:
        """The carry as it is: nothing."""
        del forward, rounded
        return carry, {}

    def validate(self, params: Mapping[str, Params], forward: Forward, carry: Carry) -> Metrics:
        """The metrics of `measure` of rounded latents."""
        del params, carry
        return self.measure(forward)


def distortions(image: jax.Array, reconstruction: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean squared error on the scale 0 to 255, and PSNR in dB, of each image, (B,), from (B, H, W,
    3) in [0, 1].
    """
    mse_255 = 255**2 * jnp.mean(jnp.square(image - reconstruction), axis=(1, 2, 3))
    return mse_255, 10 * jnp.log10(255**2 / jnp.maximum(mse_255, 1e-10))
