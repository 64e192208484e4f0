"""The normalised Laplacian pyramid distance in float64, written from its description alone.

Both versions take one plane, grey levels 0 to 255. No epsilon.
"""

import numpy as np
from scipy.signal import correlate2d

SMOOTH = np.array([0.05, 0.25, 0.4, 0.25, 0.05])
BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
WEIGHTS_2017 = (
    np.array([[4, 4, 5, 4, 4], [4, 3, 4, 3, 4], [5, 4, 5, 4, 5], [4, 3, 4, 3, 4], [4, 4, 5, 4, 4]])
    / 100
)
SIGMAS_2016 = (0.0248, 0.0185, 0.0179, 0.0191, 0.0220, 0.2782)
TAPS_2016 = (  # left, right, up, down
    (0.1493, 0.1460, 0.1011, 0.1015),
    (0.1986, 0.1846, 0.0757, 0.0837),
    (0.2138, 0.2243, 0.0477, 0.0467),
    (0.2503, 0.2616, 0, 0),
    (0.2598, 0.2552, 0, 0),
    (0.2215, 0.0717, 0, 0),
)


def smooth_down(plane: np.ndarray) -> np.ndarray:
    """Reflected by 4, filtered, every second sample."""
    wide = np.pad(plane, 4, mode="reflect")
    return correlate2d(wide, np.outer(SMOOTH, SMOOTH), mode="valid")[::2, ::2]


def smooth_up(low: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The adjoint of `smooth_down` before the reflection, times 4, cut back to `shape`."""
    wide = np.zeros([side + 8 for side in shape])
    kernel = 4 * np.outer(SMOOTH, SMOOTH)
    for row in range(low.shape[0]):
        for column in range(low.shape[1]):
            wide[2 * row : 2 * row + 5, 2 * column : 2 * column + 5] += low[row, column] * kernel
    return wide[4:-4, 4:-4]


def bands_2017(plane: np.ndarray, luminance: bool) -> list[np.ndarray]:
    """Five normalised bands and the normalised low-pass."""
    image = (175 * (plane / 255) ** 2.4 + 5) ** (1 / 2.6) if luminance else plane
    bands = []
    for _ in range(5):
        low = smooth_down(image)
        band = image - smooth_up(low, image.shape)
        around = correlate2d(np.abs(band), WEIGHTS_2017, mode="same")
        bands.append(band / (0.17 + around))
        image = low[1:-1, 1:-1]
    return [*bands, image / (4.86 + np.abs(image))]


def nlpd_2017(a: np.ndarray, b: np.ndarray, luminance: bool = True) -> float:
    """Distance of two planes."""
    pairs = zip(bands_2017(a, luminance), bands_2017(b, luminance), strict=True)
    return np.mean([np.mean((x - y) ** 2) ** 0.3 for x, y in pairs]) ** (1 / 0.6)


def binomial_down(plane: np.ndarray) -> np.ndarray:
    """Reflected by 2, filtered, every second sample."""
    wide = np.pad(plane, 2, mode="reflect")
    return correlate2d(wide, np.outer(BINOMIAL, BINOMIAL), mode="valid")[::2, ::2]


def binomial_up(low: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Reflected by one, zeros between, filtered, times 4, cut to `shape`."""
    wide = np.pad(low, 1, mode="reflect")
    sparse = np.zeros([2 * side for side in wide.shape])
    sparse[::2, ::2] = 4 * wide
    whole = correlate2d(sparse, np.outer(BINOMIAL, BINOMIAL), mode="same")
    return whole[2 : 2 + shape[0], 2 : 2 + shape[1]]


def filters_2016() -> list[np.ndarray]:
    """Six filters 5x5; the first has the tap that plenoptic has more than the paper."""
    filters = []
    for number, (left, right, up, down) in enumerate(TAPS_2016):
        taps = np.zeros((5, 5))
        taps[2, 1], taps[2, 3], taps[1, 2], taps[3, 2] = left, right, up, down
        if number == 0:
            taps[2, 4] = 0.0072
        filters.append(taps)
    return filters


def nlpd_2016(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of two planes."""
    images, distances = [a / 255, b / 255], []
    for number, (sigma, taps) in enumerate(zip(SIGMAS_2016, filters_2016(), strict=True)):
        lows = [binomial_down(image) for image in images]
        bands = images if number == 5 else [
            image - binomial_up(low, image.shape)
            for image, low in zip(images, lows, strict=True)
        ]  # fmt: skip
        x, y = (band / (sigma + correlate2d(np.abs(band), taps, mode="same")) for band in bands)
        distances.append(np.sqrt(np.mean((x - y) ** 2)))
        images = lows
    return float(np.mean(distances))
