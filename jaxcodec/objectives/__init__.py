"""What training minimises."""

from collections.abc import Mapping
from typing import Any, Protocol

import jax

from jaxcodec.objectives.rate_distortion import Metrics, RateDistortion
from jaxcodec.objectives.target_rate import TargetRate
from jaxcodec.rate import controller, thesis

__all__ = ["Metrics", "Objective", "RateDistortion", "TargetRate", "create"]


class Objective(Protocol):
    """A loss, with what it carries from step to step.

    init: the carry at the start, arrays. draw_quality: what qualities the images of a batch are trained at. Called with
    (image, reconstruction, bits, quality, carry) it gives loss and metrics. update: the next carry, for an objective
    that carries something. validate: metrics of rounded latents, under the carry that the next step would have.
    """

    def init(self) -> Any: ...
    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array: ...
    def __call__(self, image, reconstruction, bits, quality, carry) -> tuple[jax.Array, Metrics]: ...
    def update(self, bits, quantised_bits, pixels: int, quality, carry) -> tuple[Any, Metrics]: ...
    def validate(self, image, reconstruction, bits, quality, carry) -> Metrics: ...


def create(trade_off: Mapping[str, float], target_rate: Mapping[str, Any]) -> Objective:
    """The objective of a config: a target rate where there are `targets_bpp`, else the trade-off of `RateDistortion`.

    target_rate: `targets_bpp`, `balance`, `decay` (fields of `controller.Decay`) and the arguments of
      `controller.create`; empty lists stand for what is not given.

    Raises:
      RateError: settings that cannot work.
    """
    if not target_rate["targets_bpp"]:
        return RateDistortion(**trade_off)
    settings = {name: value or None if name == "parameter_bpp" else value for name, value in target_rate.items()}
    targets, balance = tuple(settings.pop("targets_bpp")), settings.pop("balance")
    decay = controller.Decay(**settings.pop("decay"))
    return TargetRate(targets, controller.create(targets, decay=decay, **settings), balance)
