"""One step of training and one of validation, as pure functions."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxcodec.objectives import CODEC, Carry, Forward, Metrics, Objective, Params, Phase
from jaxcodec.training.forward import forward_pass
from jaxcodec.training.optimisers import Decay
from jaxcodec.training.state import Player, TrainState, optimisers_of

TrainStep = Callable[..., tuple[TrainState, Metrics]]
ValidationStep = Callable[
    [Mapping[str, Params], jax.Array, jax.Array, Carry], tuple[Metrics, jax.Array]
]


def make_train_step(
    model: nn.Module,
    objective: Objective,
    transform: optax.GradientTransformation,
    *,
    surrogate: str,
    seed: int,
    average_decay: float,
    clips: Mapping[str, float] | None = None,
) -> TrainStep:
    """Returns `train_step(state, images, falling=None) -> (state, metrics)`.

    images: (B, crop, crop, 3) uint8. The phases of the objective follow
    each other, each with the players as those before it left them. The codec runs in the first
    phase; later ones see that pass. `transform` moves the codec, and networks that bring no
    optimiser; it is given `falling`, a `Decay` of the learning rate, where it takes one
    (`optimisers.create` does). clips: the norm at which optimisers clip the gradient of players,
    by name, for the metric `clipped`.

    Its randomness is a function of `seed` and `state.step` alone, so a resumed run repeats an
    uninterrupted one. A loss or gradient of any phase that is not finite leaves the whole state as
    it was; the metric `finite` (0 or 1) says so. An objective that carries something is updated
    with the measurements of the step; over several devices they are of the global batch.
    """
    transforms, clips = optimisers_of(objective, transform), clips or {}

    def update_carry(
        params: Params, forward: Forward, key: jax.Array, carry: Carry
    ) -> tuple[Carry, Metrics]:
        if not jax.tree.leaves(carry):
            return carry, {}
        # XLA shares the analysis with the loss, and drops the synthesis.
        rounded = forward_pass(model, params, forward.image, forward.quality, key, "round")
        return objective.update(carry, forward, rounded)

    def train_step(
        state: TrainState, images: jax.Array, falling: Decay | None = None
    ) -> tuple[TrainState, Metrics]:
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        key_quality, key_noise = jax.random.split(key)
        images = images.astype(jnp.float32) / 255
        quality = objective.draw_quality(key_quality, images.shape[0])

        players, metrics = dict(state.players), {}
        finite: Any = True
        run = functools.partial(
            forward_pass, model, image=images, quality=quality, key=key_noise, surrogate=surrogate
        )
        # A growing average: short at first, so that it forgets the start.
        staying = jnp.minimum(average_decay, (1.0 + state.step) / (10.0 + state.step))
        for number, phase in enumerate(objective.phases):
            own_key = jax.random.fold_in(key, 2 + number)  # 0 and 1 are those of the split
            loss, gradients, measured, forward = _differentiate(
                phase, players, run, own_key, state.carry
            )
            norms = {name: optax.tree.norm(gradients[name]) for name in phase.players}
            finite = functools.reduce(jnp.logical_and, map(jnp.isfinite, norms.values()), finite)
            finite &= jnp.isfinite(loss)
            metrics |= _reported(phase, measured)
            for name, norm in norms.items():
                metrics |= _with_player(name, _of_gradient(norm, clips.get(name)))
                transform_of_player = optax.with_extra_args_support(transforms[name])
                players[name] = _move(
                    players[name], gradients[name], transform_of_player, falling, staying
                )
            run = functools.partial(_constant, forward)
        carry, measured = update_carry(state.codec.params, forward, key_noise, state.carry)
        new_state = TrainState(state.step + 1, players, carry)
        new_state = jax.tree.map(lambda new, old: jnp.where(finite, new, old), new_state, state)
        return new_state, metrics | measured | {"finite": finite.astype(jnp.float32)}

    return train_step


def _differentiate(
    phase: Phase,
    players: Mapping[str, Player],
    run: Callable[[Params], Forward],
    key: jax.Array,
    carry: Carry,
) -> tuple[jax.Array, dict[str, Params], Metrics, Forward]:
    """Loss, gradients by the parameters of each of its players, metrics, and the codec's pass.

    run: makes the pass of the codec's parameters.
    """
    params = {name: player.params for name, player in players.items()}

    def loss_of(own: dict[str, Params]) -> tuple[jax.Array, tuple[Metrics, Forward]]:
        seen = params | own
        forward = run(seen[CODEC])
        loss, metrics = phase.loss(seen, forward, key, carry)
        return loss, (metrics, forward)

    (loss, (metrics, forward)), gradients = jax.value_and_grad(loss_of, has_aux=True)(
        {name: params[name] for name in phase.players}
    )
    return loss, gradients, metrics, forward


def _constant(forward: Forward, params: Params) -> Forward:
    """The pass that was made before, whatever the parameters."""
    del params
    return forward


def _move(
    player: Player,
    gradients: Params,
    transform: optax.GradientTransformationExtraArgs,
    falling: Decay | None,
    average_decay: jax.Array,
) -> Player:
    """A player after a step of its optimiser.

    average_decay: the part of its average that stays.
    """
    updates, optimiser = transform.update(
        gradients, player.optimiser, player.params, falling=falling
    )
    params = optax.apply_updates(player.params, updates)
    average = optax.incremental_update(params, player.average, 1 - average_decay)
    return Player(params, average, optimiser)


def _of_gradient(norm: jax.Array, clip: float | None) -> Metrics:
    """gradient_norm, and where there is a clip `clipped`, whether it was beyond it (0 or 1)."""
    clipped = {} if clip is None else {"clipped": (norm > clip).astype(jnp.float32)}
    return {"gradient_norm": norm} | clipped


def _reported(phase: Phase, metrics: Metrics) -> Metrics:
    """The metrics of a phase as they are reported."""
    return _with_player(CODEC if CODEC in phase.players else phase.players[0], metrics)


def _with_player(player: str, metrics: Metrics) -> Metrics:
    """Metrics of a player: of the codec as they are, of another as PLAYER_NAME."""
    return metrics if player == CODEC else {f"{player}_{name}": metrics[name] for name in metrics}


def make_validation_step(model: nn.Module, objective: Objective) -> ValidationStep:
    """Returns `validate(params, images, quality, carry) -> (metrics, reconstruction)`.

    Latents are rounded, and so are the pixels. params: of every player, by name. images: (B, H, W,
    3) uint8; quality: (B,); carry: that of the train state; reconstruction: (B, H, W, 3) uint8.
    """

    def validate(
        params: Mapping[str, Params], images: jax.Array, quality: jax.Array, carry: Carry
    ) -> tuple[Metrics, jax.Array]:
        images = images.astype(jnp.float32) / 255
        key = jax.random.key(0)  # rounding draws nothing
        forward = forward_pass(model, params[CODEC], images, quality, key, "round")
        pixels = jnp.round(255 * jnp.clip(forward.reconstruction, 0, 1)) / 255
        metrics = objective.validate(params, forward._replace(reconstruction=pixels), carry)
        return metrics, (255 * pixels).astype(jnp.uint8)

    return validate
