"""Between pixels and symbols: the networks of a codec, in windows where a picture is large.

Pixels here have sides that are multiples of the codec's stride; `quality` is (1,) int32 in
hundredths. `run` is how a network goes over a large array: `tiles.run`, or `tiles.whole` inside
`jit`.
"""

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

    hyper: hyper-symbols int32 (1, h', w', C') or None. residual: what becomes symbols when it is
      rounded, the latent less its mean or normalised, float32 (1, h, w, C). side: what tables
      follow from (`Order.side`). seen: what passes of rounding see besides, arrays (1, h, w, any);
      () where there is one pass. quality: (1,) int32 in hundredths. None of it depends on the
      codec's step.
    """

    hyper: Any
    residual: Any
    side: tuple
    seen: tuple
    quality: Array


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
    centre = centre_of(codec, hyper, quality, run)
    residual = run(
        codec.geometry.place,
        lambda *windows: networks.residual(params, *windows),
        latent,
        *centre,
    )
    seen = _seen(codec, centre)
    return Analysis(hyper, residual, codec.side(hyper, quality, run), seen, quality)


def of_symbols(codec: Codec, hyper: Any, residual: Array, quality: Array) -> Analysis:
    """The analysis of a picture whose hyper-symbols and residual are known."""
    seen = _seen(codec, centre_of(codec, hyper, quality))
    return Analysis(hyper, residual, codec.side(hyper, quality, tiles.run), seen, quality)


def rounded(codec: Codec, analysis: Analysis, run: Run = tiles.run) -> Symbols:
    """The symbols of a picture: each the integer nearest to its residual over the codec's step."""
    quality = analysis.quality
    symbols = run(
        codec.geometry.passes,
        lambda residual, *seen: codec.networks.symbols(
            codec.params, residual, quality, codec.step, *seen
        ),
        analysis.residual,
        *analysis.seen,
    )
    return Symbols(analysis.hyper, symbols)


def synthesise(
    codec: Codec, symbols: Symbols, quality: Array, grey: bool = False, run: Run = tiles.run
) -> jax.Array:
    """Pixels, uint8 (1, H, W, 3), or (1, H, W, 1) where `grey`."""
    networks, params = codec.networks, codec.params
    centre = centre_of(codec, symbols.hyper, quality, run)
    residual, step = symbols.latent, codec.step
    if networks.pass_count > 1:
        residual = run(
            codec.geometry.passes,
            lambda *windows: networks.decoded(
                params, windows[0], quality, codec.step, *windows[1:]
            ),
            residual,
            *_seen(codec, centre),
        )
        step = np.float32(1)
    return run(
        codec.geometry.synthesis,
        lambda *windows: networks.pixels(
            params, windows[0], quality, step, *windows[1:], grey=grey
        ),
        residual,
        *centre,
    )


def _seen(codec: Codec, centre: tuple[Any, ...]) -> tuple[Any, ...]:
    """What passes of rounding see of what symbols are counted from: all behind the mean."""
    return centre[1:] if codec.networks.pass_count > 1 else ()


def check(symbols: Symbols, header: Header) -> None:
    """Raise BitstreamError unless the file with this header was made of these symbols."""
    if container.checksum(symbols, container.identity(header)) != header.symbol_crc:
        raise BitstreamError(
            "this file's symbols came out otherwise than they were encoded: the file was changed "
            "after it was written, "
            "or this device computes integers wrongly; fetch it again"
        )


def centre_of(codec: Codec, hyper: Any, quality: Array, run: Run = tiles.run) -> tuple[Any, ...]:
    """What the latent's symbols are counted from; () on a plain grid.

    Its floats may drift: no table depends on them.
    """
    if not codec.networks.centred:
        return ()
    return run(
        codec.geometry.hyper,
        lambda window: codec.networks.centre(codec.params, window, quality),
        hyper,
    )
