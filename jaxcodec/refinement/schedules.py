"""How the temperature of a relaxation falls: pure functions of the step."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec.errors import RefineError

_LEAST = 1e-8


class Schedule(NamedTuple):
    """tau(t) by `kind`:

    - "sga": clip(.5 exp(-1e-3 (t - 700)), 1e-8, tau_max .5) (Yang et al. 2020);
    - "sga_plus": clip(exp(-1e-3 t), 1e-8, tau_max 1) (Perugachi-Diaz et al. 2024);
    - "annealing": clip(exp(-4e-3 t), 1e-8, tau_max .2), for deterministic annealing;
    - "constant": tau_max;
    - "soft_round": from .35 to .08, linearly over the first 85 % of the steps, then 0 (the phases
      of C3, Kim et al. 2024).

    tau_max: in place of the one above. span: what t runs to, whatever the number of steps; without
      it t counts steps. The papers' schedules are made for 2,000, so that their runs of 500 end
      where tau has hardly begun to fall.
    """

    kind: str = "sga_plus"
    tau_max: float | None = None
    span: float | None = None

    def __call__(self, step: jax.Array, steps: jax.Array | int) -> jax.Array:
        """The temperature, float32 (), at a step of `steps`."""
        t = jnp.asarray(step, jnp.float32) * (1 if self.span is None else self.span / steps)
        if self.kind == "soft_round":
            last = jnp.maximum(jnp.round(0.85 * jnp.asarray(steps, jnp.float32)), 1)
            return jnp.where(step < last, 0.35 + (0.08 - 0.35) * step / last, 0.0)
        if self.kind == "constant":
            return jnp.full((), self._most(1.0))
        curve, most = {
            "sga": (0.5 * jnp.exp(-1e-3 * (t - 700)), 0.5),
            "sga_plus": (jnp.exp(-1e-3 * t), 1.0),
            "annealing": (jnp.exp(-4e-3 * t), 0.2),
        }[self.kind]
        return jnp.clip(curve, _LEAST, self._most(most))

    def _most(self, own: float) -> float:
        return own if self.tau_max is None else self.tau_max


KINDS = ("sga", "sga_plus", "annealing", "constant", "soft_round")


def make(kind: str, tau_max: float | None = None, span: float | None = None) -> Schedule:
    """A schedule.

    Raises RefineError for an unknown kind, or a temperature or a span that is not above 0.
    """
    if kind not in KINDS:
        raise RefineError(f"the schedule {kind!r} is unknown; use one of {', '.join(KINDS)}")
    if tau_max is not None and not tau_max > 0:
        raise RefineError(f"a tau_max of {tau_max} makes no sense; give a number above 0")
    if span is not None and not span > 0:
        raise RefineError(
            f"a schedule that spans {span} steps makes no sense; give a number above 0"
        )
    return Schedule(kind, tau_max, span)
