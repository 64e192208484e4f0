"""SSIMULACRA 2.1 as tools/ssimulacra2.cc of libjxl computes it, in float64: its recursive Gaussian
filter sample by sample, its maps channel by channel.
"""

from collections.abc import Callable

import numpy as np

from jaxcodec.evaluation.ssimulacra2 import WEIGHTS


def recursive_gaussian(signal: np.ndarray, sigma: float = 1.5) -> np.ndarray:
    """`FastGaussian1D` of tools/gauss_blur.cc along the last axis."""
    radius = round(3.2795 * sigma + 0.2546)
    omega = [k * np.pi / (2 * radius) for k in (1, 3, 5)]
    p1, p3, p5 = 1 / np.tan(omega[0] / 2), -1 / np.tan(omega[1] / 2), 1 / np.tan(omega[2] / 2)
    r1, r3, r5 = (
        p1 * p1 / np.sin(omega[0]),
        -p3 * p3 / np.sin(omega[1]),
        p5 * p5 / np.sin(omega[2]),
    )
    rho1, rho3, rho5 = (np.exp(-0.5 * sigma * sigma * w * w) / radius for w in omega)
    d13, d35, d51 = p1 * r3 - r1 * p3, p3 * r5 - r3 * p5, p5 * r1 - r5 * p1
    zeta15, zeta35 = d35 / d13, d51 / d13
    beta = np.linalg.inv([[p1, p3, p5], [r1, r3, r5], [zeta15, zeta35, 1]]) @ [
        1,
        radius * radius - sigma * sigma,
        zeta15 * rho1 + zeta35 * rho3 + rho5,
    ]
    out = np.zeros_like(signal)
    size = signal.shape[-1]
    zero = np.zeros(signal.shape[:-1])
    for w, b in zip(omega, beta, strict=True):
        n2, d1 = -b * np.cos(w * (radius + 1)), -2 * np.cos(w)
        previous = before = zero
        for n in range(1 - radius, size):
            left, right = n - radius - 1, n + radius - 1
            total = (signal[..., left] if left >= 0 else zero) + (
                signal[..., right] if right < size else zero
            )
            previous, before = n2 * total - d1 * previous - before, previous
            if n >= 0:
                out[..., n] += previous
    return out


def blur(plane: np.ndarray) -> np.ndarray:
    return recursive_gaussian(recursive_gaussian(plane).T).T


def linear(pixels: np.ndarray) -> np.ndarray:
    values = np.broadcast_to(pixels, (*pixels.shape[:2], 3)) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def downsample(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    rows = [np.minimum(np.arange(0, height, 2) + i, height - 1) for i in (0, 1)]
    columns = [np.minimum(np.arange(0, width, 2) + i, width - 1) for i in (0, 1)]
    return sum(image[r][:, c] for r in rows for c in columns) / 4


def positive_xyb(image: np.ndarray) -> np.ndarray:
    r, g, b = np.moveaxis(image, 2, 0)
    bias = 0.0037930732552754493
    mixed = [
        0.30 * r + (1.0 - 0.078 - 0.30) * g + 0.078 * b + bias,
        0.23 * r + (1.0 - 0.078 - 0.23) * g + 0.078 * b + bias,
        0.24342268924547819 * r
        + 0.20476744424496821 * g
        + (1.0 - 0.24342268924547819 - 0.20476744424496821) * b
        + bias,
    ]
    m0, m1, m2 = (np.cbrt(each) - np.cbrt(bias) for each in mixed)
    x, y = 0.5 * (m0 - m1), 0.5 * (m0 + m1)
    return np.stack([x * 14.0 + 0.42, y + 0.01, (m2 - y) + 0.55], axis=2)


def maps(a: np.ndarray, b: np.ndarray, blur: Callable) -> list[np.ndarray]:
    """The maps of one channel: SSIMMap, and both of EdgeDiffMap."""
    c2 = 0.0009
    mu1, mu2 = blur(a), blur(b)
    s11, s22, s12 = blur(a * a), blur(b * b), blur(a * b)
    num_m = 1.0 - (mu1 - mu2) * (mu1 - mu2)
    num_s = 2 * (s12 - mu1 * mu2) + c2
    denom_s = (s11 - mu1 * mu1) + (s22 - mu2 * mu2) + c2
    d = np.maximum(1.0 - num_m * num_s / denom_s, 0)
    d1 = (1.0 + np.abs(b - mu2)) / (1.0 + np.abs(a - mu1)) - 1.0
    return [d, np.maximum(d1, 0), np.maximum(-d1, 0)]


def score(original: np.ndarray, compressed: np.ndarray, blur: Callable = blur) -> float:
    """The score of pictures, uint8 (height, width, 1 or 3), under another window if need be."""
    a, b = linear(original), linear(compressed)
    scales = []
    for scale in range(6):
        if min(a.shape[:2]) < 8:
            break
        if scale:
            a, b = downsample(a), downsample(b)
        xyb = positive_xyb(a), positive_xyb(b)
        scales.append([maps(xyb[0][..., c], xyb[1][..., c], blur) for c in range(3)])
    total, i = 0.0, 0
    for c in range(3):
        for scale in scales:
            for norm in (1, 4):
                for each in scale[c]:
                    total += WEIGHTS[i] * np.mean(each**norm) ** (1 / norm)
                    i += 1
    total *= 0.9562382616834844
    total = (
        2.326765642916932 * total
        - 0.020884521182843837 * total * total
        + 6.248496625763138e-05 * total * total * total
    )
    return 100.0 - 10.0 * total**0.6276336467831387 if total > 0 else 100.0
