"""Elementary operations with gradients of their own, shared by transforms and entropy models."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Shaped

Array = jax.Array | np.ndarray
"""An array on the device or on the host, where both will do."""


@jax.custom_vjp
def lower_bound(
    x: Float[Array, "*shape"] | float, bound: Float[Array, ""] | float
) -> Float[jax.Array, "*shape"]:
    """max(x, bound), elementwise, with a gradient that lets a bounded value come back.

    The gradient passes where `x >= bound`, and below the bound where a descent step would raise `x`
    (Balle et al. 2018, appendix; the plain maximum has no gradient there, and the value stays
    stuck).
    """
    return jnp.maximum(x, bound)


def _lower_bound_forward(x, bound):
    return jnp.maximum(x, bound), (x, bound)


def _lower_bound_backward(residuals, gradient):
    x, bound = residuals
    passes = (x >= bound) | (gradient < 0)
    return jnp.where(passes, gradient, 0.0), None


lower_bound.defvjp(_lower_bound_forward, _lower_bound_backward)


def round_straight_through(x: Float[Array, "*shape"] | float) -> Float[jax.Array, "*shape"]:
    """Rounds to the nearest integer (half to even); the gradient is that of the identity."""
    x = jnp.asarray(x)
    return x + jax.lax.stop_gradient(jnp.round(x) - x)


@jax.custom_vjp
def reverse_gradient(
    x: Float[Array, "*shape"], factor: Float[Array, "*#shape"] | float
) -> Float[jax.Array, "*shape"]:
    """`x` as it is, with a gradient that is `-factor` times the one that comes back.

    What is behind it descends and what is before it ascends, `factor` times as steeply (Ganin et
    al. 2016). No gradient reaches `factor`, which may have fewer places than `x`.
    """
    del factor
    return jnp.asarray(x)


def _reverse_gradient_forward(x, factor):
    return jnp.asarray(x), factor


def _reverse_gradient_backward(factor, gradient):
    return -factor * gradient, None


reverse_gradient.defvjp(_reverse_gradient_forward, _reverse_gradient_backward)


def space_to_depth(
    x: Shaped[Array, "b h w c"], factor: int
) -> Shaped[jax.Array, "b h//{factor} w//{factor} c*{factor}*{factor}"]:
    """(B, H, W, C) to (B, H/f, W/f, f*f*C); the channel order is (row, column, C)."""
    b, h, w, c = x.shape
    x = jnp.asarray(x).reshape(b, h // factor, factor, w // factor, factor, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(b, h // factor, w // factor, factor * factor * c)


def depth_to_space(
    x: Shaped[Array, "b h w c"], factor: int
) -> Shaped[jax.Array, "b h*{factor} w*{factor} c//{factor}//{factor}"]:
    """(B, H, W, f*f*C) to (B, f*H, f*W, C), the inverse of `space_to_depth`."""
    b, h, w, c = x.shape
    x = jnp.asarray(x).reshape(b, h, w, factor, factor, c // (factor * factor))
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(b, h * factor, w * factor, c // (factor * factor))


def interpolate_points(
    table: Float[Array, " points *rest"], quality: Float[Array, " b"]
) -> Float[jax.Array, " b *rest"]:
    """Linear interpolation of `table` (points, ...) at `quality` (B,) in [0, 1]: (B, ...).

    Quality 0 is the first point and 1 the last. The values have the type of the table.
    """
    points = table.shape[0]
    position = jnp.clip(quality, 0.0, 1.0) * (points - 1)
    low = jnp.clip(jnp.floor(position).astype(jnp.int32), 0, max(points - 2, 0))
    high = jnp.minimum(low + 1, points - 1)
    fraction = (position - low).reshape((-1,) + (1,) * (table.ndim - 1))
    return (table[low] * (1 - fraction) + table[high] * fraction).astype(table.dtype)


def depthwise(
    x: Float[Array, "b h w c"], kernel: Float[Array, "k k c"]
) -> Float[jax.Array, "b h w c"]:
    """Each channel correlated with a kernel of its own, zeros outside; k is odd.

    By shifted products, which a CPU fuses; XLA's grouped convolution is many times slower there.
    """
    size, (height, width) = kernel.shape[0], x.shape[1:3]
    margin = (size // 2, size // 2)
    padded = jnp.pad(x, ((0, 0), margin, margin, (0, 0)))
    total = jnp.zeros_like(x)
    for row in range(size):
        for column in range(size):
            shifted = padded[:, row : row + height, column : column + width]
            total = total + shifted * kernel[row, column]
    return total
