"""What training carries from step to step."""

from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax


@flax.struct.dataclass
class TrainState:
    """step: () int32. params: the model's variables. average: their exponential moving average.
    optimiser: its state.

    carry: what the objective carries, a `RateState` of a target-rate loss, () of others.
    """

    step: jax.Array
    params: Any
    average: Any
    optimiser: Any
    carry: Any = ()


def create(
    model: nn.Module, transform: optax.GradientTransformation, crop: int, seed: int, carry: Any = ()
) -> TrainState:
    """A fresh state for images (B, crop, crop, 3); the same seed gives the same state."""
    key = jax.random.key(seed)
    image = jnp.zeros((1, crop, crop, 3))
    params = jax.jit(model.init)(key, image, jnp.zeros((1,)), key)
    return with_params(
        TrainState(jnp.zeros((), jnp.int32), params, params, None, carry), params, transform
    )


def with_params(
    state: TrainState, params: Any, transform: optax.GradientTransformation
) -> TrainState:
    """The state at the start of training from `params`."""
    copy = jax.tree.map(jnp.copy, params)  # its own buffers: the state is donated to the step
    return state.replace(params=params, average=copy, optimiser=transform.init(params))
