"""ColorVideoVDP by the package `cvvdp`: a picture's quality as a viewer of a display has it.

R. K. Mantiuk and others, "ColorVideoVDP: A visual difference predictor for image, video and display
distortions", ACM Trans. Graphics 43, 2024. The package needs PyTorch; it is the extra `cvvdp`.
"""

import functools
import importlib.util
from typing import Any

import numpy as np

from jaxcodec.evaluation.coder import EvaluationError

DISPLAY = "standard_4k"
"""The package's display: 30 inches of 3840 x 2160 pixels, 200 cd/m2, .75 m away."""

LEAST_SIDE = 16
"""Pixels a side of the smallest picture that has a quality."""


def missing() -> str | None:
    """Why it cannot be measured here, or None."""
    if importlib.util.find_spec("pycvvdp") is not None:
        return None
    return (
        "the metric cvvdp needs the package cvvdp; install it (pip install 'jaxcodec[cvvdp]'), or "
        "leave that metric out"
    )


def quality(original: np.ndarray, decoded: np.ndarray) -> float:
    """The quality in just-objectionable differences (JOD): 10 for equal pictures, and lower.

    Both are uint8 in sRGB, (height, width, 3) of one shape.

    Raises:
      EvaluationError: the package is not installed.
    """
    if (problem := missing()) is not None:
        raise EvaluationError(problem)
    pair = (np.ascontiguousarray(decoded), np.ascontiguousarray(original))
    found, _ = _metric().predict(*pair, dim_order="HWC")
    return float(found)


@functools.cache
def _metric() -> Any:
    import pycvvdp  # pyright: ignore[reportMissingImports] the extra cvvdp

    return pycvvdp.cvvdp(display_name=DISPLAY, quiet=True)
