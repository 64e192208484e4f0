"""The exact lengths of the codes of symbols, from tables alone.

Pure functions for use inside `jit`.
"""

import jax
import jax.numpy as jnp

from jaxcodec.codec.symbols import Analysis
from jaxcodec.codec.value import Codec
from jaxcodec.coding import lanes
from jaxcodec.coding.lane_distributions import shifted
from jaxcodec.entropy.order import channel_tables
from jaxcodec.ops import Array


def worth(codec: Codec) -> float:
    """What a bit is worth, in squared steps, where a symbol may be rounded towards zero.

    Chosen on training pictures. With a context in passes it is worth less: the passes to come miss
    what is rounded away.
    """
    return 0.01 if codec.networks.pass_count > 1 else 0.03


def latent_bits(codec: Codec, symbols: jax.Array, side: tuple) -> jax.Array:
    """The bits, float32, of each of the latent's symbols (1, h, w, C).

    Under the tables that follow from `Order.side` of the hyper-symbols.
    """
    values, indices, _ = codec.order.coded(codec.integer, symbols, *side)
    return lanes.symbol_bits(
        codec.lane_tables, values, shifted(indices, codec.first_table("latent"))
    )


def latent_bits_around(
    codec: Codec, symbols: jax.Array, side: tuple
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The bits of each symbol if it were one less, as it is, and one more.

    All three under the same table.
    """
    values, indices, _ = codec.order.coded(codec.integer, symbols, *side)
    under = shifted(indices, codec.first_table("latent"))
    less, same, more = (
        lanes.symbol_bits(codec.lane_tables, values + change, under) for change in (-1, 0, 1)
    )
    return less, same, more


def hyper_bits(codec: Codec, symbols: jax.Array) -> jax.Array:
    """The bits, float32 (), of all hyper-symbols (1, h', w', C')."""
    under = channel_tables(symbols.shape) + codec.first_table("hyper")
    return jnp.sum(lanes.symbol_bits(codec.lane_tables, symbols, under))


def spared(codec: Codec, analysis: Analysis, tau: jax.Array | float) -> tuple[Array, Array]:
    """Symbols (1, h, w, C) rounded so that they cost little, and the bits of each.

    A symbol is the integer nearest to its residual, or the next one towards zero where squared
    error plus `tau` times bits, in squared steps, is less; with a `tau` of 0 the nearest. Bits are
    under the table that a symbol has where all are the nearest, so that with a context the choice
    is not quite the best; with a context in passes they are under those that follow from the
    passes before.
    """
    if codec.networks.pass_count > 1:
        return _spared_in_passes(codec, analysis, tau)
    side, exact = analysis.side, analysis.residual / codec.step
    symbols = jnp.round(exact).astype(jnp.int32)
    bits = latent_bits(codec, symbols, side)
    nearer = symbols - jnp.sign(symbols)
    cheaper = latent_bits(codec, nearer, side)
    keep = _keeps(exact, symbols, bits, cheaper, tau)
    chosen = jnp.where(keep, symbols, nearer)
    if codec.order.parallel:
        return chosen, jnp.where(keep, bits, cheaper)
    return chosen, latent_bits(codec, chosen, side)


def _spared_in_passes(codec: Codec, analysis: Analysis, tau: jax.Array | float):
    def choose(carry, number, prediction):
        symbols, indices, bits = carry
        now, indices = codec.order.in_pass(codec.integer, number, symbols, indices, *analysis.side)
        under = shifted(indices, codec.first_table("latent"))
        exact = (analysis.residual - prediction) / codec.step
        nearest = jnp.round(exact).astype(jnp.int32)
        nearer = nearest - jnp.sign(nearest)
        own, cheaper = (
            lanes.symbol_bits(codec.lane_tables, each, under) for each in (nearest, nearer)
        )
        keep = _keeps(exact, nearest, own, cheaper, tau)
        symbols = jnp.where(now, jnp.where(keep, nearest, nearer), symbols)
        bits = jnp.where(now, jnp.where(keep, own, cheaper), bits)
        return (symbols, indices, bits), symbols

    none = jnp.zeros(analysis.residual.shape, jnp.int32)
    start = none, none, none.astype(jnp.float32)
    (symbols, _, bits), _, _ = codec.networks.in_passes(
        codec.params, choose, start, analysis.quality, codec.step, *analysis.seen
    )
    return symbols, bits


def _keeps(exact, symbols, bits, cheaper, tau):
    """Whether a symbol is worth its bits beside the next one towards zero."""
    nearer = symbols - jnp.sign(symbols)
    return jnp.square(exact - symbols) + tau * bits <= jnp.square(exact - nearer) + tau * cheaper
