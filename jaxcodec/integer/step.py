"""The arrays of integer networks at another quantiser step than a codec's own, made from those of
its file.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxcodec.coding import step

THRESHOLDS = "thresholds"


def at_step(
    spec: Mapping[str, Any] | None, form: str, arrays: Mapping[str, np.ndarray], field: int
) -> dict[str, np.ndarray]:
    """The arrays that `integer.pieces` take at the step of a field (`coding.step`); field 0 gives
    the same tables as ever.

    A scale over the step chooses the table, so thresholds move instead: by the field where the
    integers stand for logarithms, whose unit is that of the field, and times the step where they
    stand for scales. With a context two ratios come in: "step", which makes of symbols what the
    context saw in training, and "inverse", which brings means to the step.

    Args:
      spec: of the codec; None has no arrays.
      form: the model's `scale_form`, "linear" or "log".
      arrays: as the codec file holds them.
      field: -5768 to 5768.
    """
    arrays = dict(arrays)
    if spec is None:
        return arrays
    name = THRESHOLDS if spec["kind"] == "context" else f"{len(spec['ops']) - 1}/{THRESHOLDS}"
    own = arrays[name]
    moved = (
        own + field if form == "log" else [step.scaled(int(threshold), field) for threshold in own]
    )
    arrays[name] = np.asarray(moved, np.int32)
    if spec["kind"] == "context":
        arrays["step"] = np.array(step.ratio(field), np.int32)
        arrays["inverse"] = np.array(step.ratio(-field), np.int32)
    return arrays
