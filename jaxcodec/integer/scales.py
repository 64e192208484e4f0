"""The scales that the tables stand for, as thresholds of integers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxcodec.entropy.conditional import SCALE_BOUND, SCALE_LEVELS, SCALE_MAX

LOG_STEP = np.log(SCALE_MAX / SCALE_BOUND) / (SCALE_LEVELS - 1)
UNITS = {"linear": 1 / 256, "log": LOG_STEP / 256}
"""Unit of the integers that stand for a scale, or for its logarithm, by `scale_form`."""


def thresholds(form: str) -> np.ndarray:
    """Int32 (63,): table t + 1 or a later one begins at entry t. Halfway between the scales, in the
    logarithm.
    """
    halfway = np.log(SCALE_BOUND) + (np.arange(SCALE_LEVELS - 1) + 0.5) * LOG_STEP
    return np.ceil((halfway if form == "log" else np.exp(halfway)) / UNITS[form]).astype(np.int32)


def log_offset(description: Mapping[str, Any], params: Mapping[str, Any]) -> np.ndarray:
    """What a model of `scale_form` "log" adds to the logarithm of the scale, float64 (points,
    C).
    """
    own = np.asarray(params["params"]["log_scale"], np.float64)[None]
    if not description["gains"].get("points", 0):
        return own
    return own + np.asarray(params["params"]["gains"]["log_gain"], np.float64)
