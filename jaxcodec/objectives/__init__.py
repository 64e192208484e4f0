"""What training minimises."""

from collections.abc import Mapping
from typing import Any, Protocol

import jax

from jaxcodec import extensions
from jaxcodec.errors import TrainingError
from jaxcodec.objectives import controller
from jaxcodec.objectives.rate_distortion import Metrics, RateDistortion
from jaxcodec.objectives.target_rate import TargetRate

__all__ = ["Metrics", "Objective", "RateDistortion", "TargetRate", "create"]


class Objective(Protocol):
    """A loss, with what it carries from step to step.

    init: the carry at the start, arrays. draw_quality: what qualities the images of a batch are
      trained at. Called with (image, reconstruction, bits, quality, carry) it gives loss and
      metrics. update: the next carry, for an objective that carries something. validate: metrics of
      rounded latents, under the carry that the next step would have.
    """

    def init(self) -> Any: ...
    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array: ...
    def __call__(
        self, image, reconstruction, bits, quality, carry
    ) -> tuple[jax.Array, Metrics]: ...
    def update(self, bits, quantised_bits, pixels: int, quality, carry) -> tuple[Any, Metrics]: ...
    def validate(self, image, reconstruction, bits, quality, carry) -> Metrics: ...


def create(trade_off: Mapping[str, Any], target_rate: Mapping[str, Any]) -> Objective:
    """The objective of a config: a target rate where there are `targets_bpp`, else the trade-off of
    `RateDistortion`.

    trade_off: the fields of `RateDistortion`; or a `kind`, a class of one's own or its import path,
      and its fields.
    target_rate: `targets_bpp`, `balance`, `decay` (fields of `controller.Decay`) and the arguments
      of `controller.create`; empty lists stand for what is not given.

    Raises:
      RateError: settings that cannot work.
      ExtensionError, TrainingError: an objective of one's own that cannot be had, or has other
        fields.
    """
    if "kind" in trade_off:
        return _own(dict(trade_off), target_rate)
    if not target_rate["targets_bpp"]:
        return RateDistortion(**trade_off)
    settings = {
        name: value or None if name == "parameter_bpp" else value
        for name, value in target_rate.items()
    }
    targets, balance = tuple(settings.pop("targets_bpp")), settings.pop("balance")
    decay = controller.Decay(**settings.pop("decay"))
    return TargetRate(targets, controller.create(targets, decay=decay, **settings), balance)


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
    for needed in ("init", "draw_quality", "__call__", "validate"):
        if not hasattr(objective, needed):
            raise TrainingError(f"the objective {kind!r} has no `{needed}`; see docs/extending.md")
    return objective
