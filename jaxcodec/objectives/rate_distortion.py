"""The rate-distortion loss, for one trade-off or for a range of them in one model."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec import distortions
from jaxcodec.distortions import Distortion, mse
from jaxcodec.objectives.protocol import CODEC, Carry, Forward, Metrics, Network, Params, Phase


class RateDistortion(NamedTuple):
    """L = lambda * D + bpp, lambda from `first` to `last` over the quality.

    first, last: lambda at quality 0 and 1, log-linear between. balance: each image's loss is
      divided by (lambda / sqrt(first * last)) ** balance; with 0.5 a percent of rate weighs about
      the same at every quality, since rate grows about as the square root of lambda. distortion: D,
      in its own unit; 255^2 * MSE is CompressAI's convention; a plain function of two batches of
      images in [0, 1] will do. density: images (B, H, W, 3) to ln p
      (B,); then an image's distortion counts its p over the mean of p in the batch, as in "P(X)
      ||x1 - x2||^2" of Hepburn et al. 2022, where the mean keeps the meaning of lambda. middle:
      how much the middle of the qualities is preferred, from 0 to below 1; 1 / (1 - middle) times
      as many are drawn there, 1 / (1 + middle) times at both ends.
    """

    first: float
    last: float
    balance: float = 0.0
    distortion: Distortion | Callable[[jax.Array, jax.Array], jax.Array] = mse.DISTORTION
    density: Callable[[jax.Array], jax.Array] | None = None
    middle: float = 0.0

    def trade_off(self, quality: jax.Array) -> jax.Array:
        """Lambda of `quality` (B,) in [0, 1]."""
        return self.first * (self.last / self.first) ** quality

    def weight(self, quality: jax.Array) -> jax.Array:
        """What the loss of an image of `quality` (B,) is multiplied by, see `balance`."""
        return (self.trade_off(quality) / (self.first * self.last) ** 0.5) ** -self.balance

    def bit_weight(self, forward: Forward, carry: Carry) -> jax.Array:
        """What a bit per pixel of each image weighs in the loss, (B,)."""
        del carry
        return self.weight(forward.quality)

    def starting_gains(self) -> tuple[float, float]:
        """Gains, at quality 0 and 1, that suit an orthonormal transform of pixels in [0, 1].

        They are for the squared error. At high rate the optimal quantiser step is sqrt(18 / (lambda
        ln 2)) in grey levels; a gain is 255 over that.
        """
        first, last = (
            255 / math.sqrt(18 / (trade_off * math.log(2))) for trade_off in (self.first, self.last)
        )
        return first, last

    @property
    def phases(self) -> tuple[Phase, ...]:
        """One, the codec's."""
        return (Phase((CODEC,), self.loss),)

    @property
    def networks(self) -> Mapping[str, Network]:
        """None beside the codec."""
        return {}

    def init(self) -> tuple[()]:
        """What the loss carries from step to step: nothing."""
        return ()

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """Qualities (batch,) in [0, 1), evenly spread over the batch from a random start.

        With `middle` the spread is even in u, where quality = u + middle sin(2 pi u) / (2 pi).
        """
        even = (jax.random.uniform(key) + jnp.arange(batch) / batch) % 1.0
        if not self.middle:
            return even
        return even + self.middle * jnp.sin(2 * math.pi * even) / (2 * math.pi)

    def loss(
        self, params: Mapping[str, Params], forward: Forward, key: jax.Array, carry: Carry
    ) -> tuple[jax.Array, Metrics]:
        """Mean loss over the batch, and the metrics of `measure`."""
        del params, key, carry
        metrics = self.measure(forward)
        return metrics["loss"], metrics

    def measure(self, forward: Forward) -> Metrics:
        """The metrics loss, bpp and those of `closeness`, each a mean over images."""
        bpp, distance = forward.bpp, self.distortion(forward.image, forward.reconstruction)
        trade_off, weight = self.trade_off(forward.quality), self.weight(forward.quality)
        if self.density is not None:
            log_p = jax.lax.stop_gradient(self.density(forward.image))
            distance *= jax.nn.softmax(log_p) * len(log_p)
        return {
            "loss": jnp.mean(weight * (trade_off * distance + bpp)),
            "bpp": bpp.mean(),
        } | {name: value.mean() for name, value in closeness(forward, self.distortion).items()}

    def update(self, carry: Carry, forward: Forward, rounded: Forward) -> tuple[Carry, Metrics]:
        """The carry as it is: nothing."""
        del forward, rounded
        return carry, {}

    def validate(self, params: Mapping[str, Params], forward: Forward, carry: Carry) -> Metrics:
        """The metrics of `measure` of rounded latents."""
        del params, carry
        return self.measure(forward)


def closeness(
    forward: Forward, distortion: Distortion | Callable[[jax.Array, jax.Array], jax.Array]
) -> Metrics:
    """mse_255, psnr_db, and the metric of a distortion under its own name, of each image, (B,).

    psnr_db is that of an error of 1e-10 at most, so that an average of it is finite.
    """
    images = forward.image, forward.reconstruction
    mse_255 = mse.mse_255(*images)
    psnr_db = 10 * jnp.log10(255**2 / jnp.maximum(mse_255, 1e-10))
    found = distortions.get(distortion)
    own = {} if found is mse.DISTORTION else {found.metric.key: found.value(*images)}
    return own | {"mse_255": mse_255, "psnr_db": psnr_db}
