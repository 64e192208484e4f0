"""Between pixels and symbols: the networks of a codec, in windows where a picture is large.

Pixels here have sides that are multiples of the codec's stride; `quality` is (1,) int32 in
hundredths. `run` is how a network goes over a large array: `tiles.run`, or `tiles.whole` inside
`jit`.
"""

import zlib
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxcodec.codec import tiles
from jaxcodec.codec.value import Codec
from jaxcodec.coding import container
from jaxcodec.coding.container import Header
from jaxcodec.entropy.order import Run, Symbols
from jaxcodec.errors import BitstreamError
from jaxcodec.ops import Array


class Analysis(NamedTuple):
    """What the networks make of a picture, before the latent is rounded.

    hyper: hyper-symbols int32 (1, h', w', C') or None. residual: the latent less what its symbols
      are counted from, float32 (1, h, w, C). side: what tables follow from (`Order.side`).
      None of it depends on the codec's step.
    """

    hyper: Any
    residual: Any
    side: tuple


def analyse(codec: Codec, pixels: Array, quality: Array, run: Run = tiles.run) -> Analysis:
    """The networks' share of encoding `pixels` uint8 (1, H, W, 3)."""
    networks, params = codec.networks, codec.params
    latent = run(
        codec.geometry.analysis, lambda window: networks.latent(params, window, quality), pixels
    )
    hyper = None
    if codec.geometry.hyper_analysis is not None:
        hyper = run(
            codec.geometry.hyper_analysis,
            lambda window: networks.hyper(params, window, quality),
            latent,
        )
    mean = _mean(codec, hyper, quality, run)
    arrays = (latent,) if mean is None else (latent, mean)
    residual = run(
        codec.geometry.place, lambda *windows: networks.residual(params, *windows), *arrays
    )
    return Analysis(hyper, residual, codec.side(hyper, quality, run))


def rounded(codec: Codec, analysis: Analysis, run: Run = tiles.run) -> Symbols:
    """The symbols of a picture: each the integer nearest to its residual over the codec's step."""
    symbols = run(
        codec.geometry.place,
        lambda window: codec.networks.symbols(window, codec.step),
        analysis.residual,
    )
    return Symbols(analysis.hyper, symbols)


def synthesise(
    codec: Codec, symbols: Symbols, quality: Array, grey: bool = False, run: Run = tiles.run
) -> jax.Array:
    """Pixels, uint8 (1, H, W, 3), or (1, H, W, 1) where `grey`."""

    def network(symbols, mean=None):
        return codec.networks.pixels(codec.params, symbols, mean, quality, codec.step, grey=grey)

    mean = _mean(codec, symbols.hyper, quality, run)
    return run(
        codec.geometry.synthesis, network, symbols.latent, *(() if mean is None else (mean,))
    )


def checksum(symbols: Symbols, identity: bytes) -> int:
    """CRC-32 of `identity`, the hyper-symbols, and then the latent's symbols.

    Symbols are little-endian int32 in row-major order.
    """
    crc = zlib.crc32(identity)
    for array in symbols:
        if array is not None:
            crc = zlib.crc32(np.ascontiguousarray(array, "<i4").data, crc)
    return crc


def check(symbols: Symbols, header: Header) -> None:
    """Raise BitstreamError unless the file with this header was made of these symbols."""
    if checksum(symbols, container.identity(header)) != header.symbol_crc:
        raise BitstreamError(
            "this file's symbols came out otherwise than they were encoded: the file was changed "
            "after it was written, "
            "or this device computes integers wrongly; fetch it again"
        )


def _mean(codec: Codec, hyper, quality, run):
    """The mean about which the latent is rounded, float32; None on a plain grid.

    It may drift: no table depends on it.
    """
    if not codec.networks.centred:
        return None
    return run(
        codec.geometry.hyper,
        lambda window: codec.networks.mean(codec.params, window, quality),
        hyper,
    )
