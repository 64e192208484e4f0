"""Finding the step at which a falling quantity meets its target."""

from collections.abc import Callable
from typing import NamedTuple


class Crossing(NamedTuple):
    """Where a search ended: the position, the value there, and the slope about it."""

    position: int
    value: float
    slope: float


def bounded(slope: float, before: float) -> float:
    """A measured slope, at most twice and at least half of the one before.

    Two values give it with noise.
    """
    return min(max(slope, 2 * before), before / 2)


def crossing(
    value: Callable[[int], float],
    target: float,
    *,
    start: int,
    slope: float,
    limits: tuple[int, int],
    tolerance: float,
    steps: int,
) -> Crossing:
    """The position within `limits` where `value`, which falls, is about `target`.

    The secant method between brackets.

    Args:
      value: of a position.
      target: what it is to be.
      start: the position to begin with.
      slope: a first guess of it, below 0.
      limits: the least and the greatest position.
      tolerance: how far off `target` is near enough.
      steps: the most evaluations.

    Returns:
      The last position looked at; where no position within the limits comes near, the limit.
    """
    low, high = limits
    position = min(max(start, low), high)
    last = None
    for step in range(steps):
        now = value(position)
        if last is not None:
            slope = bounded((now - last[1]) / (position - last[0]), slope)
        last = position, now
        if abs(now - target) <= tolerance or step == steps - 1:
            break
        if now > target:
            low = min(position + 1, high)
        else:
            high = max(position - 1, low)
        following = min(max(round(position + (target - now) / slope), low), high)
        if following == position:
            break
        position = following
    return Crossing(position, now, slope)
