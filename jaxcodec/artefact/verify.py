"""Decodes the symbols of a .jxc file and checks them, without a network and without JAX.

Only where no table follows from anything computed: codecs with a factorized prior, a normalised
latent or a bounded one. That their symbols come out right is then a matter of integers alone, which
any machine can check.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxcodec.artefact.codec_file import CodecContent
from jaxcodec.coding import coders, container, step_tables
from jaxcodec.coding.container import Header
from jaxcodec.coding.tables import Tables
from jaxcodec.errors import BitstreamError, CoderError, TooLargeError, WrongCodecError
from jaxcodec.files import MAX_PIXELS

MOVED = {"factorized": "prior", "normalised": "static", "bounded": "prior"}
"""The kinds of entropy models without computed tables, and the set that moves with the step.

A bounded one has a single step.
"""

STRIDES = {"patch_analysis": 16, "patch_hyper_analysis": 4, "cheng_analysis": 16}
"""Of networks whose description does not tell their strides; those of modules, which need JAX."""


class Verified(NamedTuple):
    """The header of a file, and how many symbols it holds that fit its checksum."""

    header: Header
    symbols: int


def verify(
    content: CodecContent, data: bytes | bytearray | memoryview, *, max_pixels: int = MAX_PIXELS
) -> Verified:
    """Decodes all symbols of a .jxc file and compares their checksum with that of the file.

    Raises:
      WrongCodecError: the codec did not write it.
      CoderError: the tables of this codec take JAX, as those that follow from networks do, or the
        file needs a coder that runs in JAX or is not installed.
      TooLargeError: it has more pixels than `max_pixels`.
      BitstreamError: it is not a .jxc file, is damaged, or holds other symbols.
    """
    header, parts, _ = container.read(data)
    description = content.metadata()["model"]
    _check(content, header, description, max_pixels)
    hyper, latent = _shapes(content, header, description)
    sets = _at_step(content.tables, MOVED[description["entropy"]], header.step)
    wanted = [("prior", hyper), ("static", latent)] if hyper else [("prior", latent)]
    if len(parts) != len(wanted):
        raise BitstreamError(
            f"this file's symbols are in {len(parts)} parts and its codec has {len(wanted)}; "
            "encode the picture anew"
        )
    found = []
    for part, (name, shape) in zip(parts, wanted, strict=True):
        alike = len(sets[name]) == 1
        table = np.int32(0) if alike else np.arange(shape[-1], dtype=np.int32)
        coder = coders.make(header.coder, sets[name])
        found.append(coder.decode(part, np.broadcast_to(table, shape)))
    if container.checksum(found, container.identity(header)) != header.symbol_crc:
        raise BitstreamError(
            "this file's symbols are not those that were encoded: it was changed after it was "
            "written; fetch it again"
        )
    return Verified(header, sum(symbols.size for symbols in found))


def _check(
    content: CodecContent, header: Header, description: Mapping[str, Any], max_pixels: int
) -> None:
    """Raises unless the symbols of the file can be decoded here."""
    if header.codec_id != content.id:
        raise WrongCodecError(
            f"this file was encoded with the codec {header.codec_id} and not with {content.name}, "
            f"which is {content.id}; give that codec"
        )
    if description["entropy"] not in MOVED:
        raise CoderError(
            f"the tables of {content.name}, a codec with the entropy model "
            f"{description['entropy']}, may follow from networks, which need JAX; "
            "`jaxcodec decode` checks its symbols too"
        )
    if header.coder == "lanes":
        raise CoderError(
            "this file was written by the coder 'lanes', which runs in JAX; `jaxcodec decode` "
            "checks its symbols too"
        )
    if header.width * header.height > max_pixels:
        raise TooLargeError(
            f"this file claims {header.width} x {header.height} pixels, more than the limit of "
            f"{max_pixels}; raise the limit if you trust it"
        )
    if header.precision != content.precision:
        raise BitstreamError(
            f"this file has tables of {header.precision} bits and its codec has "
            f"{content.precision}; encode the picture anew"
        )


def _shapes(content: CodecContent, header: Header, description: Mapping[str, Any]):
    """Those of the hyper-symbols, () without any, and of the latent's symbols."""
    unit = stride(description["analysis"])
    inner = stride(description["hyper_analysis"]) if "hyper_analysis" in description else 1
    whole = unit * inner
    padded = [side + -side % whole for side in (header.height, header.width)]
    latent = (1, padded[0] // unit, padded[1] // unit, description["gains"]["channels"])
    if "hyper_analysis" not in description:
        return (), latent
    return (1, padded[0] // whole, padded[1] // whole, len(content.tables["prior"])), latent


def stride(network: Mapping[str, Any]) -> int:
    """Input pixels for each output position of an analysis, from its description.

    Raises CoderError for a network from outside the package.
    """
    if "strides" in network:
        return math.prod(network["strides"])
    if network["kind"] in STRIDES:
        return STRIDES[network["kind"]]
    raise CoderError(
        f"the codec has the network {network['kind']!r} from outside the package, whose stride is "
        "not known here; `jaxcodec decode` checks its symbols too"
    )


def _at_step(tables: Mapping[str, Tables], moved: str, step_index: int) -> dict[str, Tables]:
    return {**tables, moved: step_tables.at_step(tables[moved], step_index)}
