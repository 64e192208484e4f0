"""What the pixel metrics have in common: a pair of images to compare, checked and brought to one
scale.
"""

import jax
import jax.numpy as jnp

from jaxcodec.errors import CodecError


class MetricError(CodecError):
    """Two images cannot be compared by a metric: they differ in shape, or are too small for it."""


def as_pair(a, b) -> tuple[jax.Array, jax.Array]:
    """Two images or batches as float32 in [0, 1].

    Args:
      a, b: (..., height, width, channels) of one shape, each uint8 or float in [0, 1].

    Raises:
      MetricError: the shapes differ, or are not those of images.
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    if a.shape != b.shape or a.ndim < 3:
        raise MetricError(
            f"images of shapes {a.shape} and {b.shape} cannot be compared; "
            "give two of one shape (..., height, width, channels)"
        )
    return _as_float(a), _as_float(b)


def _as_float(image: jax.Array) -> jax.Array:
    if image.dtype == jnp.uint8:
        return image.astype(jnp.float32) / 255
    if jnp.issubdtype(image.dtype, jnp.floating):
        return image.astype(jnp.float32)
    raise MetricError(
        f"an image of type {image.dtype} cannot be compared; give uint8, or float in [0, 1]"
    )
