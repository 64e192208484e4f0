"""From a trained model to the content of a codec file."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.traverse_util
import numpy as np

from jaxcodec import extensions, models
from jaxcodec.artefact.calibration import calibrate
from jaxcodec.artefact.codec_file import CodecContent, canonical_json
from jaxcodec.artefact.fitting import fitted
from jaxcodec.errors import CodecFileError

TABLES = ("fitted", "gaussian")
"""Where the tables of a codec may come from."""


def export_codec(
    description: Mapping[str, Any],
    params: Mapping[str, Any],
    *,
    name: str,
    bpp_range: tuple[float, float],
    pictures: Sequence[np.ndarray] = (),
    summary: str = "",
    tables: str = "fitted",
) -> CodecContent:
    """The content of a codec file, with its integer tables and networks made here.

    They are made once and for all.

    Args:
      description: what `models.build` takes.
      params: the model's variables, {"params": ...}, float32.
      name: what the codec is called.
      bpp_range: the mean rates of the lowest and the highest quality on photographs, in bpp.
      pictures: uint8 (H, W, 3), a handful to calibrate integer networks on, none of those that the
        codec is to be judged by; a model without integer networks needs none.
      summary: one line for people.
      tables: "fitted" to the symbols of the pictures, or "gaussian", where tables follow from
        scales.

    Raises:
      ExtensionError: the description names what cannot be imported, or was not allowed.
      CodecFileError: the description cannot be built, a weight is not finite, a rate is not above
        zero, a network has no integer form, or there are no pictures.
    """
    if tables not in TABLES:
        raise CodecFileError(f"tables {tables!r} are unknown; use one of {', '.join(TABLES)}")
    if not all(0 < rate < float("inf") for rate in bpp_range):
        raise CodecFileError(
            f"the rates {bpp_range} cannot be; give those of the lowest and highest quality, in bpp"
        )
    weights = flax.traverse_util.flatten_dict(dict(params["params"]), sep="/")
    weights = {
        path: _stored(path, np.asarray(weight, np.float32)) for path, weight in weights.items()
    }
    for path, weight in weights.items():
        if not np.isfinite(weight).all():
            raise CodecFileError(
                f"the weight {path} is not finite; export a checkpoint from before training "
                "diverged"
            )
    # The weights as they are stored, so that a codec read back and exported again is the same.
    stored = {tuple(path.split("/")): array.astype(np.float32) for path, array in weights.items()}
    params = {"params": flax.traverse_util.unflatten_dict(stored)}
    model = models.build(description)
    calibration = calibrate(description, params, pictures) if model.has_integer_networks else None
    frozen = model.freeze(params, calibration)
    if tables == "fitted" and calibration is not None:
        frozen = fitted(model, frozen, calibration)
    return CodecContent(
        name,
        summary,
        canonical_json(extensions.named(description)),
        (float(bpp_range[0]), float(bpp_range[1])),
        weights,
        frozen.tables,
        canonical_json(frozen.spec),
        frozen.arrays,
    )


def _stored(path: str, weight: np.ndarray) -> np.ndarray:
    """Parameters as stored: kernels as float16, which halves the file.

    Their rounding is far below what a quantised latent lets through.

    Everything else stays float32: gains, densities and normalisations are few, and range over many
    magnitudes.
    """
    return weight.astype(np.float16) if path.endswith("/kernel") else weight
