"""Refined latents, and what they are worth."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from jaxcodec.entropy.order import Symbols


class Score(NamedTuple):
    """What symbols cost and how close they come.

    bits: of the symbols, headers apart. bpp: the same over the pixels. psnr_db: of the 8-bit
      pixels. loss: lambda * D + bpp. distance: D, of the distortion that was refined for, 255^2 *
      MSE by default.
    """

    bits: float
    bpp: float
    psnr_db: float
    loss: float
    distance: float


@dataclasses.dataclass(frozen=True)
class Latents:
    """Refined latents of a picture, for `jaxcodec.encode(codec, picture, latents=...)`.

    Attributes:
      codec_id: of the codec that they are for.
      shape: of the picture, (height, width, channels).
      hundredths: the quality in hundredths, or None for a codec with one quality.
      step_index: of the quantiser step (`quantiser_step`).
      symbols: int32 NumPy arrays.
      residual: float32, what the latent's symbols were rounded from, in units of the codec's own
        step.
      trade_off: lambda.
      start, best: scores of the codec's own latents and of these; where there was a target and
        nothing came near, the loss of the latter is infinite.
      found_at: the step at which these were found; 0 if none was better than the start.
      interrupted: whether an interrupt ended the refinement early, or kept it from beginning.
      plain: whether they lie on the grid of integers (`methods.Settings.plain`), which no file has.
    """

    codec_id: str
    shape: tuple[int, int, int]
    hundredths: int | None
    step_index: int
    symbols: Symbols
    residual: np.ndarray
    trade_off: float
    start: Score
    best: Score
    found_at: int
    interrupted: bool = False
    plain: bool = False


def score(bits: float, mse_255: float, loss: float, distance: float, pixel_count: int) -> Score:
    """The score of a measurement."""
    psnr_db = 10 * math.log10(255**2 / mse_255) if mse_255 > 0 else math.inf
    return Score(bits, bits / pixel_count, psnr_db, loss, distance)
