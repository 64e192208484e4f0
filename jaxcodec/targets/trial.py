"""An analysed picture, and what its latent costs at any quantiser step.

The networks have run; what is left depends on the step alone and takes milliseconds: rounding, the
choice of tables, and adding up the exact lengths of their codes.
"""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import Codec, cost, tiles
from jaxcodec.codec.symbols import Analysis
from jaxcodec.entropy.order import Symbols

_SAMPLE = 1 << 16
"""So many symbols are enough to see how the rate changes with the step."""


def symbols(codec: Codec, analysis: Analysis, tau: float = cost.TAU) -> Symbols:
    """The picture's symbols at the codec's step, rounded for low cost.

    `tau` is the worth of a bit.
    """
    return Symbols(analysis.hyper, _run(_symbols, codec, analysis, tau))


def latent_bits(codec: Codec, analysis: Analysis) -> float:
    """The bits of these symbols of the latent."""
    return float(np.sum(np.asarray(_run(_bits_of_places, codec, analysis)), dtype=np.float64))


def sample(codec: Codec, analysis: Analysis) -> Analysis:
    """A subset of the places of a picture's latent, if the tables allow one.

    It is enough to see how the bits change with the step.
    """
    stride = math.isqrt(analysis.residual.size // _SAMPLE)
    if stride < 2 or not codec.order.parallel:
        return analysis
    rows, columns = (
        slice(min(stride // 2, size - 1), None, stride) for size in analysis.residual.shape[1:3]
    )
    places = slice(None), rows, columns
    residual, side = jax.tree.map(lambda array: array[places], (analysis.residual, analysis.side))
    return analysis._replace(residual=residual, side=side)


def _run(function, codec: Codec, analysis: Analysis, tau: float = cost.TAU):
    small = dataclasses.replace(codec, params=None)  # weights are many, and no use here
    windows = codec.geometry.place if codec.order.parallel else codec.geometry.context
    return tiles.run(
        windows,
        functools.partial(function, small, np.float32(tau)),
        analysis.residual,
        *analysis.side,
    )


# Two functions, because XLA's code for both results at once takes twice the time of both apart.


@jax.jit
def _symbols(codec, tau, residual, *side):
    return cost.spared(codec, residual, side, tau)[0]


@jax.jit
def _bits_of_places(codec, tau, residual, *side):
    return jnp.sum(cost.spared(codec, residual, side, tau)[1], axis=-1, keepdims=True)


def hyper_bits(codec: Codec, analysis: Analysis) -> float:
    """The bits of the hyper-symbols."""
    if analysis.hyper is None:
        return 0.0
    return float(_hyper_bits(dataclasses.replace(codec, params=None), analysis.hyper))


_hyper_bits = jax.jit(cost.hyper_bits)
