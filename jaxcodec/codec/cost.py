"""The exact lengths of the codes of symbols, from tables alone; pure functions for use inside `jit`."""

import jax
import jax.numpy as jnp

from jaxcodec.codec.kinds import channel_tables
from jaxcodec.codec.value import Codec
from jaxcodec.coding import lanes
from jaxcodec.coding.lane_distributions import shifted


def latent_bits(codec: Codec, symbols: jax.Array, side: tuple) -> jax.Array:
    """The bits, float32, of each of the latent's symbols (1, h, w, C), given what `Kind.side` made of the hyper-symbols."""
    values, indices, _ = codec.kind.coded(codec, symbols, *side)
    return lanes.symbol_bits(codec.lane_tables, values, shifted(indices, codec.first_table("latent")))


def latent_bits_around(codec: Codec, symbols: jax.Array, side: tuple) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The bits of each of the latent's symbols if it were one less, as it is, and if it were one more, under the same table."""
    values, indices, _ = codec.kind.coded(codec, symbols, *side)
    under = shifted(indices, codec.first_table("latent"))
    less, same, more = (lanes.symbol_bits(codec.lane_tables, values + change, under) for change in (-1, 0, 1))
    return less, same, more


def hyper_bits(codec: Codec, symbols: jax.Array) -> jax.Array:
    """The bits, float32 (), of all hyper-symbols (1, h', w', C')."""
    under = channel_tables(symbols.shape) + codec.first_table("hyper")
    return jnp.sum(lanes.symbol_bits(codec.lane_tables, symbols, under))
