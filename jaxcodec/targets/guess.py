"""The quality to begin with, from a glance at the picture: no network runs.

A codec is taken for a transform of 16 x 16 blocks whose coefficients k cost log2(1 + (k / step)^2)
bits each, times a constant. How fast that falls with the step distinguishes a busy picture from a
calm one. The steps of a codec follow from its rates on photographs, and from the bits of
photographs in this model.
"""

import math
from typing import cast

import numpy as np

from jaxcodec.codec import Codec

_BLOCK, _BLOCKS = 16, 96
_LOG_STEPS = np.arange(-3, 10, 1.5) * math.log(2)
_BITS = 2.53
"""Bits per pixel and unit of the mean of log2(1 + (k / step)^2); fitted, as what follows, on
training photographs.
"""

_TYPICAL = np.log([13.2, 8.18, 4.55, 2.24, 0.943, 0.326, 0.0869, 0.0178, 0.0029])
"""The logarithms of the bits of photographs at these steps.

The photographs are as hard as those on which codecs state their rates.
"""
_COLOURS = np.array(
    [[0.299, -0.169, 0.5], [0.587, -0.331, -0.419], [0.114, 0.5, -0.081]], np.float32
)


def quality(codec: Codec, pixels: np.ndarray, bpp: float) -> float:
    """The quality, 0 to 100, of a codec with several for about `bpp`.

    `pixels` are uint8 (H, W, 3).

    On 36 training pictures the logarithm of the resulting rate deviated by .10 to .15 (standard
    deviation) from the target.
    """
    rates = np.log(_rates(pixels))
    low, high = log_steps(codec)
    step = np.interp(-math.log(bpp), -rates, _LOG_STEPS)
    return float(np.clip(100 * (low - step) / (low - high), 0, 100))


def log_steps(codec: Codec) -> tuple[float, float]:
    """The logarithms of the steps that stand for a codec's lowest and highest quality.

    They are not less than .5 apart.
    """
    low, high = np.interp(-np.log(codec.bpp_range), -_TYPICAL, _LOG_STEPS)
    return float(low), float(min(high, low - 0.5))


def _rates(pixels: np.ndarray) -> np.ndarray:
    """Rates at the steps of `_LOG_STEPS` in bpp, from blocks that are spread over the picture."""
    import scipy.fft  # takes long to import, and only a size to meet needs it

    spectra = scipy.fft.dctn(_blocks(pixels) @ _COLOURS, axes=(1, 2), norm="ortho")
    coefficients = cast(np.ndarray, spectra)  # SciPy hides the type behind a dispatcher
    coefficients[:, 0, 0] = 0  # follows from the neighbours
    power = np.square(coefficients, out=coefficients)
    return (
        np.array(
            [
                _BITS * np.log2(1 + power * np.float32(math.exp(-2 * step))).mean()
                for step in _LOG_STEPS
            ]
        )
        + 1e-6
    )


def _blocks(pixels: np.ndarray) -> np.ndarray:
    """Some of a picture's blocks, float32 (n, 16, 16, 3), in a fixed scatter."""
    margins = [(0, -size % _BLOCK if size < _BLOCK else 0) for size in pixels.shape[:2]]
    pixels = np.pad(pixels, (*margins, (0, 0)), mode="edge")
    rows, columns = (size // _BLOCK for size in pixels.shape[:2])
    count = min(rows * columns, _BLOCKS)
    # Steps of the golden ratio fall evenly on the picture, whatever its size.
    chosen = np.unique((np.arange(count) * 0.6180339887 % 1 * rows * columns).astype(int))
    blocks = pixels[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK, 3)
    return blocks[chosen // columns, :, chosen % columns].astype(np.float32)
