"""The deep factorized density: one learned univariate density for each channel."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Int32, Shaped

from jaxcodec.entropy.distributions.gaussian import LIKELIHOOD_BOUND
from jaxcodec.ops import Array, lower_bound


class DeepFactorized(nn.Module):
    """Non-parametric density of each channel (Balle et al. 2018, appendix 6.1).

    The cumulative is c = sigmoid(f_K o ... o f_1), f_k(x) = g_k(softplus(H_k) x + b_k), g_k(x) = x
    + tanh(a_k) tanh(x), and p(n) = c(n + 1/2) - c(n - 1/2). Where `centred`, ours differs in one
    thing: the logit at zero is subtracted, so that the median is zero by construction (the analysis
    network's bias takes its place), and no second optimiser has to look for it. Otherwise the
    logits are as they come, and a parameter `median` sets the grid: values are coded as round(v -
    median), and come back as that integer plus the median. That is for models trained elsewhere;
    the median has no gradient.
    """

    channels: int
    widths: Sequence[int] = (3, 3, 3)
    centred: bool = True
    init_scale: float = 10.0

    def setup(self) -> None:
        sizes = (1, *self.widths, 1)
        layer_scale = self.init_scale ** (1 / (len(sizes) - 1))
        layers = []
        for k, (size_in, size_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            start = jnp.log(jnp.expm1(1 / layer_scale / size_out))
            matrix = self.param(
                f"matrix_{k}", nn.initializers.constant(start), (self.channels, size_out, size_in)
            )
            bias = self.param(f"bias_{k}", _uniform_half, (self.channels, size_out))
            last = k == len(sizes) - 2
            factor = (
                None
                if last
                else self.param(f"factor_{k}", nn.initializers.zeros, (self.channels, size_out))
            )
            layers.append((matrix, bias, factor))
        self.layers = tuple(layers)
        self.median = (
            0.0 if self.centred else self.param("median", nn.initializers.zeros, (self.channels,))
        )

    def _raw_logits(self, v):
        """Logits of the cumulative at `v` (..., C), before the shift of the median to zero."""
        # Unit by unit, elementwise along the channels: with the units as a last axis of three a CPU
        # takes six times as long.
        units = [v]
        for matrix, bias, factor in self.layers:
            matrix = jax.nn.softplus(matrix)
            units = [
                sum(row[:, i] * unit for i, unit in enumerate(units))
                for row in jnp.moveaxis(matrix, 1, 0)
            ]
            units = [unit + bias[:, j] for j, unit in enumerate(units)]
            if factor is not None:
                units = [
                    unit + jnp.tanh(factor[:, j]) * jnp.tanh(unit) for j, unit in enumerate(units)
                ]
        return units[0]

    def logits(self, v: Float[Array, "*batch c"]) -> Float[jax.Array, "*batch c"]:
        """Logits of the cumulative at `v` (..., C)."""
        logits = self._raw_logits(jnp.asarray(v))
        return logits - self._raw_logits(jnp.zeros((self.channels,))) if self.centred else logits

    def likelihood(
        self, v: Float[Array, "*batch c"], step: Float[Array, "..."] | float = 1.0
    ) -> Float[jax.Array, "*batch c"]:
        """Probability mass of the interval of length `step` around `v` (..., C), at least 1e-9."""
        upper, lower = self.logits(v + 0.5 * step), self.logits(v - 0.5 * step)
        # Both on the side of the sigmoid where the difference does not cancel.
        sign = jnp.where(
            upper + lower > 0, -1.0, 1.0
        )  # never 0: about a median the two often cancel exactly
        mass = jnp.abs(jax.nn.sigmoid(sign * upper) - jax.nn.sigmoid(sign * lower))
        return lower_bound(mass, LIKELIHOOD_BOUND)

    def __call__(self, v: Float[Array, "*batch c"]) -> Float[jax.Array, "*batch c"]:
        """The same as `likelihood`."""
        return self.likelihood(v)

    def residual(self, v: Float[Array, "*batch c"]) -> Float[jax.Array, "*batch c"]:
        """`v` (..., C) less its median, what is rounded."""
        return jnp.asarray(v) - self.median

    def from_residual(self, residual: Float[Array, "*batch c"]) -> Float[jax.Array, "*batch c"]:
        """The inverse of `residual`."""
        return jnp.asarray(residual) + self.median

    def to_symbols(self, v: Float[Array, "*batch c"]) -> Int32[jax.Array, "*batch c"]:
        """The integers, int32, that stand for `v` (..., C)."""
        return jnp.round(self.residual(v)).astype(jnp.int32)

    def from_symbols(self, symbols: Shaped[Array, "*batch c"]) -> Float[jax.Array, "*batch c"]:
        """The quantised values, float32, that integers (..., C) stand for."""
        return self.from_residual(symbols.astype(jnp.float32))

    def symbol_likelihood(self, symbols: Shaped[Array, "*batch c"]) -> Float[jax.Array, "*batch c"]:
        """Probability mass of integers (..., C)."""
        return self.likelihood(self.from_symbols(symbols))


def _uniform_half(key, shape):
    return jax.random.uniform(key, shape, minval=-0.5, maxval=0.5)
