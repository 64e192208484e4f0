"""What an objective is: the phases of a training step, each with its network and its loss.

A run trains *players*, networks with an optimiser each. The codec is the first; an objective may
bring others, a discriminator or a model of the source say. A training step runs the codec once over
its batch and goes through the phases in order: the first moves the codec, perhaps with others, each
later one other players.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import optax  # pyright: ignore[reportMissingTypeStubs] it has none

Metrics = dict[str, jax.Array]
"""Scalars by name."""

Params = Any
"""The variables of a network, a tree of arrays."""

Carry = Any
"""What an objective carries from step to step, a tree of arrays; () for nothing."""

CODEC = "codec"
"""Name of the player that every run has, and that is exported."""


class Forward(NamedTuple):
    """The codec's forward pass over a batch of B images of H x W pixels.

    image: (B, H, W, 3) float32 in [0, 1], what went in. quality: (B,) in [0, 1]. reconstruction:
      shaped as `image`, not clipped in training; of validation in 256 levels. bits: (B,) of the
      whole image. side_bits: (B,), the part of `bits` that the hyper-latent takes, zero without
      one. latent: (B, h, w, C) in quantiser steps, not rounded. latent_hat: the same as synthesis
      sees it. likelihoods: of each symbol, "latent" (B, h, w, C) and with a hyper-latent "hyper"
      (B, h', w', C'). Of a model from outside the package the last three may be None.
    """

    image: jax.Array
    quality: jax.Array
    reconstruction: jax.Array
    bits: jax.Array
    side_bits: jax.Array
    latent: jax.Array | None = None
    latent_hat: jax.Array | None = None
    likelihoods: Mapping[str, jax.Array] | None = None

    @property
    def bpp(self) -> jax.Array:
        """Bits per pixel (B,)."""
        return self.bits / (self.image.shape[1] * self.image.shape[2])


Loss = Callable[[Mapping[str, Params], Forward, jax.Array, Carry], tuple[jax.Array, Metrics]]
"""`loss(params, forward, key, carry) -> (loss, metrics)`, a pure function that is traced.

params: the parameters of every player, by name. The loss is differentiated by those of its own
players alone; the others are constants, as phases before it left them. forward: a function of the
codec's parameters in the codec's phase, constants in the others. key: randomness of this step and
phase. loss: ().
"""


class Phase(NamedTuple):
    """A part of a training step: the players that it moves, and the loss that they lower.

    Several players of one phase share its forward and backward pass, and each is moved by an
    optimiser of its own.
    """

    players: tuple[str, ...]
    loss: Loss


class Network(NamedTuple):
    """A player beside the codec.

    init: `init(key, forward) -> params`, its parameters at the start; `forward` has the shapes of a
      pass over one training crop, and zeros. optimiser: what moves it; None for the optimiser of
      the config, with a state of its own.
    """

    init: Callable[[jax.Array, Forward], Params]
    optimiser: optax.GradientTransformation | None = None


class Objective(Protocol):
    """What training minimises. All are pure functions; most run inside `jit`.

    phases: those of a step; the codec's is the first and its only one. Its metrics have at least
      `loss`, `bpp` and `psnr_db`; those of a phase without the codec are reported as PLAYER_NAME,
      by its first player.
    networks: the players beside the codec, by name; {} for none.
    """

    @property
    def phases(self) -> tuple[Phase, ...]: ...

    @property
    def networks(self) -> Mapping[str, Network]: ...

    def init(self) -> Carry:
        """What is carried from step to step, at the start."""
        ...

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """The quality (batch,) in [0, 1] at which each image of a batch is trained."""
        ...

    def update(self, carry: Carry, forward: Forward, rounded: Forward) -> tuple[Carry, Metrics]:
        """The next carry, and metrics, from the pass of a step and the same with rounded latents.

        Over several devices both are of the global batch. Called only where something is carried,
        since a second pass takes time.
        """
        ...

    def validate(self, params: Mapping[str, Params], forward: Forward, carry: Carry) -> Metrics:
        """Metrics of a pass with rounded latents: `loss`, `bpp` and `psnr_db` at least.

        params: of every player, averaged where the run keeps an average. carry: that of the train
        state, which the next step would have.
        """
        ...


class Weighing(Objective, Protocol):
    """An objective that says what a bit weighs in it, which regularizers need."""

    def bit_weight(self, forward: Forward, carry: Carry) -> jax.Array:
        """What a bit per pixel of each image weighs in the loss before the mean, (B,), above 0."""
        ...
