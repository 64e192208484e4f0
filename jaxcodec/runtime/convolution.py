"""Convolutions and transposed convolutions that are fast on every back end.

So are their gradients.

Images are NHWC, kernels HWIO and odd. A strided convolution and the transposed convolution are each
other's input gradient, and share the kernel's gradient, so three linear maps make all values and
gradients here:

    _convolve(x, kernel)         sums taps over x, with a stride
    _transpose(g, kernel)        its adjoint in x: spreads g over an image that is larger by the
                                 stride
    _kernel_gradient(x, g)       its adjoint in the kernel

Each is XLA's own, except on a CPU, where `choose_form` chooses by the sizes alone:

    WINOGRAD   3x3 of stride 1 and 5x5 of stride 2: a fraction of the multiplications, see
               transforms.winograd
    PATCHES    the kernel is larger than the output: XLA runs these tens of times slower than one
               matrix product
    PHASES     what remains: `_transpose` as stride^2 dense convolutions, which XLA runs at more
               than twice the speed of its own rule, a convolution over an input dilated with zeros
"""

import enum
import functools

import jax
import jax.numpy as jnp
from jax import lax

from jaxcodec.runtime import winograd

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
# Image channels below which XLA's dilated convolution is the faster `_transpose` on a CPU too.
_NARROW = 16
_WIDE = 32  # channels on both sides from which Winograd's transforms pay
_TILES = 64  # tiles for each phase of the stride from which the transforms of the kernel pay


class Form(enum.Enum):
    """How a layer is computed; the docstring of the module tells when each is the fastest."""

    XLA = enum.auto()
    WINOGRAD = enum.auto()
    PATCHES = enum.auto()
    PHASES = enum.auto()


def choose_form(
    kernel_shape: tuple[int, ...], stride: int, pad: int, batch: int, size: tuple[int, int]
) -> Form:
    """The form of all three maps of a layer, for `batch` outputs of `size` (h, w).

    kernel_shape: (k, k, I, O). pad: zeros on each side of the input.
    """
    taps, _, channels, features = kernel_shape
    if jax.default_backend() != "cpu":
        return Form.XLA
    fits = taps == 2 * stride + 1 and pad in (0, stride) and min(channels, features) >= _WIDE
    if fits and winograd.tiles(batch, size) >= _TILES * stride**2:
        return Form.WINOGRAD
    if max(size) < taps:
        return Form.PATCHES
    return Form.PHASES if taps >= stride and channels >= _NARROW else Form.XLA


def conv2d(x: jax.Array, kernel: jax.Array, stride: int = 1, border: str = "zeros") -> jax.Array:
    """Convolve `x` (B, H, W, I) with an odd `kernel` (k, k, I, O).

    Returns (B, ceil(H/stride), ceil(W/stride), O).

    The image is padded by k // 2 on every side: `border` is "zeros", or "edge" to replicate the
    outermost pixels, which hides the border from the network.
    """
    pad = kernel.shape[0] // 2
    if pad == 0 and stride == 1:
        return pointwise(x, kernel[0, 0])
    if border == "edge":
        x, pad = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="edge"), 0
    return _conv(x, kernel, stride, pad)


@jax.custom_vjp
def pointwise(x: jax.Array, matrix: jax.Array) -> jax.Array:
    """The product of `x` (..., I) with a matrix (I, O), place by place: (..., O).

    Gradients are products of two matrices. XLA's own keep all axes, and take about twice as long on
    a CPU.
    """
    return lax.dot_general(x, matrix, (((x.ndim - 1,), (0,)), ((), ())))


def _pointwise_forward(x, matrix):
    return pointwise(x, matrix), (x, matrix)


def _pointwise_backward(residuals, gradient):
    x, matrix = residuals
    places, rows = (array.reshape(-1, array.shape[-1]) for array in (x, gradient))
    by_x = lax.dot_general(rows, matrix, (((1,), (1,)), ((), ())))
    by_matrix = lax.dot_general(places, rows, (((0,), (0,)), ((), ())))
    return by_x.reshape(x.shape), by_matrix


pointwise.defvjp(_pointwise_forward, _pointwise_backward)


def upsample_conv(x: jax.Array, kernel: jax.Array, stride: int = 2) -> jax.Array:
    """Transposed convolution of `x` (B, H, W, I) with an odd `kernel` (k, k, I, O).

    Returns (B, stride*H, stride*W, O).

    Output o sums x[i] * kernel[o + k // 2 - stride * i], which is what PyTorch's ConvTranspose2d
    gives with padding k // 2 and output padding stride - 1.
    """
    return _transposed_conv(x, kernel.swapaxes(2, 3), stride)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv(x, kernel, stride, pad):
    return _convolve(x, kernel, stride, pad)


def _conv_forward(x, kernel, stride, pad):
    return _convolve(x, kernel, stride, pad), (x, kernel)


def _conv_backward(stride, pad, residuals, gradient):
    x, kernel = residuals
    return (
        _transpose(gradient, kernel, stride, pad, x.shape[1:3]),
        _kernel_gradient(x, gradient, kernel, stride, pad),
    )


_conv.defvjp(_conv_forward, _conv_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _transposed_conv(x, kernel, stride):
    size = (stride * x.shape[1], stride * x.shape[2])
    return _transpose(x, kernel, stride, kernel.shape[0] // 2, size)


def _transposed_conv_forward(x, kernel, stride):
    return _transposed_conv(x, kernel, stride), (x, kernel)


def _transposed_conv_backward(stride, residuals, gradient):
    x, kernel = residuals
    pad = kernel.shape[0] // 2
    return _convolve(gradient, kernel, stride, pad), _kernel_gradient(
        gradient, x, kernel, stride, pad
    )


_transposed_conv.defvjp(_transposed_conv_forward, _transposed_conv_backward)


def _convolve(x, kernel, stride, pad):
    size = _output_size(x.shape[1:3], kernel.shape[0], stride, pad)
    match choose_form(kernel.shape, stride, pad, x.shape[0], size):
        case Form.WINOGRAD:
            return winograd.convolve(x, kernel, stride, pad)
        case Form.PATCHES:
            return _convolve_patches(x, kernel, stride, pad)
    return _convolve_directly(x, kernel, stride, pad)


def _transpose(gradient, kernel, stride, pad, size):
    """The adjoint of `_convolve` in an image of `size` (H, W).

    Gradient (B, h, w, O) to (B, H, W, I).
    """
    match choose_form(kernel.shape, stride, pad, gradient.shape[0], gradient.shape[1:3]):
        case Form.WINOGRAD:
            return winograd.transpose(gradient, kernel, stride, pad, size)
        case Form.PHASES:
            return _transpose_by_phases(gradient, kernel, stride, pad, size)
        case Form.PATCHES:
            convolve = _convolve_patches
        case Form.XLA:
            convolve = _convolve_directly
    image = jax.ShapeDtypeStruct((gradient.shape[0], *size, kernel.shape[2]), gradient.dtype)
    return jax.linear_transpose(lambda x: convolve(x, kernel, stride, pad), image)(gradient)[0]


def _kernel_gradient(x, gradient, kernel, stride, pad):
    form = choose_form(kernel.shape, stride, pad, x.shape[0], gradient.shape[1:3])
    if form is Form.WINOGRAD:
        return winograd.kernel_gradient(x, gradient, stride, pad)
    convolve = _convolve_patches if form is Form.PATCHES else _convolve_directly
    return jax.linear_transpose(lambda k: convolve(x, k, stride, pad), kernel)(gradient)[0]


def _output_size(size, taps, stride, pad):
    return tuple((side + 2 * pad - taps) // stride + 1 for side in size)


def _convolve_directly(x, kernel, stride, pad):
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), [(pad, pad)] * 2, dimension_numbers=_DIMENSIONS
    )


def _convolve_patches(x, kernel, stride, pad):
    """One matrix product of the kernel with what each output position sees."""
    taps, _, channels, features = kernel.shape
    height, width = _output_size(x.shape[1:3], taps, stride, pad)
    x = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    shifted = [
        x[:, i : i + stride * (height - 1) + 1 : stride, j : j + stride * (width - 1) + 1 : stride]
        for i in range(taps)
        for j in range(taps)
    ]
    return jnp.concatenate(shifted, axis=-1) @ kernel.reshape(taps * taps * channels, features)


def _transpose_by_phases(gradient, kernel, stride, pad, size):
    """`_transpose` as stride^2 dense convolutions, then interleaved.

    There is one for each phase of the output.

    Output row o = stride * q + phase sums gradient[i] * kernel[o + pad - stride * i] over i. With
    the taps that are congruent to phase + pad modulo the stride, in falling order, that is a
    convolution at row q.
    """
    swapped = kernel.swapaxes(2, 3)
    rows, columns = (
        [_phase(phase, kernel.shape[0], stride, pad, *lengths) for phase in range(stride)]
        for lengths in zip(size, gradient.shape[1:3], strict=True)
    )
    phases = [
        lax.conv_general_dilated(
            gradient,
            swapped[row_taps, column_taps],
            (1, 1),
            [row_pads, column_pads],
            dimension_numbers=_DIMENSIONS,
        )
        for row_taps, row_pads in rows
        for column_taps, column_pads in columns
    ]
    batch, height, width, channels = phases[0].shape
    grid = jnp.stack(phases, axis=3).reshape(batch, height, width, stride, stride, channels)
    full = grid.transpose(0, 1, 3, 2, 4, 5).reshape(
        batch, stride * height, stride * width, channels
    )
    return full[:, : size[0], : size[1]]


def _phase(phase, taps, stride, pad, size_out, size_in):
    """Along one axis, the taps that make a phase of the output.

    Returns a slice and the padding (low, high).
    """
    first = (phase + pad) % stride
    count = (taps - 1 - first) // stride + 1
    last = first + (count - 1) * stride
    # Output q takes its taps from the inputs q - nearest, q - nearest - 1, ..., q - farthest.
    nearest = (first - phase - pad) // stride
    farthest = nearest + count - 1
    rows_out = -(-size_out // stride)
    return slice(last, None, -stride), (farthest, rows_out - nearest - size_in)
