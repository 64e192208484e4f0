"""The information-theoretic regularizer (Zhang et al. 2024), beside any objective.

H(U) = H(X) - H(X | X^) + H(U | X^): a latent has less entropy where its reconstruction leaves the
picture more uncertain. So the codec is rewarded for that uncertainty, as a second player, the
source model q, measures it (`entropy.source`). With w, what a bit of each image weighs in the
objective's loss, and source_bpp = -log2 q(x | x^) per pixel,

    codec:   mean of [ loss - w alpha source_bpp ]     (equation 12)
    source:  mean of source_bpp, x^ a constant         (equation 13).

One pass serves both: q sees `reverse_gradient(x^, w alpha)`, and the gradient of loss + source_bpp
is that of the two stages at the same x^ and the same q. The sign stands there and not in the loss,
since `lower_bound` was made for descent. In what unit the paper states its alpha is not to be
found; here it weighs bits per pixel against bits per pixel.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
import optax

from jaxcodec.distortions import Distortion, mse
from jaxcodec.entropy import source as source_models
from jaxcodec.entropy.source import SourceModel
from jaxcodec.errors import TrainingError
from jaxcodec.objectives.protocol import (
    Carry,
    Forward,
    Metrics,
    Network,
    Objective,
    Params,
    Phase,
    Weighing,
)
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.ops import reverse_gradient

SOURCE = "source"
"""Name of the player that models the source."""

BITS_OF_LOG_MSE = 3 / (2 * math.log(2))
"""Bits per pixel that a unit of ln MSE is worth to an ideal source model with one sigma."""


@dataclasses.dataclass(frozen=True)
class Regularized:
    """An objective with the regularizer, under a source model that trains beside the codec.

    objective: a trade-off or a target rate, or another that has `bit_weight`. alpha: weight of a
    bit per pixel of the source. source: None for the control `log_mse`, the code length of an ideal
    source model with one sigma in each image, 3/2 log2 MSE, in place of a trained one.
    learning_rate, clip: of Adam and of the global norm, which move the source model.

    Metrics are those of the objective, `loss` without the regularizer among them; source_bpp; its
    weighted form regularizer_bpp; and of a trade-off for the squared error trade_off_effective,
    lambda - 3 alpha / (2 ln 2 MSE_255): what is left of lambda at that error.
    """

    objective: Weighing
    alpha: float
    source: SourceModel | None
    learning_rate: float = 1e-3
    clip: float = 1.0

    @property
    def distortion(self) -> Distortion | None:
        """That of the objective, where it has one."""
        return getattr(self.objective, "distortion", None)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Those of the objective; the source model moves with the codec."""
        first, *others = self.objective.phases
        return (Phase((*first.players, *([SOURCE] if self.source else ())), self.loss), *others)

    @property
    def networks(self) -> Mapping[str, Network]:
        """Those of the objective, and the source model, with an optimiser of its own."""
        if self.source is None:
            return self.objective.networks
        moving = optax.chain(optax.clip_by_global_norm(self.clip), optax.adam(self.learning_rate))
        return {**self.objective.networks, SOURCE: Network(self._start, moving)}

    def init(self) -> Carry:
        """What the objective carries."""
        return self.objective.init()

    def draw_quality(self, key: jax.Array, batch: int) -> jax.Array:
        """As the objective draws it."""
        return self.objective.draw_quality(key, batch)

    def loss(
        self, params: Mapping[str, Params], forward: Forward, key: jax.Array, carry: Carry
    ) -> tuple[jax.Array, Metrics]:
        """What is differentiated, for codec and source model at once, and metrics.

        Its value is none of the two losses: the source model's code length enters with the sign
        that the source model has it.
        """
        loss, metrics = self.objective.phases[0].loss(params, forward, key, carry)
        weight = self.alpha * jax.lax.stop_gradient(self.objective.bit_weight(forward, carry))
        if self.source is None:
            source_bpp = _log_mse_bpp(forward)
            loss -= jnp.mean(weight * source_bpp)
        else:
            seen = reverse_gradient(forward.reconstruction, weight[:, None, None, None])
            source_bpp = self._source_bpp(params, forward._replace(reconstruction=seen))
            loss += jnp.mean(source_bpp)
        return loss, metrics | self._measured(forward, source_bpp)

    def update(self, carry: Carry, forward: Forward, rounded: Forward) -> tuple[Carry, Metrics]:
        """As the objective does it."""
        return self.objective.update(carry, forward, rounded)

    def validate(self, params: Mapping[str, Params], forward: Forward, carry: Carry) -> Metrics:
        """Metrics of a pass with rounded latents."""
        metrics = self.objective.validate(params, forward, carry)
        if self.source is None:
            return metrics | self._measured(forward, _log_mse_bpp(forward))
        return metrics | self._measured(forward, self._source_bpp(params, forward))

    def _start(self, key: jax.Array, forward: Forward) -> Params:
        assert self.source is not None
        return self.source.init(key, forward.image, forward.reconstruction, forward.quality)

    def _source_bpp(self, params: Mapping[str, Params], forward: Forward) -> jax.Array:
        assert self.source is not None
        given = forward.image, forward.reconstruction, forward.quality
        return jnp.asarray(self.source.apply(params[SOURCE], *given))

    def _measured(self, forward: Forward, source_bpp: jax.Array) -> Metrics:
        bpp = jnp.mean(source_bpp)
        metrics = {"source_bpp": bpp, "regularizer_bpp": self.alpha * bpp}
        trade_off = getattr(self.objective, "trade_off", None)
        if trade_off is None or self.distortion is not mse.DISTORTION:
            return metrics
        taken = self.alpha * BITS_OF_LOG_MSE / _mse_255(forward)
        return metrics | {"trade_off_effective": jnp.mean(trade_off(forward.quality) - taken)}


def _mse_255(forward: Forward) -> jax.Array:
    """(B,), in squared grey levels; of equal images that of rounding to grey levels."""
    return jnp.maximum(mse.mse_255(forward.image, forward.reconstruction), 1 / 12)


def _log_mse_bpp(forward: Forward) -> jax.Array:
    """What an ideal Gaussian with one sigma takes, (B,), less a constant: 3/2 log2 MSE."""
    return 1.5 * jnp.log2(_mse_255(forward))


def create(
    objective: Objective, settings: Mapping[str, Any], description: Mapping[str, Any]
) -> Objective:
    """The objective of a config with its regularizer; the objective itself where alpha is 0.

    settings: those of `config.regularizer`. description: of the codec's model, for the source model
    that is like its entropy model ("aligned").

    Raises:
      TrainingError: settings that do not go together, or an objective that cannot be regularized.
    """
    settings = dict(settings)
    alpha, control = settings["alpha"], settings["control"]
    if control != "none" and settings["source"] != "aligned":
        raise TrainingError(
            f"config.regularizer.control is {control!r}, which has no source model, and "
            f"config.regularizer.source is {settings['source']!r}; leave one of them out"
        )
    if not alpha:
        return objective
    if control == "trade_off":
        if not isinstance(objective, RateDistortion):
            raise TrainingError(
                "config.regularizer.control is 'trade_off', which needs a lambda; leave "
                "config.target_rate.targets_bpp and config.objective.kind out, or use 'log_mse'"
            )
        smaller = {name: getattr(objective, name) / (1 + alpha) for name in ("first", "last")}
        return objective._replace(**smaller)
    if not hasattr(objective, "bit_weight"):
        raise TrainingError(
            "config.regularizer.alpha is not 0, and the objective of config.objective.kind has no "
            "`bit_weight`, what a bit per pixel of each image weighs in its loss; see "
            "docs/extending.md"
        )
    weighing = cast("Weighing", objective)
    if control == "log_mse":
        return Regularized(weighing, alpha, None)
    if SOURCE in objective.networks:
        raise TrainingError(
            f"config.regularizer.alpha is not 0, and the objective of config.objective.kind has a "
            f"network {SOURCE!r} of its own, as the source model is called; give it another name"
        )
    kind = settings["source"]
    kind = source_models.aligned(description) if kind == "aligned" else kind
    model = source_models.create(kind, description, settings["features"], settings["fold"])
    return Regularized(weighing, alpha, model, settings["learning_rate"], settings["clip"])
