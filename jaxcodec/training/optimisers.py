"""Optimisers and learning-rate schedules from a config."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib

from jaxcodec import extensions
from jaxcodec.errors import TrainingError
from jaxcodec.ops import Array
from jaxcodec.training.settings import Config
from jaxcodec.training.soap import scale_by_soap


class Decay(NamedTuple):
    """When the learning rate begins to fall, and over how many steps: int32 ().

    All that a schedule takes from the length of a run. The step of training is given it as an
    argument, so that a run of another length shares its compiled program.
    """

    start: Array | np.integer
    steps: Array | np.integer


def decay(config: Config) -> Decay:
    """The decay over the last `optimiser.decay` part of `steps`, after the warm-up."""
    steps = max(1, round(config.optimiser.decay * config.steps))
    return Decay(np.int32(max(config.optimiser.warmup, config.steps - steps)), np.int32(steps))


def schedule(config: Config, falling: Decay) -> optax.Schedule:
    """Linear warm-up, constant, then linear decay to zero.

    A run in its constant part can be given more `steps`, and resumes as if it had been planned so.
    """
    warm, rate = config.optimiser.warmup, config.optimiser.learning_rate
    rising = optax.linear_schedule(rate / max(1, warm), rate, warm)

    def at(step: Any) -> jax.Array:
        part = jnp.clip((step - falling.start) / falling.steps, 0.0, 1.0)
        return jnp.where(step < warm, rising(step), rate * (1.0 - part))

    return at


def create(config: Config) -> optax.GradientTransformationExtraArgs:
    """The gradient transformation of `config.optimiser`: global-norm clipping, then Adam or Muon.

    Its update takes `falling`, the decay of the learning rate, by name (else it is that of the
    config); its state does not depend on that.
    """

    def init(params):
        return _transformation(config, decay(config)).init(params)

    def update(updates, state, params=None, *, falling: Decay | None = None, **_):
        return _transformation(config, falling or decay(config)).update(updates, state, params)

    return optax.GradientTransformationExtraArgs(init, update)


def _transformation(config: Config, falling: Decay) -> optax.GradientTransformation:
    rate = schedule(config, falling)
    kind = config.optimiser.kind
    if kind == "adam":
        update = optax.adam(rate, b1=config.optimiser.b1, b2=config.optimiser.b2)
    elif kind == "muon":
        update = _muon(config, rate)
    elif kind == "soap":
        update = _soap(config, rate)
    elif extensions.is_own(kind):  # called with the settings of the optimiser and the schedule
        update = extensions.resolve(kind)(config.optimiser, rate)
    else:
        raise TrainingError(
            f"config.optimiser.kind {kind!r} is unknown; use 'adam', 'muon' or 'soap'"
        )
    return optax.chain(optax.clip_by_global_norm(config.optimiser.clip), update)


def _soap(config: Config, rate: optax.Schedule) -> optax.GradientTransformation:
    """SOAP (`training.soap`) for kernels of networks, Adam for all else."""

    def part(path: tuple[Any, ...], leaf: jax.Array) -> str:
        return "soap" if path[-1].key == "kernel" and leaf.ndim == 4 else "adam"

    b1, b2 = config.optimiser.b1, config.optimiser.b2
    return optax.partition(
        {
            "soap": optax.chain(
                scale_by_soap(b1, b2, covariance_decay=b2), optax.scale_by_learning_rate(rate)
            ),
            "adam": optax.adam(rate, b1=b1, b2=b2),
        },
        functools.partial(jax.tree_util.tree_map_with_path, part),
    )


def _muon(config: Config, rate: optax.Schedule) -> optax.GradientTransformation:
    """Muon (Jordan et al. 2024) for narrow convolution kernels, Adam for the rest.

    Kernels are taken as matrices (taps and inputs, outputs). Wide kernels stay with Adam:
    orthogonalising them costs more than it gains on a CPU, and those that start as a designed
    transform need small, directed changes. Updates are scaled to the root mean square that Adam's
    have (Liu et al. 2025), so `learning_rate` serves Adam and `muon_factor` times it serves Muon.
    """
    factor = config.optimiser.muon_factor
    return optax.contrib.muon(
        learning_rate=lambda step: factor * rate(step),
        adam_learning_rate=rate,
        adam_b1=config.optimiser.b1,
        consistent_rms=0.2,
        muon_weight_dimension_numbers=functools.partial(
            _kernels_as_matrices, config.optimiser.muon_widest
        ),
    )


def _kernels_as_matrices(widest: int, params: Any) -> Any:
    """For Muon: which axes of each kernel are rows and columns; None for what Adam moves."""

    def numbers(path: tuple[Any, ...], leaf: jax.Array) -> Any:
        matrix = (
            path[-1].key == "kernel" and min(leaf.size // leaf.shape[-1], leaf.shape[-1]) <= widest
        )
        return (
            optax.contrib.MuonDimensionNumbers(reduction_axis=(0, 1, 2), output_axis=3)
            if matrix
            else None
        )

    return jax.tree_util.tree_map_with_path(numbers, params)
