"""A second implementation of symbol decoding, NumPy only: from a codec file and the words of a .jxc
file to all symbols.

It follows docs/format.md, goes through an autoregressive latent place by place, and knows no JAX.
"""

import numpy as np

from . import integer_networks, rans, steps


def decode(content, header, section: bytes, strides: tuple[int, int], channels: int):
    """(hyper-symbols or None, latent symbols), int32, of the section of a file that the coder
    "lanes" wrote.

    content: of the codec file. strides: pixels per latent place, and per hyper-latent place (or the
      same again).
    channels: of the latent.
    """
    unit, stride = strides
    padded = [side + -side % stride for side in (header.height, header.width)]
    grid = (1, padded[0] // unit, padded[1] // unit, channels)
    names = [name for name in ("prior", "conditional", "static") if name in content.tables]
    sets = [content.tables[name] for name in names]
    if content.metadata()["model"]["entropy"] in ("factorized", "normalised"):
        sets[-1] = steps.prior(sets[-1], header.step)
    decoder = rans.Decoder(np.frombuffer(section, "<u2"), header.lanes, sets)
    entropy = content.metadata()["model"]["entropy"]
    if entropy == "factorized":
        latent = decoder.block(np.tile(np.arange(channels), grid[1] * grid[2])).reshape(grid)
        assert decoder.finished
        return None, latent

    hyper_channels = len(content.tables["prior"])
    shape = (1, padded[0] // stride, padded[1] // stride, hyper_channels)
    hyper = decoder.block(np.tile(np.arange(hyper_channels), shape[1] * shape[2])).reshape(shape)
    if entropy == "normalised":
        latent = decoder.block(np.full(np.prod(grid), hyper_channels)).reshape(grid)
        assert decoder.finished
        return hyper, latent
    spec, form = content.metadata()["integer"], content.metadata()["model"]["scale_form"]
    arrays = steps.integer_arrays(spec, form, content.integer, header.step)
    quality = np.array([header.quality or 0])
    if entropy in ("mean_scale", "scale"):
        index = integer_networks.scale_index(spec, arrays, hyper, quality)
        latent = decoder.block(index.ravel() + hyper_channels).reshape(grid)
    elif entropy == "four_step":
        scale = integer_networks.four_step_scales(spec, arrays, hyper, quality)
        latent = _four_passes(decoder, spec, arrays, scale, hyper_channels)[None]
    else:
        sums = integer_networks.hyper_part(spec, arrays, hyper, quality)
        order, parameters = _ORDERS[entropy]
        latent = np.zeros(grid[1:], np.int32)
        for places in order(*grid[1:3]):
            told = [parameters(spec, arrays, sums, latent, row, column) for row, column in places]
            tables, offsets = (sum(part, start=[]) for part in zip(*told, strict=True))
            tables = [_after(hyper_channels, table) for table in tables]
            values = (decoder.block(tables) + offsets).reshape(len(places), channels)
            for (row, column), symbols in zip(places, values, strict=True):
                latent[row, column] = symbols
        latent = latent[None]
    assert decoder.finished
    return hyper, latent


def _four_passes(decoder, spec, arrays, scale, first):
    """The latent (h, w, C) of a four-step model; `first` tables stand before those of scales."""
    latent, tables = np.zeros(scale.shape, np.int32), np.zeros(scale.shape, np.int64)
    for number in range(4):
        found = integer_networks.four_step_tables(spec, arrays, scale, latent, tables, number)
        places = [
            (row, column, channel)
            for row, column in np.ndindex(scale.shape[:2])
            for channel in integer_networks.four_step_channels(number, row, column, scale.shape[-1])
        ]
        values = decoder.block([found[place] + first for place in places])
        for place, value in zip(places, values, strict=True):
            latent[place], tables[place] = value, found[place]
    return latent


def _after(count, table):
    """The number of a table, or those of a mixture's, where `count` tables stand before them."""
    if isinstance(table, list):
        return [(index + count, offset, weight) for index, offset, weight in table]
    return table + count


def _wavefronts(height, width):
    shift = min(3, width)
    fronts = [[] for _ in range(width + shift * (height - 1))]
    for row in range(height):
        for column in range(width):
            fronts[column + shift * row].append((row, column))
    return fronts


def _two_passes(height, width):
    places = [(row, column) for row in range(height) for column in range(width)]
    passes = [[place for place in places if sum(place) % 2 == parity] for parity in (0, 1)]
    return [places for places in passes if places]


_ORDERS = {
    "autoregressive": (_wavefronts, integer_networks.autoregressive_parameters),
    "checkerboard": (_two_passes, integer_networks.checkerboard_parameters),
}
