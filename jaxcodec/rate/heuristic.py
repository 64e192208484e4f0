"""The heuristic search for a rate parameter and a weight (Guerin 2024, Algorithm 3), as one pure step."""

import math

from jaxcodec.rate.thesis import Setting

LEAST_BETA = 1e-3
"""The least weight of the rate term; the algorithm's epsilon."""


def start(target_bpp: float) -> Setting:
    """Where the search begins: the target itself, and a weight of one."""
    return Setting(target_bpp, 1.0)


def increment(target_bpp: float) -> float:
    """The delta by which beta is changed, from 500 to 20,000, more at low rates.

    The thesis gives the two ends only; between them ours is inverse to the target, 2400 / target.
    """
    return min(max(2_400 / target_bpp, 500.0), 20_000.0)


def step(
    setting: Setting, *, target_bpp: float, mean_bpp: float, deviation_bpp: float, tolerance: float, delta: float
) -> Setting:
    """The next setting, from what a model trained under `setting` measures with rounded latents.

    Args:
      setting: that of the model.
      target_bpp: what is wanted.
      mean_bpp, deviation_bpp: mean and standard deviation over validation images.
      tolerance: the standard deviation allowed, as a part of the target.
      delta: by which beta is changed.
    """
    parameter = setting.parameter_bpp - (mean_bpp - target_bpp)
    wide = deviation_bpp > tolerance * target_bpp
    beta = setting.beta + delta if wide else max(LEAST_BETA, setting.beta - delta)
    # A model whose rate has not come down yet may ask for a parameter of nothing; the loss divides by it.
    return Setting(max(parameter, 0.1 * target_bpp), beta)


def deviation(mean_bpp: float, squared_deviation: float, target_bpp: float) -> float:
    """Standard deviation in bpp, from the mean and the mean of ((rate - target) / target)^2."""
    return math.sqrt(max(squared_deviation * target_bpp**2 - (mean_bpp - target_bpp) ** 2, 0.0))
