"""The heuristic search for a rate parameter and a weight, as pure functions of its rounds.

Source: Guerin 2024, Algorithm 3.

    rounds = ()
    while (setting := following(request, rounds)) is not None:
        ...                                     # train the last round's network on, under
                                                `setting`, and measure it
        rounds += (Round(setting, mean_bpp, deviation_bpp),)
    setting = rounds[chosen(request, rounds)].setting
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from jaxcodec.errors import RateError
from jaxcodec.objectives.thesis import Setting

LEAST_BETA = 1.0
"""The least weight of the rate term: the algorithm's epsilon, which is ours, and where beta
begins.
"""

_LEAST_PARAMETER = 0.1
"""Of the target. A model whose rate has not come down yet may ask for a parameter of nothing; the
loss divides by it.
"""


class Request(NamedTuple):
    """The rate that a model is to have, and how it is searched; `request` explains the fields."""

    target_bpp: float
    mean_tolerance: float
    tolerance: float
    delta: float
    rounds: int


class Round(NamedTuple):
    """A round of training under `setting`.

    Mean and standard deviation over images of the rate of rounded latents, in bpp.
    """

    setting: Setting
    mean_bpp: float
    deviation_bpp: float


def request(
    target_bpp: float, *, mean_tolerance: float, tolerance: float, delta: float = 0.0, rounds: int
) -> Request:
    """A request.

    Args:
      target_bpp: the mean rate that is wanted.
      mean_tolerance: by how much the mean may miss it, as a part of the target.
      tolerance: the standard deviation of an image's rate that is allowed, as a part of the target.
      delta: by which beta is changed after a round; 0 for that of `increment`.
      rounds: the most that are trained.

    Raises:
      RateError: one of them is not above 0, but for delta, which may be 0.
    """
    values = {
        "target_bpp": target_bpp,
        "mean_tolerance": mean_tolerance,
        "tolerance": tolerance,
        "rounds": rounds,
    }
    if wrong := [name for name, value in values.items() if not value > 0] + ["delta"] * (
        not delta >= 0
    ):
        raise RateError(
            f"the {wrong[0]} of the search is {({'delta': delta} | values)[wrong[0]]}; give a "
            "number above 0"
        )
    return Request(target_bpp, mean_tolerance, tolerance, delta or increment(target_bpp), rounds)


def increment(target_bpp: float) -> float:
    """The delta by which beta is changed, from 500 to 20,000, more at low rates.

    The thesis gives the two ends only; between them ours is inverse to the target, 2400 / target.
    """
    return min(max(2_400 / target_bpp, 500.0), 20_000.0)


def following(request: Request, rounds: Sequence[Round]) -> Setting | None:
    """The setting of the next round after these.

    None where the last met the request, or there were as many as may be.
    """
    if not rounds:
        return Setting(request.target_bpp, LEAST_BETA)
    if is_met(request, rounds[-1]) or len(rounds) >= request.rounds:
        return None
    return step(request, rounds[-1])


def step(request: Request, last: Round) -> Setting:
    """The setting after a round that missed.

    R_param falls by mean - target; beta goes up where rates spread too much, else down.
    """
    parameter = last.setting.parameter_bpp - (last.mean_bpp - request.target_bpp)
    wide = last.deviation_bpp > request.tolerance * request.target_bpp
    beta = (
        last.setting.beta + request.delta
        if wide
        else max(LEAST_BETA, last.setting.beta - request.delta)
    )
    return Setting(max(parameter, _LEAST_PARAMETER * request.target_bpp), beta)


def is_met(request: Request, measured: Round) -> bool:
    """Whether mean and deviation of a round meet the request."""
    return _miss(request, measured) <= 1


def chosen(request: Request, rounds: Sequence[Round]) -> int:
    """The round whose setting the model is to be trained under.

    It is the first that met the request, else the nearest. How far a round is off is the larger of
    mean and deviation, each in units of what is allowed.
    """
    misses = [_miss(request, measured) for measured in rounds]
    return next(
        (number for number, miss in enumerate(misses) if miss <= 1), misses.index(min(misses))
    )


def _miss(request: Request, measured: Round) -> float:
    off = abs(measured.mean_bpp - request.target_bpp) / (
        request.mean_tolerance * request.target_bpp
    )
    return max(off, measured.deviation_bpp / (request.tolerance * request.target_bpp))


def deviation(mean_bpp: float, squared_deviation: float, target_bpp: float) -> float:
    """Standard deviation in bpp, from the mean and the mean of ((rate - target) / target)^2."""
    return math.sqrt(max(squared_deviation * target_bpp**2 - (mean_bpp - target_bpp) ** 2, 0.0))
