"""Between pixels, symbols and the sections of a file: the part of coding that runs networks and entropy coders.

A model with a hyper-latent has two sections, "hyper" under the prior and "latent" under the tables that the hyper-
symbols choose; one without has "latent" alone, under the prior.
"""

import zlib

import numpy as np

from jaxcodec.codec import tiles
from jaxcodec.codec.networks import Networks
from jaxcodec.coding.host import SymbolCoder


def encode(params, networks: Networks, coders: dict[str, SymbolCoder], pixels: np.ndarray, quality: np.ndarray):
    """Sections by name, and the checksum of the symbols in them.

    Args:
      params: the model's variables.
      networks: its compiled pieces.
      coders: "prior", and "conditional" where there is a hyper-latent.
      pixels: uint8 (H, W, 3), sides multiples of `networks.stride`.
      quality: (1,) float32 in [0, 1].
    """
    unit = networks.latent_stride
    latent = tiles.run(
        lambda window: networks.latent(params, window, quality),
        (pixels[None],),
        scales=(unit, 1),
        reach=networks.halos[0],
        budget=tiles.PIXEL_BUDGET // unit**2,
    )
    if networks.hyper is None:
        symbols = np.asarray(networks.symbols(latent, np.float32(0)))
        return {"latent": coders["prior"].encode(symbols, _channels(symbols.shape))}, checksum(symbols)
    hyper = networks.hyper(params, latent, quality)
    mean, index = networks.condition(params, hyper, quality)
    hyper, symbols = np.asarray(hyper), np.asarray(networks.symbols(latent, mean))
    sections = {
        "hyper": coders["prior"].encode(hyper, _channels(hyper.shape)),
        "latent": coders["conditional"].encode(symbols, np.asarray(index)),
    }
    return sections, checksum(hyper, symbols)


def decode(params, networks: Networks, coders: dict[str, SymbolCoder], sections, size: tuple[int, int], quality):
    """From sections, the symbols, their mean (None without a hyper-latent), and the checksum.

    `size` is (H, W), multiples of `networks.stride`. Raises BitstreamError where the sections hold no symbols.
    """
    unit = networks.latent_stride if networks.hyper is None else networks.stride
    channels = _channels((1, size[0] // unit, size[1] // unit, len(coders["prior"].tables)))
    if networks.hyper is None:
        symbols = coders["prior"].decode(sections["latent"], channels)
        return symbols, None, checksum(symbols)
    hyper = coders["prior"].decode(sections["hyper"], channels)
    mean, index = networks.condition(params, hyper, quality)
    symbols = coders["conditional"].decode(sections["latent"], np.asarray(index))
    return symbols, mean, checksum(hyper, symbols)


def checksum(*symbols: np.ndarray) -> int:
    """CRC-32 of int32 arrays in turn, as little-endian bytes in row-major order."""
    crc = 0
    for array in symbols:
        crc = zlib.crc32(np.ascontiguousarray(array, "<i4"), crc)
    return crc


def reconstruct(params, networks: Networks, symbols: np.ndarray, mean, quality: np.ndarray, grey: bool) -> np.ndarray:
    """uint8 (H, W, 3), or (H, W, 1) where `grey`, from what `decode` gives."""
    unit = networks.latent_stride

    def network(symbols, mean=None):
        return networks.pixels(params, symbols, mean, quality, grey=grey)

    arrays = (symbols,) if mean is None else (symbols, mean)
    budget = tiles.PIXEL_BUDGET // unit**2
    return np.asarray(tiles.run(network, arrays, scales=(1, unit), reach=networks.halos[1], budget=budget))[0]


def _channels(shape: tuple[int, ...]) -> np.ndarray:
    """The table of each symbol under the prior: its channel."""
    return np.broadcast_to(np.arange(shape[-1], dtype=np.uint16), shape)
