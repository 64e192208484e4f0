"""Convolutions by Winograd's minimal filtering F(4x4, 3x3).

They are for back ends that are bound by multiplications.

A tile of 4x4 outputs takes 36 multiplications for each pair of channels, where sums over 3x3 taps
take 144 (Lavin and Gray 2016). The values differ from those sums by about 1e-5 of the largest.

Kernels are (2s + 1, 2s + 1, I, O) for a stride s, with a padding of s: 3x3 of stride 1, 5x5 of
stride 2. With the s^2 phases of the image side by side as channels, each of these is a 3x3
convolution of stride 1. `_B`, `_G` and `_A` are the published transforms of image, kernel and
output, applied along rows and then along columns. The tiles are worked off in bands of rows, so
that what lies between the transforms stays in the cache.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

_TILE, _POINTS = 4, 6
_B = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
_A = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])

_BAND = 2**18  # elements of a band at each of the 36 points: 38 MB


def tiles(batch: int, size: tuple[int, int]) -> int:
    """Number of tiles in `batch` outputs of `size` (h, w), on which the gain depends."""
    rows, columns = _tiles(size)
    return batch * rows * columns


def convolve(x: jax.Array, kernel: jax.Array, stride: int, pad: int) -> jax.Array:
    """Sum taps over `x` (B, H, W, I), padded with zeros, by `kernel` (2s+1, 2s+1, I, O).

    Returns (B, h, w, O).
    """
    size = tuple((side + 2 * pad - 2 * stride - 1) // stride + 1 for side in x.shape[1:3])
    return _filter(x, _by_phase(kernel, stride), stride, pad, 1, size)


def transpose(
    gradient: jax.Array, kernel: jax.Array, stride: int, pad: int, size: tuple[int, int]
) -> jax.Array:
    """The adjoint of `convolve` in an image of `size` (H, W).

    Gradient (B, h, w, O) to (B, H, W, I).
    """
    mirrored = _by_phase(kernel, stride)[::-1, ::-1].swapaxes(2, 3)
    return _filter(gradient, mirrored, 1, 2 - pad // stride, stride, size)


def kernel_gradient(x: jax.Array, gradient: jax.Array, stride: int, pad: int) -> jax.Array:
    """The adjoint of `convolve` in the kernel.

    x (B, H, W, I) and gradient (B, h, w, O) to (2s+1, 2s+1, I, O).
    """
    channels, features = x.shape[3], gradient.shape[3]
    count = _tiles(gradient.shape[1:3])
    rows, bands = _bands(x.shape[0], count, max(stride**2 * channels, features))
    end = _TILE * rows * bands

    def band(index, total):
        image = _image_points(x, index * rows, rows, count[1], stride, pad, end)
        outputs = _window(gradient, _TILE * rows * index, (_TILE * rows, _TILE * count[1]), 0, end)
        outputs = _points_2d(_A.T, outputs, rows, count[1]).reshape(_POINTS**2, -1, features)
        return total + lax.dot_general(outputs, image, (((1,), (1,)), ((0,), (0,))))

    total = jnp.zeros((_POINTS**2, features, stride**2 * channels), x.dtype)
    total = lax.fori_loop(0, bands, band, total) if bands > 1 else band(0, total)
    total = lax.optimization_barrier(
        total
    )  # the product is faster this way round than with its result transposed
    taps = _along(_G.T, _along(_G.T, total.reshape(_POINTS, _POINTS, *total.shape[1:]), 0), 1)
    taps = taps.reshape(3, 3, features, stride, stride, channels).transpose(0, 3, 1, 4, 5, 2)
    size = 2 * stride + 1
    return taps.reshape(3 * stride, 3 * stride, channels, features)[:size, :size]


def _by_phase(kernel, stride):
    """(2s+1, 2s+1, I, O) to (3, 3, s*s*I, O).

    Tap i sees phase i % s of the block of s pixels i // s - 1 away.
    """
    *_, channels, features = kernel.shape
    padded = jnp.pad(kernel, ((0, stride - 1), (0, stride - 1), (0, 0), (0, 0)))
    split = padded.reshape(3, stride, 3, stride, channels, features)
    return split.transpose(0, 2, 1, 3, 4, 5).reshape(3, 3, stride**2 * channels, features)


def _filter(x, kernel, stride, pad, factor, size):
    """Convolve phases of `x` by `kernel` (3, 3, s*s*I, f*f*O), and interleave.

    f*f phases of output are interleaved: (B, *size, O).
    """
    filters = _along(_G, _along(_G, kernel, 0), 1).reshape(_POINTS**2, *kernel.shape[2:])
    filters = lax.optimization_barrier(filters)
    batch, count = x.shape[0], _tiles(-(-side // factor) for side in size)
    rows, bands = _bands(batch, count, max(kernel.shape[2:]))

    def band(row):
        points = _image_points(x, row, rows, count[1], stride, pad, _TILE * count[0])
        points = lax.dot_general(points, filters, (((2,), (1,)), ((0,), (0,))))
        points = points.reshape(_POINTS, _POINTS, batch, rows, count[1], factor, factor, -1)
        image = _along(_A, lax.optimization_barrier(_along(_A, points, 0)), 1).transpose(
            2, 3, 0, 5, 4, 1, 6, 7
        )
        return image.reshape(batch, _TILE * factor * rows, _TILE * factor * count[1], -1)

    def place(index, image):
        row = jnp.minimum(
            index * rows, count[0] - rows
        )  # the last band may repeat rows of the one before
        return lax.dynamic_update_slice_in_dim(image, band(row), _TILE * factor * row, 1)

    if bands == 1:
        image = band(0)
    else:
        height, width = (_TILE * factor * side for side in count)
        image = jnp.zeros((batch, height, width, kernel.shape[3] // factor**2), x.dtype)
        image = lax.fori_loop(0, bands, place, image)
    return image[:, : size[0], : size[1]]


def _tiles(size):
    """Rows and columns of tiles."""
    return tuple(-(-side // _TILE) for side in size)


def _bands(batch, count, channels):
    """Rows of tiles in a band, and the number of bands; `count` is (rows, columns) of tiles."""
    rows, columns = count
    most = max(_BAND // (batch * columns * channels), 1)
    bands = -(-rows // most)
    return -(-rows // bands), bands


def _image_points(x, row, rows, columns, stride, pad, end):
    """The points of tiles, (36, B * rows * columns, s*s*I), from tile row `row` on.

    The last ends at output `end`.
    """
    size = tuple(stride * (_TILE * count + 2) for count in (rows, columns))
    window = _window(x, stride * _TILE * row - pad, size, pad, stride * (end + 2) - pad)
    points = _points_2d(_B, window, rows, columns, stride)
    return points.reshape(_POINTS**2, -1, stride**2 * x.shape[3])


def _window(x, row, size, pad, end):
    """`size` (height, width) of `x`, with zeros outside of it, from `row` and column -pad on.

    `row` may be traced, and lies between -pad and `end` less the height.
    """
    height = min(size[0], x.shape[1])
    inside = jnp.clip(row, 0, x.shape[1] - height)
    window = lax.dynamic_slice_in_dim(x, inside, height, 1)
    below, right = max(end - x.shape[1], 0), size[1] - pad - x.shape[2]
    window = lax.pad(
        window, jnp.zeros((), x.dtype), ((0, 0, 0), (pad, below, 0), (pad, right, 0), (0, 0, 0))
    )
    return lax.dynamic_slice_in_dim(window, row - inside + pad, size[0], 1)


def _points_2d(matrix, x, rows, columns, stride=1):
    """The points of tiles that begin `_TILE` apart, (6, 6, B, rows, columns, s, s, C).

    They are made from x (B, H, W, C).
    """
    by_row = lax.optimization_barrier(_points(matrix, x, 1, rows, stride, position=0))
    return _points(matrix, by_row, 3, columns, stride, position=1)


def _points(matrix, x, axis, count, stride, position):
    """`_points_2d` along one axis.

    The points make a new axis at `position`, the phases one before the last.
    """
    step = _TILE * stride
    length = step * (count - 1) + 1

    def entry(first):
        return lax.slice_in_dim(x, first, first + length, step, axis)

    groups = [
        [entry(phase + stride * tap) for tap in range(matrix.shape[1])] for phase in range(stride)
    ]
    points = [jnp.stack([_combine(row, group) for group in groups], axis=-2) for row in matrix]
    return jnp.stack(points, position)


def _along(matrix, x, axis):
    """Multiplies `matrix` into a short axis of `x`."""
    parts = [lax.index_in_dim(x, index, axis, keepdims=False) for index in range(x.shape[axis])]
    return jnp.stack([_combine(row, parts) for row in matrix], axis)


def _combine(weights, parts):
    terms = [
        part * weight.astype(part.dtype)
        for weight, part in zip(weights, parts, strict=True)
        if weight
    ]
    return functools.reduce(jnp.add, terms)
