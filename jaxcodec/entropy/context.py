"""Context: what the distribution of a symbol learns from symbols that are decoded before it.

A pattern is an order of decoding and the twelve places of a 5x5 window that come before its centre:

- "autoregressive": raster order, all places above and those to the left (Minnen et al. 2018; mask A
  of van den Oord et al. 2016).
- "checkerboard": first the places with row + column even, which see nothing, then the others, which
  see the places at an odd distance, row and column added (He et al. 2021).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Shaped

from jaxcodec.ops import Array
from jaxcodec.runtime.convolution import pointwise

REACH = 2
TAPS = {
    "autoregressive": tuple(
        (row, column) for row in range(3) for column in range(5) if (row, column) < (REACH, REACH)
    ),
    "checkerboard": tuple(
        (row, column) for row in range(5) for column in range(5) if (row + column) % 2
    ),
}
"""For each pattern the places (row, column) of the 5x5 window, in raster order; the centre is (2,
2).
"""


def windows(symbols: Shaped[Array, "b h w c"], pattern: str) -> Shaped[jax.Array, "b h w 12*c"]:
    """The context of each place of `symbols` (B, h, w, C): (B, h, w, 12 C), zero outside.

    In the order of `TAPS`.

    Gives every place its twelve neighbours, whether the pattern lets it see them or not (see
    `sees_context`).
    """
    height, width = symbols.shape[1:3]
    padded = jnp.pad(symbols, ((0, 0), (REACH, REACH), (REACH, REACH), (0, 0)))
    return jnp.concatenate(
        [padded[:, row : row + height, column : column + width] for row, column in TAPS[pattern]],
        -1,
    )


def sees_context(pattern: str, height: int, width: int) -> Bool[np.ndarray, "{height} {width} 1"]:
    """Which places see their context, bool (height, width, 1)."""
    if pattern == "autoregressive":
        return np.ones((height, width, 1), bool)
    return np.sum(np.mgrid[:height, :width], axis=0)[..., None] % 2 == 1


class MaskedConv(nn.Module):
    """5x5 convolution of (B, h, w, C) that sees only what is decoded before: (B, h, w, features).

    Computed as one matrix product with the twelve visible taps. Places that see no context get the
    bias alone. The kernel keeps its whole shape (5, 5, C, features); what the pattern hides is zero
    at the start and has no gradient.
    """

    features: int
    pattern: str

    @nn.compact
    def __call__(self, symbols: Shaped[Array, "b h w c"]) -> Shaped[jax.Array, "b h w features"]:
        channels = symbols.shape[-1]
        rows, columns = np.transpose(TAPS[self.pattern])

        def masked(key, shape):
            visible = nn.initializers.lecun_normal()(key, (len(rows) * channels, self.features))
            return (
                jnp.zeros(shape)
                .at[rows, columns]
                .set(visible.reshape(len(rows), channels, self.features))
            )

        kernel = self.param("kernel", masked, (5, 5, channels, self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        visible = kernel[rows, columns].reshape(-1, self.features)
        seen = pointwise(windows(symbols, self.pattern), visible)
        return jnp.where(sees_context(self.pattern, *symbols.shape[1:3]), seen, 0) + bias
