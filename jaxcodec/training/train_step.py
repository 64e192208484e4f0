"""One step of training and one of validation, as pure functions."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxcodec.objectives import Metrics, Objective
from jaxcodec.training.optimisers import Decay
from jaxcodec.training.state import TrainState


def make_train_step(
    model: nn.Module,
    objective: Objective,
    transform: optax.GradientTransformation,
    *,
    surrogate: str,
    seed: int,
    average_decay: float,
) -> Callable[[TrainState, jax.Array, Decay], tuple[TrainState, Metrics]]:
    """Returns `train_step(state, images, falling) -> (state, metrics)` for images (B, crop, crop,
    3) uint8.

    `transform` is given `falling`, the decay of the learning rate, where it takes one
    (`optimisers.create` does).

    Its randomness is a function of `seed` and `state.step` alone, so a resumed run repeats an
    uninterrupted one. A non-finite loss or gradient leaves the state as it was; the metric `finite`
    (0 or 1) tells. An objective that carries something is updated with what the step measured; over
    several devices that is the global batch.
    """

    transform = optax.with_extra_args_support(transform)

    def loss_of(params, images, quality, key, carry):
        output = model.apply(params, images, quality, key, kind=surrogate)
        loss, metrics = objective(images, output.image, output.bits, quality, carry)
        return loss, (metrics, output.bits)

    def update_carry(params, images, quality, key, bits, carry):
        if not jax.tree.leaves(carry):
            return carry, {}
        # XLA shares the analysis with the loss, and drops the synthesis.
        rounded = model.apply(params, images, quality, key, kind="round")
        return objective.update(
            bits, rounded.bits, images.shape[1] * images.shape[2], quality, carry
        )

    def train_step(state, images, falling=None):
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        key_quality, key_noise = jax.random.split(key)
        images = images.astype(jnp.float32) / 255
        quality = objective.draw_quality(key_quality, images.shape[0])
        (_, (metrics, bits)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            state.params, images, quality, key_noise, state.carry
        )
        carry, measured = update_carry(state.params, images, quality, key_noise, bits, state.carry)
        norm = optax.tree.norm(gradients)
        finite = jnp.isfinite(metrics["loss"]) & jnp.isfinite(norm)
        updates, optimiser = transform.update(
            gradients, state.optimiser, state.params, falling=falling
        )
        params = optax.apply_updates(state.params, updates)
        # A growing average: short at first, so that it forgets the start.
        decay = jnp.minimum(average_decay, (1.0 + state.step) / (10.0 + state.step))
        average = optax.incremental_update(params, state.average, 1 - decay)
        stepped = TrainState(state.step + 1, params, average, optimiser, carry)
        kept = jax.tree.map(lambda new, old: jnp.where(finite, new, old), stepped, state)
        return kept, metrics | measured | {
            "gradient_norm": norm,
            "finite": finite.astype(jnp.float32),
        }

    return train_step


def make_validation_step(
    model: nn.Module, objective: Objective
) -> Callable[..., tuple[Metrics, jax.Array]]:
    """Returns `validate(params, images, quality, carry) -> (metrics, reconstruction)` with real
    rounding.

    images: (B, H, W, 3) uint8; quality: (B,); carry: that of the train state; reconstruction: (B,
      H, W, 3) uint8.
    """

    def validate(params, images, quality, carry):
        images = images.astype(jnp.float32) / 255
        output = model.apply(params, images, quality, jax.random.key(0), kind="round")
        image = jnp.round(255 * jnp.clip(output.image, 0, 1)) / 255
        metrics = objective.validate(images, image, output.bits, quality, carry)
        return metrics, (255 * image).astype(jnp.uint8)

    return validate
