"""What training minimises."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax

from jaxcodec import distortions, extensions
from jaxcodec.distortions import Distortion, DistortionError
from jaxcodec.errors import TrainingError
from jaxcodec.objectives import controller, regularizer
from jaxcodec.objectives.protocol import (
    CODEC,
    Carry,
    Forward,
    Loss,
    Metrics,
    Network,
    Objective,
    Params,
    Phase,
    Weighing,
)
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.objectives.regularizer import Regularized
from jaxcodec.objectives.target_rate import TargetRate

__all__ = [
    "CODEC",
    "Carry",
    "Forward",
    "Loss",
    "Metrics",
    "Network",
    "Objective",
    "Params",
    "Phase",
    "RateDistortion",
    "TargetRate",
    "Weighing",
    "create",
    "split_weights",
]

_NEEDED = ("phases", "networks", "init", "draw_quality", "update", "validate")


def create(
    trade_off: Mapping[str, Any],
    target_rate: Mapping[str, Any],
    regularized: Mapping[str, Any] | None = None,
    description: Mapping[str, Any] | None = None,
) -> Objective:
    """The objective of a config.

    It is a target rate where there are `targets_bpp`, else the trade-off of `RateDistortion`; with
    the regularizer where it is `regularized`.

    trade_off: the fields of `RateDistortion`, the distortion by its name, which a target rate has
      too; or a `kind`, a class of one's own or its import path, and its fields.
    target_rate: `targets_bpp`, `balance`, `decay` (fields of `controller.TargetDecay`) and the
      arguments of `controller.create`; empty lists stand for what is not given.
    regularized: the arguments of `regularizer.create`, None for none. description: of the model.

    Raises:
      RateError: settings that cannot work.
      TrainingError: a distortion that there is not.
      ExtensionError, TrainingError: an objective or distortion of one's own that cannot be had, or
        has other fields; a regularizer that does not go with the rest.
    """
    made = _objective(trade_off, target_rate)
    return made if regularized is None else regularizer.create(made, regularized, description or {})


def _objective(trade_off: Mapping[str, Any], target_rate: Mapping[str, Any]) -> Objective:
    """The objective of a config without its regularizer."""
    if "kind" in trade_off:
        return _own(dict(trade_off), target_rate)
    fields = dict(trade_off)
    distortion = _distortion(fields.pop("distortion", "mse"))
    density = fields.pop("density_weight", "")
    if not target_rate["targets_bpp"]:
        weight = extensions.resolve(density) if density else None
        return RateDistortion(**fields, distortion=distortion, density=weight)
    if density:
        raise TrainingError(
            f"config.objective.density_weight is {density!r}, which goes with a trade-off; leave "
            "it, or config.target_rate.targets_bpp, out"
        )
    settings: dict[str, Any] = {
        name: value or None if name == "parameter_bpp" else value
        for name, value in target_rate.items()
    }
    targets, balance = tuple(settings.pop("targets_bpp")), settings.pop("balance")
    decay = controller.TargetDecay(**settings.pop("decay"))
    rate_controller = controller.create(targets, decay=decay, **settings)
    return TargetRate(targets, rate_controller, balance, distortion)


def _distortion(name: str) -> Distortion:
    """The distortion of a config; raises TrainingError where there is none, or not its weights."""
    try:
        return distortions.get(name)
    except DistortionError as error:
        if name in distortions.names():
            raise TrainingError(f"config.objective.distortion is {name!r}: {error}") from error
        raise TrainingError(
            f"config.objective.distortion is {name!r}; it must be one of "
            f"{', '.join(distortions.names())}, or MODULE:NAME of your own"
        ) from error


def _own(fields: dict[str, Any], target_rate: Mapping[str, Any]) -> Objective:
    """An objective of one's own, from the class that its `kind` names."""
    kind = fields.pop("kind")
    if target_rate["targets_bpp"]:
        raise TrainingError(
            f"config.objective.kind is {kind!r} and config.target_rate.targets_bpp is not empty; "
            "only one of them can be "
            "what training minimises"
        )
    try:
        objective = extensions.resolve(kind)(**fields)
    except TypeError as error:
        raise TrainingError(f"config.objective cannot be made: {error}") from error
    for needed in _NEEDED:
        if not hasattr(objective, needed):
            raise TrainingError(f"the objective {kind!r} has no `{needed}`; see docs/extending.md")
    _check_players(kind, objective)
    return objective


def _check_players(kind: Any, objective: Objective) -> None:
    """Raises TrainingError unless phases begin with the codec's and networks fit the others."""
    phases = [phase.players for phase in objective.phases]
    networks = objective.networks.keys()
    players = [name for phase in phases for name in phase]
    first = phases[0] if phases else ()
    if (
        CODEC not in first
        or CODEC in networks
        or not networks >= set(players) - {CODEC}
        or (players.count(CODEC) > 1)
    ):
        raise TrainingError(
            f"the objective {kind!r} has phases of {phases} and brings the networks "
            f"{sorted(networks)}; the first phase, and it alone, must be of {CODEC!r}, all else of "
            "these networks, see docs/extending.md"
        )


def split_weights(objective: Objective) -> tuple[Any, Callable[[Any], Objective]]:
    """The weights of an objective's distortion, () for none, and the objective with other weights.

    So that they can be arguments of jitted functions, and not constants that XLA may fold.
    """
    if isinstance(objective, Regularized):
        weights, inner = split_weights(objective.objective)
        return weights, lambda given: dataclasses.replace(objective, objective=inner(given))
    distortion = getattr(objective, "distortion", None)
    if not isinstance(objective, RateDistortion | TargetRate) or distortion is None:
        return (), lambda given: objective
    ready = distortions.get(distortion).ready()
    if not jax.tree.leaves(ready.params):
        return (), lambda given: objective
    return ready.params, lambda given: objective._replace(
        distortion=dataclasses.replace(ready, params=given)
    )
