"""An analysed picture, and what its latent costs at any quantiser step.

The networks have run; what is left depends on the step alone and takes milliseconds: rounding, the
choice of tables, and adding up the exact lengths of their codes.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import Codec, cost, tiles
from jaxcodec.codec.symbols import Analysis
from jaxcodec.codec.value import kept
from jaxcodec.entropy.order import Symbols

_SAMPLE = 1 << 16
"""So many symbols are enough to see how the rate changes with the step."""


def symbols(codec: Codec, analysis: Analysis, tau: float | None = None) -> Symbols:
    """The picture's symbols at the codec's step, rounded for low cost.

    `tau` is the worth of a bit; `cost.worth` where None.
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


def _run(function, codec: Codec, analysis: Analysis, tau: float | None = None):
    tau = cost.worth(codec) if tau is None else tau
    if codec.order.parallel:
        windows = codec.geometry.place
    else:
        windows = codec.geometry.passes if codec.networks.pass_count > 1 else codec.geometry.context
    if codec.networks.pass_count == 1:
        codec = dataclasses.replace(codec, params=None)  # weights are many, and no use here
    given = analysis.residual, analysis.side, analysis.seen
    arrays, structure = jax.tree.flatten(given)

    def of_windows(*arrays):
        residual, side, seen = jax.tree.unflatten(structure, arrays)
        part = Analysis(None, residual, side, seen, analysis.quality)
        return function(codec, np.float32(tau), part)

    return tiles.run(windows, of_windows, *arrays)


# Two functions, because XLA's code for both results at once takes twice the time of both apart.


@kept
def _symbols(codec, tau, analysis):
    return cost.spared(codec, analysis, tau)[0]


@kept
def _bits_of_places(codec, tau, analysis):
    return jnp.sum(cost.spared(codec, analysis, tau)[1], axis=-1, keepdims=True)


def hyper_bits(codec: Codec, analysis: Analysis) -> float:
    """The bits of the hyper-symbols."""
    if analysis.hyper is None:
        return 0.0
    return float(_hyper_bits(dataclasses.replace(codec, params=None), analysis.hyper))


_hyper_bits = kept(cost.hyper_bits)
