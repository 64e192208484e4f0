"""A source whose density is known, and small codecs for it.

Hepburn et al. 2022 (arXiv 2106.04427) ask how a codec's distances follow the probability of what it
is trained on; of a Student-t in one or two dimensions that probability is exact. The networks are
those of the public toy models of a co-author, d-100-100-d with softplus and a factorized prior; the
paper's own sizes could not be had.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax.scipy.special import gammaln
from jaxtyping import Float

from jaxcodec.entropy.bounded import soft_assignment
from jaxcodec.entropy.distributions.deep_factorized import DeepFactorized
from jaxcodec.entropy.surrogates import likelihood_bits
from jaxcodec.ops import Array

DEGREES = 3.0
"""Of freedom; below 2 there is no variance. The paper's could not be had."""


def log_density(x: Float[Array, "*n d"], degrees: float = DEGREES) -> Float[jax.Array, "*n"]:
    """ln p of the Student-t of unit scale in d dimensions."""
    d = x.shape[-1]
    whole = gammaln((degrees + d) / 2) - gammaln(degrees / 2) - d / 2 * jnp.log(degrees * jnp.pi)
    return whole - (degrees + d) / 2 * jnp.log1p(jnp.sum(jnp.square(x), axis=-1) / degrees)


def student_t(
    key: jax.Array, count: int, dimensions: int = 2, degrees: float = DEGREES
) -> Float[jax.Array, "{count} {dimensions}"]:
    """Samples of it."""
    normal, chi = jax.random.split(key)
    squares = 2 * jax.random.gamma(chi, degrees / 2, (count, 1))
    return jax.random.normal(normal, (count, dimensions)) * jnp.sqrt(degrees / squares)


def uniform(
    key: jax.Array, count: int, dimensions: int = 2, side: float = 10.0
) -> Float[jax.Array, "{count} {dimensions}"]:
    """Samples that are uniform in [-side, side]^d."""
    return jax.random.uniform(key, (count, dimensions), minval=-side, maxval=side)


Law = Callable[[jax.Array, int, int], jax.Array]
"""(key, count, dimensions) -> samples: `student_t` or `uniform`."""


class ToyCodec(nn.Module):
    """Two dense networks about a latent of d elements.

    levels: 0 for a factorized prior, whose rate is in the loss; else how many each element has, and
      no rate (`entropy.bounded`). hard: then synthesis sees the nearest in training, too, with the
      gradient of the soft assignment; the paper has it soft, which hardly knows of cells.
    """

    dimensions: int = 2
    width: int = 100
    levels: int = 0
    hard: bool = False

    def setup(self) -> None:
        self.analysis, self.synthesis = (
            nn.Sequential(
                [
                    nn.Dense(self.width),
                    nn.softplus,
                    nn.Dense(self.width),
                    nn.softplus,
                    nn.Dense(self.dimensions),
                ]
            )
            for _ in range(2)
        )
        self.prior = DeepFactorized(self.dimensions)

    def __call__(self, x: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Reconstructions (n, d), and bits (n,), with noise or soft levels in place of rounding."""
        latent = self.encode(x)
        if self.levels:
            soft = soft_assignment(latent, self.levels)
            if self.hard:
                soft += jax.lax.stop_gradient(self.round(latent) - soft)
            return self.decode(soft), self._bound(latent)
        noisy = latent + jax.random.uniform(key, latent.shape, minval=-0.5, maxval=0.5)
        return self.decode(noisy), likelihood_bits(self.prior(noisy))

    def encode(self, x: jax.Array) -> jax.Array:
        """e(x): the latent, not rounded."""
        return self.analysis(x)

    def decode(self, latent_hat: jax.Array) -> jax.Array:
        """d(y^)."""
        return self.synthesis(latent_hat)

    def round(self, latent: jax.Array) -> jax.Array:
        """y^: the code vector of a latent."""
        if not self.levels:
            return jnp.round(latent)
        most = (self.levels - 1) / 2
        return jnp.round(jnp.clip(latent, -most, most) + most) - most

    def bits(self, latent_hat: jax.Array) -> jax.Array:
        """Of code vectors, (n,)."""
        return self._bound(latent_hat) if self.levels else likelihood_bits(self.prior(latent_hat))

    def _bound(self, latent: jax.Array) -> jax.Array:
        return jnp.full(latent.shape[:-1], self.dimensions * jnp.log2(self.levels))


class Training(NamedTuple):
    """What a toy codec is trained on.

    The loss is bits + lambda SSE, or SSE alone of one with levels.

    law: of the samples. weighted: whether the squared error of a sample counts p(x) over the mean
      of p in its batch, the paper's "P(X) ||x1 - x2||^2"; the mean keeps the meaning of lambda.
      steps, batch, learning_rate: of Adam.
    """

    law: Law = student_t
    weighted: bool = False
    steps: int = 3000
    batch: int = 512
    learning_rate: float = 1e-3


def train(codec: ToyCodec, settings: Training, trade_off: Array, key: jax.Array) -> Any:
    """The variables of a trained toy codec.

    One compiled scan; `jax.vmap` over `trade_off` and `key` trains many at once.
    """
    start, noise = jax.random.split(key)
    params = codec.init(start, jnp.zeros((1, codec.dimensions)), noise)
    optimiser = optax.adam(settings.learning_rate)

    def loss(params: Any, key: jax.Array) -> jax.Array:
        drawn, noise = jax.random.split(key)
        x = settings.law(drawn, settings.batch, codec.dimensions)
        found, bits = cast(tuple[jax.Array, jax.Array], codec.apply(params, x, noise))
        error = jnp.sum(jnp.square(x - found), axis=-1)
        if settings.weighted:
            density = jnp.exp(log_density(x))
            error = error * density / jnp.mean(density)
        return jnp.mean(error) if codec.levels else jnp.mean(bits + trade_off * error)

    def step(carry: tuple[Any, Any], key: jax.Array) -> tuple[tuple[Any, Any], None]:
        params, state = carry
        updates, state = optimiser.update(jax.grad(loss)(params, key), state)
        return (optax.apply_updates(params, updates), state), None

    keys = jax.random.split(jax.random.fold_in(key, 1), settings.steps)
    (params, _), _ = jax.lax.scan(step, (params, optimiser.init(params)), keys)
    return params


class Measured(NamedTuple):
    """What a toy codec does to samples, each (n,); distances are euclidean norms.

    bits: of the code vector. own: D_s = |x - x^|. reconstruction, inner: D_r and D_in over D_e,
      means over directions.
    """

    bits: jax.Array
    own: jax.Array
    reconstruction: jax.Array
    inner: jax.Array


def measure(
    codec: ToyCodec, params: Any, x: Float[Array, "n d"], size: float = 1.0, directions: int = 24
) -> Measured:
    """Rate, own distance and sensitivities at samples, with real rounding.

    `directions` of steps of `size` are evenly spread over the circle, or both in one dimension.
    """

    def apply(method: str, given: Array) -> jax.Array:
        return cast(jax.Array, codec.apply(params, given, method=method))

    def reconstruct(latent: jax.Array) -> jax.Array:
        return apply("decode", apply("round", latent))

    latent = apply("encode", x)
    found = reconstruct(latent)
    angles = 2 * jnp.pi * jnp.arange(directions) / directions
    circle = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=-1)
    steps = size * (circle if codec.dimensions == 2 else jnp.array([[1.0], [-1.0]]))
    moved = apply("encode", x[:, None] + steps)
    reconstruction = jnp.linalg.norm(reconstruct(moved) - found[:, None], axis=-1)
    inner = jnp.linalg.norm(moved - latent[:, None], axis=-1)
    return Measured(
        apply("bits", apply("round", latent)),
        jnp.linalg.norm(x - found, axis=-1),
        jnp.mean(reconstruction, axis=-1) / size,
        jnp.mean(inner, axis=-1) / size,
    )
