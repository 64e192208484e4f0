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


def hyper_bits(codec: Codec, symbols: jax.Array) -> jax.Array:
    """The bits, float32 (), of all hyper-symbols (1, h', w', C')."""
    under = channel_tables(symbols.shape) + codec.first_table("hyper")
    return jnp.sum(lanes.symbol_bits(codec.lane_tables, symbols, under))
