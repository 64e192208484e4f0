"""The colour of pixels that nobody sees: those whose alpha is 0."""

import numpy as np

_MIDDLE = 128  # what a picture without any visible pixel shows


def visible(pixels: np.ndarray) -> np.ndarray | None:
    """Where a picture (height, width, channels) is visible, bool (height, width).

    None where every pixel is visible.
    """
    if pixels.shape[2] < 4 or pixels[:, :, 3].all():
        return None
    return pixels[:, :, 3] > 0


def forget(pixels: np.ndarray) -> np.ndarray:
    """The colour, uint8 (height, width, 3), of RGBA pixels with smooth colour where hidden.

    By pull-push (Gortler et al., The Lumigraph, 1996): the visible pixels are averaged, 2 x 2 by 2
    x 2, down to one, and from there up what is hidden takes the interpolated colour of the level
    above. So it holds no detail of its own, and makes no edge where the picture has none.
    """
    colour, seen = pixels[:, :, :3], visible(pixels)
    if seen is None:
        return colour
    filled = np.full_like(colour, _MIDDLE)
    if seen.any():
        weight = seen.astype(np.float32)
        for channel in range(3):  # one at a time, for large pictures
            values = _pull_push(colour[:, :, channel] * weight, weight)
            filled[:, :, channel] = values.round()
    filled[seen] = colour[seen]
    return filled


def _pull_push(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Values float32 (h, w), also where the weight is 0, from sums and weights."""
    known = weight > 0
    if known.all():
        return total / weight
    shape = total.shape
    above = (
        _pull_push(_halved(total), _halved(weight))
        if max(shape) > 1
        else np.zeros((1, 1), np.float32)
    )
    return np.where(known, total / np.maximum(weight, 1), _doubled(above, shape))


def _halved(values: np.ndarray) -> np.ndarray:
    """Sums of 2 x 2, the last row and column alone where the number is odd."""
    values = np.pad(values, [(0, size % 2) for size in values.shape])
    return values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]


def _doubled(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Bilinearly to `shape`, each value standing for 2 x 2."""
    places = [(np.arange(size) - 0.5) / 2 for size in shape]
    for axis, place in enumerate(places):
        low = np.clip(np.floor(place).astype(int), 0, values.shape[axis] - 1)
        high = np.minimum(low + 1, values.shape[axis] - 1)
        share = np.clip(place - low, 0, 1).astype(np.float32).reshape(-1, *[1] * (1 - axis))
        values = (1 - share) * values.take(low, axis) + share * values.take(high, axis)
    return values
