"""From a trained model to the content of a codec file."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec import extensions, integer, models
from jaxcodec.artefact.calibration import calibrate
from jaxcodec.artefact.codec_file import CodecContent, canonical_json
from jaxcodec.coding.make_tables import gaussian_tables, mass_tables
from jaxcodec.coding.tables import PRECISION, Tables
from jaxcodec.entropy.conditional import SCALE_BOUND, SCALE_LEVELS, SCALE_MAX
from jaxcodec.entropy.context import TAPS
from jaxcodec.errors import CodecFileError

_WIDEST = 1 << 13


def export_codec(
    description: Mapping[str, Any],
    params: Mapping[str, Any],
    *,
    name: str,
    bpp_range: tuple[float, float],
    pictures: Sequence[np.ndarray] = (),
    summary: str = "",
) -> CodecContent:
    """Everything that decoding needs, its integer tables and integer networks made here once and
    for all.

    Args:
      description: what `models.build` takes.
      params: the model's variables, {"params": ...}, float32.
      name: what the codec is called.
      bpp_range: the mean rates of the lowest and the highest quality on photographs, in bpp.
      pictures: uint8 (H, W, 3), a handful to calibrate integer networks on, none of those that the
        codec is to be judged by; a model without a hyper-latent needs none.
      summary: one line for people.

    Raises:
      ExtensionError: the description names what cannot be imported, or was not allowed.
      CodecFileError: the description cannot be built, a weight is not finite, a rate is not above
        zero, a network has no integer form, or there are no pictures.
    """
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
    tables = {"prior": prior_tables(models.build(description), params)}
    spec, arrays = None, {}
    coded = models.coded_as(description)
    if coded != "factorized":
        tables["conditional"] = conditional_tables(coded)
        # The weights as they are stored, so that a codec read back and exported again is the same.
        stored = {
            tuple(path.split("/")): weight.astype(np.float32) for path, weight in weights.items()
        }
        params = {"params": flax.traverse_util.unflatten_dict(stored)}
        quantise = integer.quantise_context_path if coded in TAPS else integer.quantise_scale_path
        calibration = calibrate(description, params, pictures)
        spec, arrays = quantise({**description, "entropy": coded}, params, calibration)
    model, spec = canonical_json(extensions.named(description)), canonical_json(spec)
    return CodecContent(
        name, summary, model, tuple(map(float, bpp_range)), weights, tables, spec, arrays
    )


def conditional_tables(coded: str) -> Tables:
    """The tables of the conditional latent of an entropy model: a Gaussian for each scale, and with
    a context for each phase.
    """
    if coded in TAPS:
        return integer.tables().tables
    return gaussian_tables(np.geomspace(SCALE_BOUND, SCALE_MAX, SCALE_LEVELS))


def prior_tables(model, params) -> Tables:
    """A table for each channel of the prior, from all integers that hold all but a few counts of
    its mass.
    """

    @jax.jit
    def likelihood(symbols):
        return model.apply(params, symbols, method="prior_likelihood")

    channels = model.prior.channels
    reach = 64
    while True:
        symbols = np.arange(-reach, reach + 1)
        mass = np.asarray(
            likelihood(jnp.broadcast_to(symbols[:, None], (len(symbols), channels))), np.float64
        )
        if reach == _WIDEST or mass.sum(axis=0).min() > 1 - 4 / (1 << PRECISION):
            return mass_tables(list(mass.T), [-reach] * channels)
        reach *= 2


def _stored(path: str, weight: np.ndarray) -> np.ndarray:
    """Kernels as float16, which halves the file; their rounding is far below what a quantised
    latent lets through.

    Everything else stays float32: gains, densities and normalisations are few, and range over many
    magnitudes.
    """
    return weight.astype(np.float16) if path.endswith("/kernel") else weight
