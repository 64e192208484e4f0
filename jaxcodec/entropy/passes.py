"""Four passes over a latent: which symbols are coded in which, and how they are taken and put back.

Channels are in four groups, channel c in group c % 4. In each pass every place codes one group, and
in a square of 2x2 places each another one; the second pass takes each group where it is diagonal to
the first, so that a symbol of the last two has known ones of its group on all sides (Li et al.
2023, DCVC-DC, section 3.3; there groups are halves and quarters of the channels, one after the
other).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int8, Shaped

from jaxcodec.ops import Array

PASSES = 4


def places(height: int, width: int) -> Int8[np.ndarray, "1 {height} {width} 1"]:
    """Where a place stands in its square of 2x2: 0 to 3, in raster order."""
    row, column = np.mgrid[:height, :width]
    return (2 * (row % 2) + column % 2).astype(np.int8)[None, ..., None]


def pass_of(
    places: Shaped[Array, "b h w 1"], channels: int
) -> Shaped[jax.Array, "b h w {channels}"]:
    """The pass in which each symbol is coded, 0 to 3."""
    group = np.arange(channels, dtype=np.int8) % PASSES
    return jnp.asarray(-(places ^ group) & (PASSES - 1))


def known(
    places: Shaped[Array, "b h w 1"], channels: int, number: int | Array
) -> Bool[jax.Array, "..."]:
    """Which symbols are coded before a pass."""
    return pass_of(places, channels) < number


def taken(
    values: Shaped[Array, "b h w c"], places: Shaped[Array, "b h w 1"], number: int | Array
) -> Shaped[jax.Array, "b h w c//4"]:
    """The values of a pass: a quarter of the channels of each place."""
    group = places ^ (-number & (PASSES - 1))
    return jnp.select(
        [group == each for each in range(PASSES)],
        [values[..., each::PASSES] for each in range(PASSES)],
    )


def put(
    values: Shaped[Array, "b h w c"],
    places: Shaped[Array, "b h w 1"],
    number: int | Array,
    own: Shaped[Array, "b h w c//4"],
) -> Shaped[jax.Array, "b h w c"]:
    """`values` with those of a pass, the inverse of `taken`."""
    now = pass_of(places, values.shape[-1]) == number
    return jnp.where(now, jnp.repeat(own, PASSES, axis=-1), values)
