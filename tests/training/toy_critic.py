"""A second player: all that it takes, in one file, which a config names by its import path."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxcodec.objectives import CODEC, Forward, Metrics, Network, Params, Phase, RateDistortion


class Critic(nn.Module):
    """Guesses the mean colour of an image from its reconstruction (B, H, W, 3): (B, 3)."""

    @nn.compact
    def __call__(self, reconstruction: jax.Array) -> jax.Array:
        features = nn.relu(nn.Conv(4, (3, 3), strides=2, name="features")(reconstruction))
        return nn.Dense(3, name="guess")(features.mean(axis=(1, 2)))


class CriticisedRate(NamedTuple):
    """A trade-off, and `weight` times what a critic misses by, which learns to miss by little.

    learning_rate: of the critic's gradient descent.
    """

    trade_off: float
    weight: float
    learning_rate: float = 1e-2

    @property
    def plain(self) -> RateDistortion:
        """The objective without the critic."""
        return RateDistortion(self.trade_off, self.trade_off)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The codec under the critic as it is, then the critic under the codec's pictures."""
        return (Phase((CODEC,), self.codec_loss), Phase(("critic",), self.critic_loss))

    @property
    def networks(self) -> Mapping[str, Network]:
        """The critic, with an optimiser of its own."""
        return {"critic": Network(self.start, optax.sgd(self.learning_rate))}

    def start(self, key: jax.Array, forward: Forward) -> Params:
        """The critic's parameters at the start."""
        return Critic().init(key, forward.reconstruction)

    def codec_loss(
        self, params: Mapping[str, Params], forward: Forward, key: jax.Array, carry: Any
    ):
        """The trade-off and the weighted miss."""
        loss, metrics = self.plain.loss(params, forward, key, carry)
        loss = loss + self.weight * self.miss(params, forward)
        return loss, metrics | {"loss": loss}

    def critic_loss(
        self, params: Mapping[str, Params], forward: Forward, key: jax.Array, carry: Any
    ) -> tuple[jax.Array, Metrics]:
        """The miss."""
        del key, carry
        loss = self.miss(params, forward)
        return loss, {"loss": loss}

    def miss(self, params: Mapping[str, Params], forward: Forward) -> jax.Array:
        """Mean squared error of the guesses."""
        guess = Critic().apply(params["critic"], forward.reconstruction)
        return jnp.mean(jnp.square(guess - forward.image.mean(axis=(1, 2))))

    def init(self) -> tuple[()]:
        """Nothing is carried."""
        return ()

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """As without a critic."""
        return self.plain.draw_quality(key, batch)

    def update(self, carry: Any, forward: Forward, rounded: Forward) -> tuple[Any, Metrics]:
        """Nothing is carried."""
        del forward, rounded
        return carry, {}

    def validate(self, params: Mapping[str, Params], forward: Forward, carry: Any) -> Metrics:
        """As without a critic, and its miss."""
        metrics = self.plain.validate(params, forward, carry)
        return metrics | {"critic_loss": self.miss(params, forward)}
