"""Integer networks simulated in training: rounded floats with straight-through gradients.

For fine-tuning a model before its export (Jacob et al. 2018, section 3). Weights have a scale for
each output channel and activations one for each channel, as in `jaxcodec.integer.quantise`; ranges
are those of the batch at hand.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxcodec.ops import round_straight_through
from jaxcodec.runtime.convolution import conv2d, upsample_conv
from jaxcodec.transforms.layers import Conv, UpsampleConv


def quantised(network: nn.Module, takes_symbols: bool = True) -> Callable[..., jax.Array]:
    """A function that calls `network` with its convolutions in 8 bits.

    `takes_symbols`: the input of the first convolution is integers, or stands for them, and is not
      rounded again.
    """

    def call(*arguments):
        rounds_input = not takes_symbols

        def convolve(next_function, inputs, keywords, context):
            nonlocal rounds_input
            layer = context.module
            convolution = context.method_name == "__call__" and isinstance(
                layer, (Conv, UpsampleConv)
            )
            if not convolution or layer.is_initializing():
                return next_function(*inputs, **keywords)
            y = _convolve(layer, inputs[0], rounds_input)
            rounds_input = True
            return y

        with nn.intercept_methods(convolve):
            return network(*arguments)

    return call


def _convolve(layer: Conv | UpsampleConv, x: jax.Array, rounds_input: bool) -> jax.Array:
    params = layer.variables["params"]
    step = jnp.ones(x.shape[-1])
    if rounds_input:
        x, step = _round_codes(x)
    # Weights meet codes, so what is rounded is a weight times the step of its code.
    folded = params["kernel"] * step[:, None]
    unit = jax.lax.stop_gradient(jnp.maximum(jnp.abs(folded).max(axis=(0, 1, 2)) / 127, 1e-12))
    kernel = round_straight_through(folded / unit) * unit / step[:, None]
    if isinstance(layer, Conv):
        return conv2d(x, kernel, layer.stride, layer.border) + params["bias"]
    return upsample_conv(x, kernel, layer.stride) + params["bias"]


def _round_codes(x):
    """`x` (B, h, w, C) rounded to 8 bits over its range, and the step of each channel (C,)."""
    low = jnp.minimum(x.min(axis=(0, 1, 2)), 0.0)
    high = jnp.maximum(x.max(axis=(0, 1, 2)), 0.0)
    step = jax.lax.stop_gradient(jnp.maximum((high - low) / 255, 1e-9))
    return round_straight_through(x / step) * step, step
