"""Rate parameters for target-rate training: explicit state, in the manner of optax.

Source: Guerin 2024, chapters 5 and 6. A model trained on rates under uniform noise lands below them
once it rounds: the noise over-estimates the rate of symbols whose scale is small (the mean-rate
shift, section 5.4.4). The loss therefore takes a rate parameter that is not the target itself, and
a controller says which:

    controller = create((0.25,), strategy="general")
    state = controller.init()
    ...                                         # a step with state.parameter_bpp and state.beta,
                                                both constants
    parameter_bpp, state = controller.update(noisy_bpp, quantised_bpp, which, state)

One controller serves any number of targets, each with a state of its own: everything below is a
vector over targets.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec.errors import RateError

STRATEGIES = ("fixed", "adaptive", "general")
SMOOTHINGS = ("decay", "printed", "none")
SPREAD_DECAY = 0.98
"""Of the moving average of squared relative deviations that drives an adaptive beta."""

_LOWEST_PARAMETER = 0.1
"""The parameter stays above this part of the target, whatever shift a strange batch measures."""

_BETA_RANGE = 1 / 64, 64.0
"""An adaptive beta stays within these multiples of its start."""


class RateState(NamedTuple):
    """What a controller carries, over T targets.

    step: int32 (). target_bpp: float32 (T,), the targets. parameter_bpp: float32 (T,),
      R_param of the next step.
    shift_bpp: float32 (T,), the last measured rate under noise less that of rounded latents. beta:
      float32 (T,), the weight of the next step's rate term.
    squared_deviation: float32 (T,), moving average of ((rate - target) / target)^2 of rounded
      latents.
    settled: int32 (T,), updates that each target took part in once it had decayed. Only these count
      for deviation and beta: before, rates are not where they are to end.
    """

    step: jax.Array
    target_bpp: jax.Array
    parameter_bpp: jax.Array
    shift_bpp: jax.Array
    beta: jax.Array
    squared_deviation: jax.Array
    settled: jax.Array


class Decay(NamedTuple):
    """A target that starts high and comes down (eq. 6.14).

    At step t it is min(limit_bpp, r * base^(max(0, steps - t) / steps)). Only for targets of at
    most `below_bpp`; `steps` of 0 leaves every target as it is.
    """

    steps: int = 150_000
    base: float = 50.0
    limit_bpp: float = 3.0
    below_bpp: float = 0.5

    def __call__(self, targets: jax.Array, step: jax.Array) -> jax.Array:
        """The targets (T,) that hold at `step`."""
        if not self.steps:
            return targets
        remaining = jnp.maximum(0.0, self.steps - step) / self.steps
        decayed = jnp.minimum(self.limit_bpp, targets * self.base**remaining)
        return jnp.where(targets <= self.below_bpp, decayed, targets)


class Controller(NamedTuple):
    """The rate parameters of some targets; made by `create`, which explains the fields."""

    targets_bpp: tuple[float, ...]
    strategy: str
    beta: tuple[float, ...]
    parameter_bpp: tuple[float, ...] | None
    smoothing: str
    alpha: float
    decay: Decay
    tolerance: float
    beta_rate: float

    def init(self) -> RateState:
        """The state at the start."""
        targets = jnp.asarray(self.targets_bpp, jnp.float32)
        first = jnp.copy(
            targets
        )  # the state is donated to the step: no two of its arrays may be one
        if self.strategy == "fixed" and self.parameter_bpp is not None:
            first = jnp.asarray(self.parameter_bpp, jnp.float32)
        elif self.strategy == "general":
            first = jnp.copy(self.decay(targets, jnp.int32(0)))
        beta, zeros = jnp.asarray(self.beta, jnp.float32), jnp.zeros(targets.shape)
        settled = jnp.zeros(targets.shape, jnp.int32)
        return RateState(jnp.int32(0), targets, first, zeros, beta, jnp.zeros_like(zeros), settled)

    def update(
        self, noisy_bpp: jax.Array, quantised_bpp: jax.Array, which: jax.Array, state: RateState
    ) -> tuple[jax.Array, RateState]:
        """The parameters (T,) of the next step, and the state, in which they stand too.

        Args:
          noisy_bpp: (B,), the rate under the surrogate that a step measured of each image of the
            global batch.
          quantised_bpp: (B,), that of rounded latents.
          which: int32 (B,), the number of each image's target. Those without an image keep their
            state.
          state: of the step before. Targets are taken from it, so that runs of different ones share
            a compiled program.
        """
        member = which[None, :] == jnp.arange(state.target_bpp.size)[:, None]
        count = member.sum(axis=1)
        present = count > 0

        def mean(values: jax.Array) -> jax.Array:
            return jnp.sum(jnp.where(member, values, 0), axis=1) / jnp.maximum(count, 1)

        shift = jnp.where(present, mean(noisy_bpp - quantised_bpp), state.shift_bpp)
        settled = present & (self._targets_at(state.step, state) <= state.target_bpp)
        squared = mean(jnp.square(quantised_bpp / state.target_bpp[which] - 1))
        squared = _averaged(squared, state.squared_deviation, SPREAD_DECAY, state.settled)
        squared = jnp.where(settled, squared, state.squared_deviation)
        state = RateState(
            step=state.step + 1,
            target_bpp=state.target_bpp,
            parameter_bpp=jnp.where(
                present, self._next_parameter(shift, state), state.parameter_bpp
            ),
            shift_bpp=shift,
            beta=jnp.where(settled, self._next_beta(squared, state), state.beta),
            squared_deviation=squared,
            settled=state.settled + settled,
        )
        return state.parameter_bpp, state

    def _targets_at(self, step: jax.Array, state: RateState) -> jax.Array:
        return (
            self.decay(state.target_bpp, step) if self.strategy == "general" else state.target_bpp
        )

    def _next_parameter(self, shift: jax.Array, state: RateState) -> jax.Array:
        if self.strategy == "fixed":
            return state.parameter_bpp
        parameter = jnp.maximum(
            self._targets_at(state.step + 1, state) + shift, _LOWEST_PARAMETER * state.target_bpp
        )
        if self.strategy == "adaptive" or self.smoothing == "none":
            return parameter
        kept = self.alpha if self.smoothing == "decay" else 1 - self.alpha
        return kept * state.parameter_bpp + (1 - kept) * parameter

    def _next_beta(self, squared: jax.Array, state: RateState) -> jax.Array:
        if not self.tolerance:
            return state.beta
        excess = jnp.log(jnp.maximum(squared, 1e-12)) / 2 - jnp.log(self.tolerance)
        low, high = (jnp.log(jnp.asarray(self.beta) * bound) for bound in _BETA_RANGE)
        return jnp.exp(
            jnp.clip(jnp.log(state.beta) + self.beta_rate * jnp.clip(excess, -1, 1), low, high)
        )


def create(
    targets: Sequence[float],
    *,
    strategy: str = "general",
    beta: Sequence[float],
    parameter_bpp: Sequence[float] | None = None,
    smoothing: str = "decay",
    alpha: float = 0.99,
    decay: Decay | None = None,
    tolerance: float = 0.0,
    beta_rate: float = 0.005,
) -> Controller:
    """A controller for `targets` in bpp.

    Args:
      targets: rates in bpp.
      strategy: "fixed", R_param is `parameter_bpp` for ever (TB, eq. 5.14); "adaptive", target plus
        the shift last measured (RA, eq. 6.5 to 6.8); "general", the same with a decaying target,
        smoothed ("best strategy", eq. 6.14 to 6.20).
      beta: weight of the rate term for each target.
      parameter_bpp: of "fixed"; the targets themselves without it.
      smoothing: of "general". "printed": ema = alpha * new + (1 - alpha) * ema, as eq. 6.19 is
        printed, which with its alpha of .99 hardly smooths; "decay": ema = alpha * ema + (1 -
        alpha) * new, which is probably what was meant; "none".
      alpha: of the smoothing.
      decay: of "general".
      tolerance: above 0, beta is adapted until the root mean square of the relative deviation of an
        image's rate from its target is this (not in the thesis, one of its open wishes); 0 leaves
        beta alone.
      beta_rate: the most that the logarithm of an adaptive beta moves in a step.

    Raises:
      RateError: an unknown name, a rate or beta that is not above 0, or lists of different lengths.
    """
    _check(targets, strategy, beta, parameter_bpp, smoothing, alpha, tolerance)
    given = None if parameter_bpp is None else tuple(parameter_bpp)
    return Controller(
        tuple(targets),
        strategy,
        tuple(beta),
        given,
        smoothing,
        alpha,
        decay or Decay(),
        tolerance,
        beta_rate,
    )


def _averaged(new: jax.Array, old: jax.Array, decay: float, seen: jax.Array) -> jax.Array:
    """A moving average that begins as a mean."""
    kept = jnp.minimum(decay, seen / (seen + 1))
    return kept * old + (1 - kept) * new


def _check(
    targets: Sequence[float],
    strategy: str,
    beta: Sequence[float],
    parameter_bpp: Sequence[float] | None,
    smoothing: str,
    alpha: float,
    tolerance: float,
) -> None:
    """Raises RateError for arguments of `create` that cannot work."""
    if strategy not in STRATEGIES:
        raise RateError(f"the strategy {strategy!r} is unknown; use one of {', '.join(STRATEGIES)}")
    if smoothing not in SMOOTHINGS:
        raise RateError(
            f"the smoothing {smoothing!r} is unknown; use one of {', '.join(SMOOTHINGS)}"
        )
    for name, values in (("targets", targets), ("beta", beta), ("parameter_bpp", parameter_bpp)):
        if values is not None and (
            len(values) != len(targets) or not all(value > 0 for value in values)
        ):
            raise RateError(
                f"{name} is {tuple(values)}; give one number above 0 for each of {len(targets)} "
                "targets"
            )
    if not targets:
        raise RateError("there are no targets; give at least one rate in bpp")
    if not 0 <= alpha < 1:
        raise RateError(f"alpha is {alpha}; give a number of at least 0 and below 1")
    if tolerance < 0:
        raise RateError(
            f"the tolerance is {tolerance}; give 0, or the relative deviation that is allowed, .05 "
            "say"
        )
