"""What training carries from step to step."""

import functools
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxcodec.objectives import CODEC, Carry, Forward, Objective, Params
from jaxcodec.training.forward import forward_pass


@flax.struct.dataclass
class Player:
    """A network that is trained.

    params: its variables. average: their exponential moving average, shaped alike. optimiser: the
    state of its optimiser.
    """

    params: Params
    average: Params
    optimiser: Any


@flax.struct.dataclass
class TrainState:
    """What a step of training takes and gives back.

    step: () int32, steps done. players: by name, "codec" among them. carry: what the objective
    carries, a `RateState` of a target-rate loss, () of others.
    """

    step: jax.Array
    players: dict[str, Player]
    carry: Carry = ()

    @property
    def codec(self) -> Player:
        """The player that is exported."""
        return self.players[CODEC]


def create(
    model: nn.Module,
    objective: Objective,
    transform: optax.GradientTransformation,
    crop: int,
    seed: int,
) -> TrainState:
    """A fresh state for images (B, crop, crop, 3); the same seed gives the same state.

    The codec is that of `model`, moved by `transform`; further players are those of the objective.
    """
    key = jax.random.key(seed)
    image, quality = jnp.zeros((1, crop, crop, 3)), jnp.zeros((1,))
    codec = jax.jit(model.init)(key, image, quality, key)
    players = {CODEC: fresh_player(codec, transform)}
    transforms = optimisers_of(objective, transform)
    for number, (name, network) in enumerate(sorted(objective.networks.items()), 1):
        forward = _empty_pass(model, codec, crop)
        # Beyond the numbers of steps, which the steps' own keys are made of.
        own_key = jax.random.fold_in(key, np.uint32(2**32 - number))
        params = jax.jit(network.init)(own_key, forward)
        players[name] = fresh_player(params, transforms[name])
    return TrainState(jnp.zeros((), jnp.int32), players, objective.init())


def _empty_pass(model: nn.Module, params: Params, crop: int) -> Forward:
    """Zeros, shaped as a pass over one crop."""
    image, quality = jnp.zeros((1, crop, crop, 3)), jnp.zeros((1,))
    run = functools.partial(forward_pass, model, key=jax.random.key(0), surrogate="round")
    shapes = jax.eval_shape(run, params, image, quality)
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def fresh_player(params: Params, transform: optax.GradientTransformation) -> Player:
    """A player at the start of training from `params`."""
    copy = jax.tree.map(jnp.copy, params)  # its own buffers: the state is donated to the step
    return Player(params, copy, transform.init(params))


def optimisers_of(
    objective: Objective, transform: optax.GradientTransformation
) -> dict[str, optax.GradientTransformation]:
    """What moves each player: `transform`, but for networks that bring an optimiser."""
    return {CODEC: transform} | {
        name: network.optimiser or transform for name, network in objective.networks.items()
    }
