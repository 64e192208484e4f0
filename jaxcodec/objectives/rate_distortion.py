"""The rate-distortion loss, for one trade-off or for a range of them in one model."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp


class RateDistortion(NamedTuple):
    """L = lambda * 255^2 * MSE + bpp (CompressAI's convention), lambda from `first` to `last` over the quality.

    first, last: lambda at quality 0 and 1, log-linear between. balance: each image's loss is divided by
    (lambda / sqrt(first * last)) ** balance; with 0.5 a percent of rate weighs about the same at every quality, since
    rate grows about as the square root of lambda.
    """

    first: float
    last: float
    balance: float = 0.0

    def trade_off(self, quality: jax.Array) -> jax.Array:
        """Lambda of `quality` (B,) in [0, 1]."""
        return self.first * (self.last / self.first) ** quality

    def starting_gains(self) -> tuple[float, float]:
        """Gains, at quality 0 and 1, that suit an orthonormal transform of pixels in [0, 1].

        At high rate the optimal quantiser step is sqrt(18 / (lambda ln 2)) in grey levels; a gain is 255 over that.
        """
        return tuple(255 / math.sqrt(18 / (trade_off * math.log(2))) for trade_off in (self.first, self.last))

    def __call__(self, image, reconstruction, bits, quality) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Mean loss over the batch, and the metrics loss, bpp, mse_255 and psnr_db (each a mean over images).

        image, reconstruction: (B, H, W, 3) in [0, 1]; bits, quality: (B,).
        """
        mse_255 = 255**2 * jnp.mean(jnp.square(image - reconstruction), axis=(1, 2, 3))
        bpp = bits / (image.shape[1] * image.shape[2])
        trade_off = self.trade_off(quality)
        weight = (trade_off / (self.first * self.last) ** 0.5) ** -self.balance
        loss = jnp.mean(weight * (trade_off * mse_255 + bpp))
        psnr_db = 10 * jnp.log10(255**2 / jnp.maximum(mse_255, 1e-10))
        return loss, {"loss": loss, "bpp": bpp.mean(), "mse_255": mse_255.mean(), "psnr_db": psnr_db.mean()}


def draw_quality(key: jax.Array, batch: int) -> jax.Array:
    """Qualities (batch,) in [0, 1), evenly spread over the batch from a random start, so that each batch sees the range."""
    return (jax.random.uniform(key) + jnp.arange(batch) / batch) % 1.0
