"""Between pixels, symbols and the sections of a file: the part of coding that runs networks and entropy coders.

A model with a hyper-latent has two sections, "hyper" under the prior and "latent" under the tables that the hyper-
symbols choose; one without has "latent" alone, under the prior. Pixels here have sides that are multiples of the codec's
stride, and `quality` is (1,) float32 in [0, 1].
"""

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np

from jaxcodec.codec import tiles
from jaxcodec.codec.value import Codec


class Decoded(NamedTuple):
    """What the sections of a file hold.

    symbols: int32 (1, h, w, C). mean: float32, same shape, or None without a hyper-latent. crc: of all symbols.
    """

    symbols: np.ndarray
    mean: jax.Array | None
    crc: int


def encode(codec: Codec, pixels: np.ndarray, quality: np.ndarray) -> tuple[dict[str, bytes], int]:
    """The sections by name, and the CRC of their symbols, for `pixels` uint8 (H, W, 3)."""
    networks, unit = codec.networks, codec.networks.latent_stride
    latent = tiles.run(
        lambda window: networks.latent(codec.params, window, quality),
        (pixels[None],),
        scales=(unit, 1),
        reach=networks.halos[0],
        budget=tiles.PIXEL_BUDGET // unit**2,
    )
    prior = codec.coders["prior"]
    if networks.hyper is None:
        symbols = np.asarray(networks.symbols(latent, np.float32(0)))
        return {"latent": prior.encode(symbols, _channels(symbols.shape))}, checksum(symbols)
    hyper = networks.hyper(codec.params, latent, quality)
    mean, index = networks.condition(codec.params, hyper, quality)
    hyper, symbols = np.asarray(hyper), np.asarray(networks.symbols(latent, mean))
    sections = {
        "hyper": prior.encode(hyper, _channels(hyper.shape)),
        "latent": codec.coders["conditional"].encode(symbols, np.asarray(index)),
    }
    return sections, checksum(hyper, symbols)


def decode(codec: Codec, sections: Mapping[str, bytes], size: tuple[int, int], quality: np.ndarray) -> Decoded:
    """The symbols of pixels of `size` (H, W); raises BitstreamError where the sections hold none."""
    networks, prior = codec.networks, codec.coders["prior"]
    unit = networks.latent_stride if networks.hyper is None else networks.stride
    channels = _channels((1, size[0] // unit, size[1] // unit, len(prior.tables)))
    if networks.hyper is None:
        symbols = prior.decode(sections["latent"], channels)
        return Decoded(symbols, None, checksum(symbols))
    hyper = prior.decode(sections["hyper"], channels)
    mean, index = networks.condition(codec.params, hyper, quality)
    symbols = codec.coders["conditional"].decode(sections["latent"], np.asarray(index))
    return Decoded(symbols, mean, checksum(hyper, symbols))


def reconstruct(codec: Codec, decoded: Decoded, quality: np.ndarray, grey: bool) -> np.ndarray:
    """Pixels, uint8 (H, W, 3), or (H, W, 1) where `grey`."""
    unit = codec.networks.latent_stride

    def network(symbols, mean=None):
        return codec.networks.pixels(codec.params, symbols, mean, quality, grey=grey)

    pixels = tiles.run(
        network,
        (decoded.symbols,) if decoded.mean is None else (decoded.symbols, decoded.mean),
        scales=(1, unit),
        reach=codec.networks.halos[1],
        budget=tiles.PIXEL_BUDGET // unit**2,
    )
    return np.asarray(pixels)[0]


def checksum(*symbols: np.ndarray) -> int:
    """CRC-32 of int32 arrays in turn, as little-endian bytes in row-major order."""
    crc = 0
    for array in symbols:
        crc = zlib.crc32(np.ascontiguousarray(array, "<i4"), crc)
    return crc


def _channels(shape: tuple[int, ...]) -> np.ndarray:
    """The table of each symbol under the prior: its channel."""
    return np.broadcast_to(np.arange(shape[-1], dtype=np.uint16), shape)
