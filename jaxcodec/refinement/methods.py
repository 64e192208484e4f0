"""How to refine: settings by name, with the defaults of the papers."""

import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxcodec.errors import RefineError
from jaxcodec.refinement import relaxations, schedules
from jaxcodec.refinement.relaxations import Relaxation
from jaxcodec.refinement.schedules import Schedule


class Settings(NamedTuple):
    """Settings of a refinement; hashable, since compiled functions depend on them.

    relaxation, a, classes, r, n: see `relaxations.make`.
    schedule: of the temperature.
    learning_rate: of Adam with betas .9 and .999, in quantiser steps. decay: over this last part of
      the steps it falls to zero, in a straight line.
    step_rate: the learning rate of the logarithm of the quantiser step; 0 leaves the step as it is,
      and so do tiles.
    descent: the last so many steps, at most half of them, move symbols by one instead
      (`refinement.descent`); None: all do.
    steps: how many. every: after so many the true loss is evaluated. patience: where no image of a
      batch has become better for so many, they end; None for never.
    plain: the grid of integers for the latent, whatever its mean: relaxed and measured there
      (`problem`), for comparison with the first code of SGA. There is no file of such latents, and
      no descent.
    dtype: of synthesis, "float32" or "bfloat16".
    """

    relaxation: str = "ssl"
    a: float = 4 / 3
    classes: int = 2
    r: float | None = None
    n: float | None = None
    schedule: Schedule = Schedule()
    learning_rate: float = 5e-3
    decay: float = 0.0
    step_rate: float = 0.0
    descent: int | None = 0
    steps: int = 2000
    every: int = 25
    patience: int | None = None
    plain: bool = False
    dtype: str = "float32"

    @property
    def annealed(self) -> int:
        """The steps before the descent, which the schedules span."""
        return 0 if self.descent is None else self.steps - min(self.descent, self.steps // 2)

    @property
    def compiled_for(self) -> "Settings":
        """What of these settings a compiled step depends on: the same for any number of steps."""
        return self._replace(descent=0, steps=1, every=1, patience=None)

    def relax(self) -> Relaxation:
        """The relaxation."""
        return relaxations.make(self.relaxation, a=self.a, classes=self.classes, r=self.r, n=self.n)


_SGA = Schedule("sga")
_SGA_PLUS = Schedule("sga_plus")

METHODS: Mapping[str, Settings] = {
    "sga": Settings("atanh", schedule=_SGA),
    "atanh": Settings("atanh", schedule=_SGA_PLUS),
    "linear": Settings("linear", schedule=_SGA_PLUS),
    "cosine": Settings("cosine", schedule=_SGA_PLUS),
    "ssl": Settings("ssl", schedule=_SGA_PLUS),
    "linear3": Settings("linear", classes=3, schedule=_SGA_PLUS),
    "cosine3": Settings("cosine", classes=3, schedule=_SGA_PLUS),
    "ssl3": Settings("ssl", a=1.4, classes=3, schedule=_SGA_PLUS),
    "map": Settings("map"),
    "noise": Settings("noise"),
    "straight_through": Settings("straight_through", learning_rate=1e-4),
    "annealing": Settings("annealing", schedule=Schedule("annealing")),
    "soft_round": Settings("soft_round", schedule=Schedule("soft_round"), decay=1.0),
    "ssl_decay": Settings(
        "ssl", a=4.0, schedule=Schedule("sga_plus", span=1000), learning_rate=2e-2, decay=1.0
    ),
    "descent": Settings(descent=None),
    "ssl_descent": Settings(
        "ssl",
        a=4.0,
        schedule=Schedule("sga_plus", span=1000),
        learning_rate=2e-2,
        decay=1.0,
        descent=75,
    ),
    "ssl_descent_slow": Settings(
        "ssl",
        a=2.3,
        schedule=Schedule("sga_plus", span=1500),
        learning_rate=1e-2,
        decay=1.0,
        descent=75,
    ),
}
"""Settings by name. "sga" is Yang et al. 2020, with their schedule; "atanh" the same relaxation
under the schedule of Perugachi-Diaz et al. 2024, whose are "linear", "cosine" and "ssl", with three
classes where the name ends in 3. Then come the baselines of the former, and ours: "descent", which
moves the codec's own symbols and nothing else, so that few steps gain; "soft_round", after C3 (Kim
et al. 2024), whose learning rate falls, since at the full one the straight-through gradients of its
last phase lead away; "ssl_decay", whose learning rate begins four times as high and falls to zero,
and whose temperature falls as far whatever the number of steps, with what was best on training
pictures (docs/refinement.md); "ssl_descent", which ends with a descent; and "ssl_descent_slow",
softer, and half as fast, for many steps.
"""

_FEW, _MANY = 100, 1000


def default(steps: int | None = None, *, descends: bool = True) -> str:
    """The default method for so many steps, None for 2,000.

    There is one for few steps, one for 500 and one for 2,000, each the best of those tried with so
    many steps; and one without a descent.
    """
    if not descends:
        return "ssl_decay"
    if steps is None or steps >= _MANY:
        return "ssl_descent_slow"
    return "ssl_descent" if steps >= _FEW else "descent"


def make(
    method: str | None = None,
    *,
    steps: int | None = None,
    descends: bool = True,
    **changes: Any,
) -> Settings:
    """The settings of a method, with changes to single ones.

    Without a method, those of the default for these steps.

    Args:
      method: a name of `METHODS`.
      steps: how many; without it those of the method.
      descends: whether a default may have a descent.
      changes: settings in place of the method's.

    Raises:
      RefineError: there is no such method, or a setting makes no sense.
    """
    method = default(steps, descends=descends) if method is None else method
    if method not in METHODS:
        raise RefineError(f"the method {method!r} is unknown; use one of {', '.join(METHODS)}")
    settings = METHODS[method]._replace(**changes, **({} if steps is None else {"steps": steps}))
    _check_whole("a refinement", settings.steps)
    _check_whole("an interval between looks", settings.every)
    if settings.patience is not None:
        _check_whole("a patience", settings.patience)
    if not settings.learning_rate > 0:
        raise RefineError(
            f"a learning rate of {settings.learning_rate} makes no sense; give a number above 0"
        )
    if not settings.step_rate >= 0:
        raise RefineError(
            f"a step_rate of {settings.step_rate} makes no sense; give a number above 0, or 0 to "
            "leave the step"
        )
    if not 0 <= settings.decay <= 1:
        raise RefineError(
            f"a decay of {settings.decay} makes no sense; give a share of the steps, 0 to 1"
        )
    if settings.descent is not None and settings.descent < 0:
        raise RefineError(f"a descent of {settings.descent} steps makes no sense; give at least 0")
    if settings.plain and settings.annealed < settings.steps:
        raise RefineError(
            "a descent goes by the symbols of files, and there are none on a plain grid; use a "
            "method without one"
        )
    if settings.dtype not in ("float32", "bfloat16"):
        raise RefineError(f"the type {settings.dtype!r} is unknown; use float32 or bfloat16")
    settings.relax()
    schedules.make(*settings.schedule)
    return settings


def _check_whole(what: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise RefineError(f"{what} of {value} steps makes no sense; give a whole number, 1 or more")
