"""One step of training and one of validation, as pure functions."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxcodec.objectives.rate_distortion import RateDistortion, draw_quality
from jaxcodec.training.state import TrainState

Metrics = dict[str, jax.Array]


def make_train_step(
    model: nn.Module,
    objective: RateDistortion,
    transform: optax.GradientTransformation,
    *,
    surrogate: str,
    seed: int,
    average_decay: float,
) -> Callable[[TrainState, jax.Array], tuple[TrainState, Metrics]]:
    """Returns `train_step(state, images) -> (state, metrics)` for images (B, crop, crop, 3) uint8.

    Its randomness is a function of `seed` and `state.step` alone, so a resumed run repeats an uninterrupted one. A
    non-finite loss or gradient leaves params, average and optimiser as they were; the metric `finite` (0 or 1) tells.
    """

    def loss_of(params, images, quality, key):
        output = model.apply(params, images, quality, key, kind=surrogate)
        return objective(images, output.image, output.bits, quality)

    def train_step(state, images):
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        key_quality, key_noise = jax.random.split(key)
        images = images.astype(jnp.float32) / 255
        quality = draw_quality(key_quality, images.shape[0])
        (_, metrics), gradients = jax.value_and_grad(loss_of, has_aux=True)(state.params, images, quality, key_noise)
        norm = optax.tree.norm(gradients)
        finite = jnp.isfinite(metrics["loss"]) & jnp.isfinite(norm)
        updates, optimiser = transform.update(gradients, state.optimiser, state.params)
        params = optax.apply_updates(state.params, updates)
        # A growing average: short at first, so that it forgets the start.
        decay = jnp.minimum(average_decay, (1.0 + state.step) / (10.0 + state.step))
        average = optax.incremental_update(params, state.average, 1 - decay)
        stepped = TrainState(state.step + 1, params, average, optimiser)
        kept = jax.tree.map(lambda new, old: jnp.where(finite, new, old), stepped, state)
        return kept, metrics | {"gradient_norm": norm, "finite": finite.astype(jnp.float32)}

    return train_step


def make_validation_step(model: nn.Module, objective: RateDistortion) -> Callable[..., tuple[Metrics, jax.Array]]:
    """Returns `validate(params, images, quality) -> (metrics, reconstruction)` with real rounding.

    images: (B, H, W, 3) uint8; quality: (B,); reconstruction: (B, H, W, 3) uint8.
    """

    def validate(params, images, quality):
        images = images.astype(jnp.float32) / 255
        output = model.apply(params, images, quality, jax.random.key(0), kind="round")
        image = jnp.round(255 * jnp.clip(output.image, 0, 1)) / 255
        _, metrics = objective(images, image, output.bits, quality)
        return metrics, (255 * image).astype(jnp.uint8)

    return validate
