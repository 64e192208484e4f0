"""How long an encoder tries for a smaller file: levels of effort, 0 (fastest) to 9.

This module imports no JAX.
"""

import numbers
from typing import NamedTuple

from jaxcodec.errors import RefineError


class Effort(NamedTuple):
    """What is done for a file.

    worth: of a bit at a quality, as a share of `codec.cost.worth`: a symbol is rounded towards zero
      where that saves more bits than it is worth (`codec.cost.spared`); 0 rounds to the nearest.
      Files of a given size or closeness are always rounded for all of it, whatever the level.
    steps: of refinement, which begins from the nearest; None for none.
    """

    worth: float = 0.0
    steps: int | None = None


LEVELS = (
    Effort(),
    Effort(worth=1 / 3),
    Effort(worth=2 / 3),
    Effort(steps=25),
    Effort(steps=50),
    Effort(steps=100),
    Effort(steps=200),
    Effort(steps=500),
    Effort(steps=1000),
    Effort(steps=2000),
)
"""What each level does. From 3 on, each takes about twice the time of the one before."""

DEFAULT = 2
"""The level where none is asked for: the last with which a large photograph takes seconds."""


def chosen(effort: int | None = None, refine: int | None = None) -> Effort:
    """What a level does; `DEFAULT` without one.

    Args:
      effort: 0 to 9.
      refine: or steps of refinement.

    Raises:
      RefineError: both are given, or there is no such level.
    """
    if effort is not None and refine is not None:
        raise RefineError("effort and refine were given together; give one of them")
    if refine is not None:
        return Effort(steps=refine)
    level = DEFAULT if effort is None else effort
    if isinstance(level, bool) or not isinstance(level, numbers.Integral):
        raise RefineError(f"an effort of {level} makes no sense; give a whole number from 0 to 9")
    if not 0 <= level < len(LEVELS):
        raise RefineError(f"an effort of {level} is out of range; give a whole number from 0 to 9")
    return LEVELS[int(level)]
