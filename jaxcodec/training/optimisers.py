"""Optimisers and learning-rate schedules from a config."""

import jax
import optax
import optax.contrib
from ml_collections import ConfigDict

from jaxcodec import extensions
from jaxcodec.errors import TrainingError

_MUON_WIDEST = 128


def schedule(config: ConfigDict) -> optax.Schedule:
    """Linear warm-up, constant, then linear decay to zero over the last `decay` part of `steps`.

    A run in its constant part can be given more `steps`, and resumes as if it had been planned so.
    """
    steps, warm, rate = config.steps, config.optimiser.warmup, config.optimiser.learning_rate
    decay_steps = max(1, round(config.optimiser.decay * steps))
    pieces = [
        optax.linear_schedule(rate / max(1, warm), rate, warm),
        optax.constant_schedule(rate),
        optax.linear_schedule(rate, 0.0, decay_steps),
    ]
    return optax.join_schedules(pieces, [warm, max(warm, steps - decay_steps)])


def create(config: ConfigDict) -> optax.GradientTransformation:
    """The gradient transformation of `config.optimiser`: global-norm clipping, then Adam or Muon."""
    rate = schedule(config)
    kind = config.optimiser.kind
    if kind == "adam":
        update = optax.adam(rate, b1=config.optimiser.b1, b2=config.optimiser.b2)
    elif kind == "muon":
        update = _muon(config, rate)
    elif extensions.is_own(kind):  # called with the settings of the optimiser and the schedule
        update = extensions.resolve(kind)(config.optimiser, rate)
    else:
        raise TrainingError(f"config.optimiser.kind {kind!r} is unknown; use 'adam' or 'muon'")
    return optax.chain(optax.clip_by_global_norm(config.optimiser.clip), update)


def _muon(config: ConfigDict, rate: optax.Schedule) -> optax.GradientTransformation:
    """Muon (Jordan et al. 2024) for narrow convolution kernels, as matrices (taps and inputs, outputs); Adam for the rest.

    Wide kernels stay with Adam: orthogonalising them costs more than it gains on a CPU, and those that start as a
    designed transform need small, directed changes.
    Updates are scaled to the root mean square that Adam's have (Liu et al. 2025), so `learning_rate` serves Adam and
    `muon_factor` times it serves Muon.
    """
    factor = config.optimiser.muon_factor
    return optax.contrib.muon(
        learning_rate=lambda step: factor * rate(step),
        adam_learning_rate=rate,
        adam_b1=config.optimiser.b1,
        consistent_rms=0.2,
        muon_weight_dimension_numbers=_kernels_as_matrices,
    )


def _kernels_as_matrices(params):
    def numbers(path, leaf):
        matrix = path[-1].key == "kernel" and min(leaf.size // leaf.shape[-1], leaf.shape[-1]) <= _MUON_WIDEST
        return optax.contrib.MuonDimensionNumbers(reduction_axis=(0, 1, 2), output_axis=3) if matrix else None

    return jax.tree_util.tree_map_with_path(numbers, params)
