"""SSIMULACRA 2, version 2.1: how close a compressed picture looks to its original.

J. Sneyers, Cloudinary, 2022 and 2023: `tools/ssimulacra2.cc` of libjxl, from which the formulas
and the weights are. 100 is the original itself, 90 cannot be told from it in a flicker test, 70 is
high, 50 medium and 30 low quality; bad pictures are below 0.

The pictures are compared at six scales, 1:1 to 1:32, in three channels of the colour space XYB, by
three maps: the error of SSIM's structure, edges that the original lacks ("ringing") and edges that
it alone has ("blurring"). The means and 4-norms of the maps are weighed and summed.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

LEAST_SIDE = 8
"""Pixels a side of the smallest picture that has a score."""

_SCALES = 6
_SIGMA = 1.5
_C2 = 0.0009
_ABSORBANCE = np.array(
    [
        [0.30, 1 - 0.30 - 0.078, 0.078],
        [0.23, 1 - 0.23 - 0.078, 0.078],
        [
            0.24342268924547819,
            0.20476744424496821,
            1 - 0.24342268924547819 - 0.20476744424496821,
        ],
    ]
)
_BIAS = 0.0037930732552754493
# By channel (X, Y, B - Y), scale, norm (mean, 4-norm) and map (structure, ringing, blurring). Fewer
# scales take the first weights, whatever those were fitted for; so does libjxl.
# fmt: off
WEIGHTS = (
    0, 0.0007376606707406586, 0, 0, 0.0007793481682867309, 0, 0, 0.0004371155730107379, 0,
    1.1041726426657346, 0.00066284834129271, 0.00015231632783718752, 0, 0.0016406437456599754, 0,
    1.8422455520539298, 11.441172603757666, 0, 0.0007989109436015163, 0.000176816438078653, 0,
    1.8787594979546387, 10.94906990605142, 0, 0.0007289346991508072, 0.9677937080626833, 0,
    0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053, 0.0004550992113792063, 0,
    0, 0.0013648766163243398, 0, 0, 0, 0, 0, 7.466890328078848, 0, 17.445833984131262,
    0.0006235601634041466, 0, 0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264,
    225.20515300849274, 0, 0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985,
    176.39317598450694, 0, 0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408, 0, 0,
    0, 34.77906344483772, 44.835625328877896, 0, 0, 0, 0, 0, 0, 0, 0, 0.0008680556573291698, 0, 0,
    0, 0, 0, 0.0005313191874358747, 0, 0.00016533814161379112, 0, 0, 0, 0, 0,
    0.0004179171803251336, 0.0017290828234722833, 0, 0.0020827005846636437, 0, 0,
    8.826982764996862, 23.19243343998926, 0, 95.1080498811086, 0.9863978034400682,
    0.9834382792465353, 0.0012286405048278493, 171.2667255897307, 0.9807858872435379, 0, 0, 0,
    0.0005130064588990679, 0, 0.00010854057858411537,
)
# fmt: on


@jax.jit
def score(original: jax.Array, compressed: jax.Array) -> jax.Array:
    """The score of a compressed picture, float32 (): 100 at most, higher is better.

    Both are uint8 in sRGB, (height, width, 1 or 3) of one shape, with `LEAST_SIDE` or more pixels a
    side.
    """
    pair = jnp.stack([_linear(original), _linear(compressed)])
    sums = []
    for scale in range(_SCALES):
        # The size before it is halved, so that the last scale may be of 4 pixels a side.
        if min(pair.shape[2:]) < LEAST_SIDE:
            break
        pair = _half(pair) if scale else pair
        # A channel at a time, which takes a third of the memory.
        sums.append(jax.lax.map(_norms, jnp.swapaxes(_xyb(pair), 0, 1)))
    norms = jnp.stack(sums, axis=1)
    weights = jnp.asarray(WEIGHTS[: norms.size]).reshape(norms.shape)
    error = 0.9562382616834844 * jnp.sum(weights * norms)
    error = error * (
        2.326765642916932 + error * (6.248496625763138e-05 * error - 0.02088452118284384)
    )
    return 100 - 10 * jnp.maximum(error, 0) ** 0.6276336467831387


def _linear(pixels: jax.Array) -> jax.Array:
    """A picture in linear light, float32 (3, height, width)."""
    values = jnp.moveaxis(pixels, -1, 0).astype(jnp.float32) / 255
    bright = jnp.exp(2.4 * jnp.log((values + 0.055) / 1.055))
    light = jnp.where(values <= 0.04045, values / 12.92, bright)
    return jnp.broadcast_to(light, (3, *light.shape[1:]))


def _half(pair: jax.Array) -> jax.Array:
    """Pictures (..., height, width) at half of the size, by means of 2x2 pixels, the last row and
    column repeated where they are odd.
    """
    height, width = pair.shape[-2:]
    even = jnp.pad(pair, ((0, 0), (0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    blocks = even.reshape(*pair.shape[:2], (height + 1) // 2, 2, (width + 1) // 2, 2)
    return blocks.mean(axis=(3, 5))


def _xyb(pair: jax.Array) -> jax.Array:
    """Linear light (2, 3, height, width) in XYB, with B - Y for B, all of about 0 to 1."""
    light = jnp.moveaxis(pair, 1, 0)
    # A contraction, and roots and powers, take ten times as long on a CPU.
    mixed = [
        sum(weight * plane for weight, plane in zip(row, light, strict=True)) + _BIAS
        for row in _ABSORBANCE.tolist()
    ]
    long, middle, short = (jnp.exp(jnp.log(plane) / 3) - math.cbrt(_BIAS) for plane in mixed)
    x, y = (long - middle) / 2, (long + middle) / 2
    return jnp.stack([14 * x + 0.42, y + 0.01, short - y + 0.55], axis=1)


def _norms(pair: jax.Array) -> jax.Array:
    """Means and 4-norms of the three maps of one channel (2, height, width): float32 (2, 3).

    libjxl's 1 - luminance * structure with both errors as variances and means of the difference,
    which float32 holds for pictures that are nearly equal, too.
    """
    a, b = pair
    planes = jnp.stack([a, b, a * a + b * b, (a - b) ** 2])
    mean_a, mean_b, squares, squared_difference = _blur(planes)
    luminance_error = (mean_a - mean_b) ** 2
    variances = squares - mean_a**2 - mean_b**2
    structure_error = (squared_difference - luminance_error) / (variances + _C2)
    error = luminance_error + structure_error - luminance_error * structure_error
    ratio = (1 + jnp.abs(b - mean_b)) / (1 + jnp.abs(a - mean_a)) - 1
    maps = jnp.maximum(jnp.stack([error, ratio, -ratio]), 0)
    return jnp.stack([maps.mean(axis=(1, 2)), (maps**4).mean(axis=(1, 2)) ** 0.25])


def _blur(planes: jax.Array) -> jax.Array:
    """Planes (n, height, width) under the Gaussian window, with zeros around them."""
    taps = _window()
    reach = len(taps) // 2
    for axis in (1, 2):
        size = planes.shape[axis]
        around = [(reach, reach) if place == axis else (0, 0) for place in range(3)]
        padded = jnp.pad(planes, around)
        shifted = [
            tap * jax.lax.slice_in_dim(padded, place, place + size, axis=axis)
            for place, tap in enumerate(taps)
        ]
        planes = functools.reduce(jnp.add, shifted)
    return planes


@functools.cache
def _window() -> tuple[float, ...]:
    """libjxl's Gaussian window, a sum of three truncated cosines.

    D. Charalampidis, "Recursive Implementation of the Gaussian Filter Using Truncated Cosine
    Functions", IEEE Transactions on Signal Processing, 2016, with its numbers of equations. The
    window is a sum of beta_k cos(omega_k n); libjxl computes it by recursion.
    """
    radius = round(3.2795 * _SIGMA + 0.2546)  # (57)
    omega = np.array([1, 3, 5]) * np.pi / (2 * radius)
    signs = np.array([1, -1, 1])
    p = signs / np.tan(omega / 2)  # (37)
    r = signs * p**2 / np.sin(omega)  # (44)
    rho = np.exp(-((_SIGMA * omega) ** 2) / 2) / radius  # (50)
    minors = np.cross(p, r)  # (52)
    zeta = minors / minors[2]
    equations = np.stack([p, r, zeta])  # (56)
    beta = np.linalg.solve(equations, [1, radius**2 - _SIGMA**2, zeta @ rho])  # (53), (55)
    places = np.arange(1 - radius, radius)  # the cosines are 0 at the radius
    return tuple((beta @ np.cos(np.outer(omega, places))).tolist())
