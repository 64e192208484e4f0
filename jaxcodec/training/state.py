"""What training carries from step to step."""

from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax


@flax.struct.dataclass
class TrainState:
    """step: () int32. params: the model's variables. average: their exponential moving average. optimiser: its state."""

    step: jax.Array
    params: Any
    average: Any
    optimiser: Any


def create(model: nn.Module, transform: optax.GradientTransformation, crop: int, seed: int) -> TrainState:
    """A fresh state for images (B, crop, crop, 3); the same seed gives the same state."""
    key = jax.random.key(seed)
    image = jnp.zeros((1, crop, crop, 3))
    params = jax.jit(model.init)(key, image, jnp.zeros((1,)), key)
    copy = jax.tree.map(jnp.copy, params)  # its own buffers: the state is donated to the step
    return TrainState(jnp.zeros((), jnp.int32), params, copy, transform.init(params))
