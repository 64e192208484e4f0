"""The symbols for the calibration of integer networks.

They come from a handful of pictures, at several qualities.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jaxcodec import image, models
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.errors import CodecFileError
from jaxcodec.integer.calibrate import Calibration

PICTURES = 8
"""As many as are taken; more change little."""

_SIDE = 512
_QUALITIES = 6


def calibrate(
    description: Mapping[str, Any], params: Mapping[str, Any], pictures: Sequence[np.ndarray]
) -> Calibration:
    """The symbols of the middle of each picture, at one quality or at six of a range.

    Args:
      description: of a model with a hyper-latent.
      params: its variables, {"params": ...}.
      pictures: uint8 (H, W, 3), not those that the codec is to be judged by.

    Raises:
      CodecFileError: there is no picture, or one is smaller than the model's stride.
    """
    stride = models.stride(description)
    side = min([_SIDE, *(min(picture.shape[:2]) for picture in pictures)]) // stride * stride
    if not pictures or not side:
        raise CodecFileError(
            f"exporting this codec takes pictures to calibrate it on, of {stride} pixels and more "
            "a side, and "
            f"{'the smallest one is less' if pictures else 'none was given'}; give a folder of "
            "photographs"
        )
    model = models.build(description)

    @jax.jit
    def symbols(params, pixels, quality):
        fraction = quality / np.float32(MAX_QUALITY)

        def of(module):
            latent = module.to_latent(image.to_float(pixels), fraction)
            hyper = module.to_hyper_symbols(latent, fraction)
            return hyper, module.to_symbols(latent, hyper, fraction)

        return model.apply(params, method=of)

    points = _QUALITIES if description["gains"].get("points", 0) > 1 else 1
    qualities = np.linspace(0, MAX_QUALITY, points).round().astype(np.int32)
    rows = []
    for picture in pictures[:PICTURES]:
        top, left = ((size - side) // 2 for size in picture.shape[:2])
        pixels = picture[None, top : top + side, left : left + side]
        rows += [(*symbols(params, pixels, quality[None]), quality[None]) for quality in qualities]
    return Calibration(*(np.concatenate(column) for column in zip(*rows, strict=True)))
