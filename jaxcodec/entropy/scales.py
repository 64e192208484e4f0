"""The scales that the tables stand for, as thresholds of integers."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxcodec.coding import quantiser_step
from jaxcodec.entropy.distributions.gaussian import SCALE_BOUND, SCALE_LEVELS, SCALE_MAX
from jaxcodec.ops import Array

THRESHOLDS = "thresholds"
"""The name of their array."""

LOG_STEP = np.log(SCALE_MAX / SCALE_BOUND) / (SCALE_LEVELS - 1)
UNITS = {"linear": 1 / 256, "log": LOG_STEP / 256}
"""Unit of the integers that stand for a scale, or for its logarithm, by `scale_form`."""


def level(scale: Float[Array, "*shape"]) -> Float[jax.Array, "*shape"]:
    """Where a scale lies among those of the tables, 0 to 63, not rounded."""
    position = (jnp.log(jnp.maximum(scale, SCALE_BOUND)) - np.log(SCALE_BOUND)) / LOG_STEP
    return jnp.minimum(position, SCALE_LEVELS - 1)


def thresholds(form: str) -> np.ndarray:
    """Int32 (63,): table t + 1 or a later one begins at entry t.

    Halfway between the scales, in the logarithm.
    """
    halfway = np.log(SCALE_BOUND) + (np.arange(SCALE_LEVELS - 1) + 0.5) * LOG_STEP
    return np.ceil((halfway if form == "log" else np.exp(halfway)) / UNITS[form]).astype(np.int32)


def thresholds_at(form: str, own: np.ndarray, step_index: int) -> np.ndarray:
    """The thresholds `own` of a codec file at a quantiser step (`quantiser_step`).

    A scale over the step is compared, so thresholds move: by the step's index where the integers
    stand for logarithms, whose unit is that of the index, and times the step where they stand for
    scales.
    """
    if form == "log":
        return np.asarray(own + step_index, np.int32)
    return np.asarray(
        [quantiser_step.scaled(int(threshold), step_index) for threshold in own], np.int32
    )


def log_offset(params: Mapping[str, Any]) -> np.ndarray:
    """The offset of the logarithm of the scale for `scale_form` "log", float64 (points, C).

    There is one point where the model has one quality. `params` are its variables, {"params": ...}.
    """
    own = np.asarray(params["params"]["log_scale"], np.float64)[None]
    gains = params["params"].get("gains", {})
    return own + np.asarray(gains["log_gain"], np.float64) if "log_gain" in gains else own
