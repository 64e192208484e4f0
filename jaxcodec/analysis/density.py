"""How likely a picture is: a small autoregressive network over pixels.

Hepburn et al. 2022 (arXiv 2106.04427) take PixelCNN++ (Salimans et al. 2017) for it. This one is
that in small: masked convolutions in raster order, and for each sample a mixture of three logistics
over the grey levels 0 to 255, whose means follow the channels before (their equation 3). It is
trained by itself: a codec's own density says nothing about that codec.
"""

import math
from typing import Any, NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int, UInt8

from jaxcodec.entropy.context import MaskedConv
from jaxcodec.ops import Array

MIXTURES = 3
_LEAST_LOG_SCALE = -7.0
_SCALE = 127.5
"""Grey levels are seen as -1 to 1."""


class PixelDensity(nn.Module):
    """ln p of pictures, sample by sample.

    features: width. depth: how many masked convolutions of 5x5, each of which reaches two places
      further.
    """

    features: int = 48
    depth: int = 3

    @nn.compact
    def __call__(self, pixels: UInt8[Array, "b h w 3"]) -> Float[jax.Array, "b h w 3"]:
        """ln of the mass of each sample (B, H, W, 3), given those before in raster order.

        Within a pixel red comes before green, and green before blue.
        """
        values = jnp.asarray(pixels, jnp.float32) / _SCALE - 1
        first = MaskedConv(self.features, "autoregressive", name="first")(values)
        h = jax.nn.silu(nn.Dense(self.features, name="first_dense")(first))
        for place in range(self.depth - 1):
            # The mask has no centre: what is here already is added by the 1x1 layer.
            before = MaskedConv(self.features, "autoregressive", name=f"context_{place}")(h)
            here = nn.Dense(self.features, name=f"here_{place}")(h)
            h += nn.Dense(self.features, name=f"dense_{place}")(jax.nn.silu(before + here))
        found = nn.Dense(MIXTURES * 10, name="parameters")(jax.nn.silu(h))
        return _mixture(values, found)


def _mixture(values: jax.Array, parameters: jax.Array) -> jax.Array:
    """ln of the mass of samples (B, H, W, 3) in [-1, 1], from (B, H, W, 30).

    Of each component a weight, three means, three logarithms of scales and three coefficients of
    the channels before.
    """
    weight, rest = jnp.split(parameters, [MIXTURES], axis=-1)
    mean, log_scale, slope = jnp.split(rest.reshape(*rest.shape[:-1], MIXTURES, 9), 3, axis=-1)
    slope = jnp.tanh(slope)
    red, green = values[..., None, :1], values[..., None, 1:2]
    mean = jnp.concatenate(
        [
            mean[..., :1],
            mean[..., 1:2] + slope[..., :1] * red,
            mean[..., 2:] + slope[..., 1:2] * red + slope[..., 2:] * green,
        ],
        axis=-1,
    )
    log_mass = logistic_log_mass(
        values[..., None, :], mean, jnp.maximum(log_scale, _LEAST_LOG_SCALE)
    )
    log_weight = jax.nn.log_softmax(weight)[..., None]
    # Weights are those of a pixel, as in PixelCNN++, but samples are given one by one.
    joint = jnp.cumsum(log_mass, axis=-1) + log_weight
    total = jax.nn.logsumexp(joint, axis=-2)
    return jnp.diff(total, axis=-1, prepend=jnp.zeros_like(total[..., :1]))


def logistic_log_mass(values: jax.Array, mean: jax.Array, log_scale: jax.Array) -> jax.Array:
    """ln of the mass of logistics from half a grey level below values, in [-1, 1], to half above.

    The least and the greatest value take all that is beyond.
    """
    inverse, half = jnp.exp(-log_scale), 0.5 / _SCALE
    upper, lower = (inverse * (values - mean + sign * half) for sign in (1, -1))
    # sigmoid(u) - sigmoid(l) = sigmoid(u) sigmoid(-l) (1 - exp(l - u)), which does not cancel.
    middle = jax.nn.log_sigmoid(upper) + jax.nn.log_sigmoid(-lower)
    middle += jnp.log(-jnp.expm1(-2 * half * inverse))
    least = jax.nn.log_sigmoid(upper)
    most = jax.nn.log_sigmoid(-lower)
    return jnp.where(values < half - 1, least, jnp.where(values > 1 - half, most, middle))


def log_density(model: PixelDensity, params: Any, pixels: Array) -> Float[jax.Array, " b"]:
    """ln p of each picture, uint8 (B, H, W, 3)."""
    each = cast(jax.Array, model.apply(params, pixels))
    return jnp.sum(each, axis=(1, 2, 3))


def bits_per_dimension(model: PixelDensity, params: Any, pixels: Array) -> Float[jax.Array, " b"]:
    """Bits that a sample of each picture takes in the mean; 8 for what knows nothing."""
    return -log_density(model, params, pixels) / (math.prod(pixels.shape[1:]) * math.log(2))


class Training(NamedTuple):
    """How `train` does it: Adam, with a learning rate that falls to zero by a cosine."""

    steps: int = 2000
    batch: int = 8
    learning_rate: float = 2e-3


class Trained(NamedTuple):
    """params: the variables. losses: (steps,), bits per dimension."""

    params: Any
    losses: jax.Array


def train(
    model: PixelDensity, crops: UInt8[Array, "n h w 3"], settings: Training, key: jax.Array
) -> Trained:
    """A density of photographs, from crops of them, in one compiled scan."""
    crops = jnp.asarray(crops)
    start, draws = jax.random.split(key)
    params = model.init(start, crops[:1])
    schedule = optax.cosine_decay_schedule(settings.learning_rate, settings.steps)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))

    def loss(params: Any, chosen: Int[jax.Array, " batch"]) -> jax.Array:
        return jnp.mean(bits_per_dimension(model, params, crops[chosen]))

    def step(carry: tuple[Any, Any], key: jax.Array) -> tuple[tuple[Any, Any], jax.Array]:
        params, state = carry
        chosen = jax.random.randint(key, (settings.batch,), 0, len(crops))
        value, gradient = jax.value_and_grad(loss)(params, chosen)
        updates, state = optimiser.update(gradient, state)
        return (optax.apply_updates(params, updates), state), value

    keys = jax.random.split(draws, settings.steps)
    (params, _), losses = jax.lax.scan(step, (params, optimiser.init(params)), keys)
    return Trained(params, losses)


def random_crops(pictures: list[np.ndarray], side: int, count: int, seed: int) -> np.ndarray:
    """Crops of pictures drawn at random, uint8 (count, side, side, 3)."""
    rng = np.random.default_rng(seed)
    crops = np.empty((count, side, side, 3), np.uint8)
    for crop in crops:
        picture = pictures[rng.integers(len(pictures))]
        row, column = (rng.integers(size - side + 1) for size in picture.shape[:2])
        crop[:] = picture[row : row + side, column : column + side]
    return crops
