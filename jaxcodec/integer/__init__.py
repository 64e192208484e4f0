"""Integer networks: what decides the table of each symbol, the same on every device."""

from collections.abc import Callable, Mapping
from typing import Any

from jaxcodec.integer.calibrate import Calibration
from jaxcodec.integer.context_path import (
    context_codes,
    context_part,
    hyper_part,
    parallel,
    parameters,
    quantise_context_path,
    tables,
)
from jaxcodec.integer.scale_path import index, level, quantise_scale_path, scale
from jaxcodec.integer.step import at_step

__all__ = [
    "Calibration",
    "at_step",
    "index",
    "parallel",
    "pieces",
    "quantise_context_path",
    "quantise_scale_path",
    "tables",
]

_PIECES = {
    "scale": {"index": index, "scale": scale, "level": level},
    "context": {
        "hyper_part": hyper_part,
        "context_codes": context_codes,
        "context_part": context_part,
        "parameters": parameters,
    },
}


def pieces(spec: Mapping[str, Any] | None) -> dict[str, Callable]:
    """The functions of a codec's integer networks by name, each to be called with the spec and
    arrays first.

    None, for a model without a conditional latent, has none.
    """
    return {} if spec is None else _PIECES[spec["kind"]]
