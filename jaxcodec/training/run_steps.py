"""What a run computes: its model, the state at the start, and the compiled steps."""

import dataclasses
import functools
import time
from typing import NamedTuple

import flax.linen as nn
import jax
import numpy as np
from absl import logging

from jaxcodec import extensions, models
from jaxcodec.errors import TrainingError
from jaxcodec.objectives import CODEC, split_weights
from jaxcodec.objectives.regularizer import SOURCE
from jaxcodec.training import optimisers, sharding, start
from jaxcodec.training import state as train_state
from jaxcodec.training.config import objective_of
from jaxcodec.training.optimisers import Decay
from jaxcodec.training.quiet import without_compile_alarm
from jaxcodec.training.settings import Config
from jaxcodec.training.train_step import (
    TrainStep,
    ValidationStep,
    make_train_step,
    make_validation_step,
)


class RunSteps(NamedTuple):
    """The jitted steps of training, which donates its state, and of validation.

    The weights of a learned distortion are their first argument, which they have already.
    """

    train: functools.partial
    validate: ValidationStep


def make(config: Config, mesh: jax.sharding.Mesh) -> RunSteps:
    """The steps of a config, over a mesh."""
    model, (weights, objective) = build_model(config), split_weights(objective_of(config))
    same, split = sharding.replicated(mesh), sharding.divided(mesh)

    def train_step(weights, state, images, falling):
        step = make_train_step(
            model,
            objective(weights),
            optimisers.create(config),
            surrogate=config.surrogate,
            seed=config.seed,
            average_decay=config.average_decay,
            clips=_clips(config),
        )
        return step(state, images, falling)

    def validate(weights, *arguments):
        return make_validation_step(model, objective(weights))(*arguments)

    train = jax.jit(
        train_step,
        in_shardings=(same, same, split, same),
        out_shardings=(same, same),
        donate_argnums=1,
    )
    weights = sharding.put_replicated(weights, mesh)
    return RunSteps(
        functools.partial(train, weights),
        functools.partial(jax.jit(validate, out_shardings=same), weights),
    )


def first_state(config: Config, mesh: jax.sharding.Mesh, *, fresh: bool) -> train_state.TrainState:
    """The state before the first step, replicated over the mesh.

    fresh: whether the run begins with it, so that the weights of another run matter
    (`config.start`); else it is the template of a checkpoint.

    Raises:
      TrainingError: the other run has no checkpoint, or another model.
    """
    transform = optimisers.create(config)
    state = train_state.create(
        build_model(config), objective_of(config), transform, config.data.crop, config.seed
    )
    if fresh and (config.start.workdir or config.start.codec):
        params = start.params_of(config.start, state.codec.params)
        codec = train_state.fresh_player(params, transform)
        state = dataclasses.replace(state, players=state.players | {CODEC: codec})
    logging.info(
        "%d parameters, %d devices in %d processes, global batch %d",
        sum(leaf.size for leaf in jax.tree.leaves(state.codec.params)),
        mesh.size,
        jax.process_count(),
        config.batch_size,
    )
    return sharding.put_replicated(jax.device_get(state), mesh)


def build_model(config: Config) -> nn.Module:
    """The model of a config, with 8-bit networks where it asks for them (`fake_quantised`)."""
    model = models.build(config.model.to_dict())
    return model.clone(fake_quantised=True) if config.fake_quantised else model


def check_model(config: Config) -> None:
    """Raises TrainingError for a model whose sizes do not go together, as a trace shows."""
    key, image = jax.random.key(0), np.zeros((1, config.data.crop, config.data.crop, 3), np.float32)
    try:
        output, _ = jax.eval_shape(
            build_model(config).init_with_output, key, image, np.zeros(1, np.float32), key
        )
    except Exception as error:  # Flax and JAX raise anything
        reason = " ".join(str(error).split())[:300]
        raise TrainingError(
            f"the model of the config cannot be built ({reason}); mend config.model"
        ) from error
    if output.image.shape != image.shape:
        raise TrainingError(
            f"the model of the config makes {output.image.shape} of {image.shape}; mend "
            "config.model"
        )


def compile_step(
    train_step: functools.partial,
    state: train_state.TrainState,
    config: Config,
    mesh: jax.sharding.Mesh,
    falling: Decay,
) -> TrainStep:
    """The compiled step of training, of that of `RunSteps`.

    XLA's word about how long that takes is hidden, ours is logged.
    """
    logging.info("compiling the training step, which takes minutes for a large model that is new")
    start_time = time.monotonic()
    shape = (config.batch_size, config.data.crop, config.data.crop, 3)
    images = jax.ShapeDtypeStruct(shape, np.uint8, sharding=sharding.divided(mesh))
    with without_compile_alarm():
        lowered = train_step.func.lower(*train_step.args, state, images, falling)
        compiled = functools.partial(lowered.compile(), *train_step.args)
    logging.info("compiled in %.0f s", time.monotonic() - start_time)
    return compiled


def _clips(config: Config) -> dict[str, float]:
    """Where the optimisers of the package clip the gradients of players, by name."""
    own = {} if extensions.is_own(config.optimiser.kind) else {CODEC: config.optimiser.clip}
    regularized = config.regularizer.alpha and config.regularizer.control == "none"
    return own | ({SOURCE: config.regularizer.clip} if regularized else {})
