"""The rate-distortion loss, for one trade-off or for a range of them in one model."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

Metrics = dict[str, jax.Array]


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

    def init(self) -> tuple[()]:
        """What the loss carries from step to step: nothing."""
        return ()

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """Qualities (batch,) in [0, 1), evenly spread over the batch from a random start, so that
        it sees the range.
        """
        return (jax.random.uniform(key) + jnp.arange(batch) / batch) % 1.0

    def __call__(self, image, reconstruction, bits, quality, carry=()) -> tuple[jax.Array, Metrics]:
        """Mean loss over the batch, and the metrics loss, bpp, mse_255 and psnr_db (each a mean
        over images).

        image, reconstruction: (B, H, W, 3) in [0, 1]; bits, quality: (B,); carry: of `init`.
        """
        del carry
        mse_255, psnr_db = distortions(image, reconstruction)
        bpp = bits / (image.shape[1] * image.shape[2])
        trade_off = self.trade_off(quality)
        weight = (trade_off / (self.first * self.last) ** 0.5) ** -self.balance
        loss = jnp.mean(weight * (trade_off * mse_255 + bpp))
        return loss, {
            "loss": loss,
            "bpp": bpp.mean(),
            "mse_255": mse_255.mean(),
            "psnr_db": psnr_db.mean(),
        }

    def validate(self, image, reconstruction, bits, quality, carry=()) -> Metrics:
        """The metrics of rounded latents."""
        return self(image, reconstruction, bits, quality, carry)[1]


def distortions(image: jax.Array, reconstruction: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean squared error on the scale 0 to 255, and PSNR in dB, of each image, (B,), from (B, H, W,
    3) in [0, 1].
    """
    mse_255 = 255**2 * jnp.mean(jnp.square(image - reconstruction), axis=(1, 2, 3))
    return mse_255, 10 * jnp.log10(255**2 / jnp.maximum(mse_255, 1e-10))
