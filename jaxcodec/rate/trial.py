"""An analysed picture, and what its latent costs at any quantiser step.

The networks have run; what is left depends on the step alone and takes milliseconds: rounding, the choice of tables, and
adding up the exact lengths of their codes.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import Codec, tiles
from jaxcodec.codec.kinds import Symbols, channel_tables
from jaxcodec.codec.symbols import Analysis
from jaxcodec.coding import lanes
from jaxcodec.coding.lane_distributions import shifted

TAU = 0.03
"""What a bit is worth, in squared steps, when a symbol may be rounded towards zero; chosen on training pictures."""

_SAMPLE = 1 << 16
"""So many symbols are enough to see how the rate changes with the step."""


def symbols(codec: Codec, analysis: Analysis) -> Symbols:
    """The picture's symbols at the codec's step, rounded so that they cost little where tables allow it."""
    return Symbols(analysis.hyper, _run(_symbols, codec, analysis))


def latent_bits(codec: Codec, analysis: Analysis) -> float:
    """The bits of these symbols of the latent."""
    return float(np.sum(np.asarray(_run(_bits_of_places, codec, analysis)), dtype=np.float64))


def sample(codec: Codec, analysis: Analysis) -> Analysis:
    """Some rows of a picture's latent where tables allow it, for a look at how its bits change with the step."""
    stride = analysis.residual.size // _SAMPLE
    if stride < 2 or not codec.kind.parallel:
        return analysis
    residual, side = jax.tree.map(lambda array: array[:, stride // 2 :: stride], (analysis.residual, analysis.side))
    return analysis._replace(residual=residual, side=side)


def _run(function, codec: Codec, analysis: Analysis):
    small = dataclasses.replace(codec, params=None)  # weights are many, and no use here
    windows = codec.geometry.place if codec.kind.parallel else codec.geometry.context
    return tiles.run(windows, functools.partial(function, small), analysis.residual, *analysis.side)


# Two functions, because XLA's code for both results at once takes twice the time of both apart.


@jax.jit
def _symbols(codec, residual, *side):
    return _rounded(codec, residual, side)[0]


@jax.jit
def _bits_of_places(codec, residual, *side):
    return jnp.sum(_rounded(codec, residual, side)[1], axis=-1, keepdims=True)


def _rounded(codec, residual, side):
    """Symbols (1, h, w, C) and the bits of each; also those nearer to zero are tried where it changes no other's table."""
    symbols = codec.networks.symbols(residual, codec.step)
    bits = _bits(codec, symbols, side)
    if not codec.kind.parallel:
        return symbols, bits
    nearer = symbols - jnp.sign(symbols)
    cheaper = _bits(codec, nearer, side)
    exact = residual / codec.step
    keep = jnp.square(exact - symbols) + TAU * bits <= jnp.square(exact - nearer) + TAU * cheaper
    return jnp.where(keep, symbols, nearer), jnp.where(keep, bits, cheaper)


def _bits(codec, symbols, side):
    values, indices, _ = codec.kind.coded(codec, symbols, *side)
    return lanes.symbol_bits(codec.lane_tables, values, shifted(indices, codec.first_table("latent")))


def hyper_bits(codec: Codec, analysis: Analysis) -> float:
    """The bits of the hyper-symbols."""
    if analysis.hyper is None:
        return 0.0
    under = channel_tables(analysis.hyper.shape) + codec.first_table("hyper")
    return float(_hyper_bits(codec.lane_tables, analysis.hyper, under))


@jax.jit
def _hyper_bits(tables, symbols, under):
    return jnp.sum(lanes.symbol_bits(tables, symbols, under))
