"""Mean squared error on the 0-255 scale, and peak signal-to-noise ratio."""

import jax
import jax.numpy as jnp

from jaxcodec.metrics.pairs import as_pair


@jax.jit
def mse_255(a, b) -> jax.Array:
    """Mean squared error in squared grey levels, 0 to 255^2.

    Args:
      a, b: (..., height, width, channels) of one shape, each uint8 or float in [0, 1].

    Returns:
      float32 (...), one value an image, over all its pixels and channels.

    Raises:
      MetricError: the shapes differ.
    """
    left, right = as_pair(a, b)
    difference = 255 * (left - right)
    if jnp.result_type(a) == jnp.result_type(b) == jnp.uint8:
        # Of integers, so that equal images differ by exactly nothing, however the division by 255
        # is compiled.
        difference = jnp.asarray(a, jnp.float32) - jnp.asarray(b, jnp.float32)
    return jnp.mean(jnp.square(difference), axis=(-3, -2, -1))


@jax.jit
def psnr_db(a, b) -> jax.Array:
    """Peak signal-to-noise ratio in dB, 10 log10(255^2 / mse_255); infinite for equal images.

    Arguments, shape of the result and errors as in `mse_255`. The error is pooled over the channels
    before the logarithm, as the literature does for RGB.
    """
    return 10 * jnp.log10(255**2 / mse_255(a, b))
