"""Half the mean squared error, half MS-SSIM: structure for little PSNR.

D = (255^2 MSE + 1300 (1 - MS-SSIM)) / 2. It is ours, after no paper. CompressAI's trade-offs for
MS-SSIM are about 1,300 times those for the squared error, so that both parts weigh about as much
and a trade-off keeps the meaning that it has for the squared error.
"""

from typing import Any

import jax

from jaxcodec.distortions import ms_ssim, mse
from jaxcodec.distortions.distortion import Distortion, plain

RATIO = 1300.0
"""Squared grey levels that weigh as much as an MS-SSIM of 0 in place of 1."""


def _halves(params: Any, a: jax.Array, b: jax.Array) -> jax.Array:
    """The mean of both, in squared grey levels."""
    del params
    return (mse.DISTORTION(a, b) + RATIO * ms_ssim.DISTORTION(a, b)) / 2


DISTORTION = Distortion(
    name="mse_ms_ssim",
    unit="squared grey levels",
    compare=_halves,
    metric=plain("mse_and_ms_ssim", "MSE and MS-SSIM", peak=(mse.PEAK + RATIO) / 2, digits=2),
    least_side=ms_ssim.MIN_SIDE,
    remedy=ms_ssim.DISTORTION.remedy,
)
