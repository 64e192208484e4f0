"""A second implementation of the integer networks, in NumPy with 64-bit integers, from the
description of their format.

It takes the plain way everywhere: transposed convolutions spread their input out with zeros,
products are whole, and tables are searched.
"""

import numpy as np


def scale_index(spec, arrays, hyper_symbols, quality):
    """Table of each symbol, from hyper-symbols (B, h', w', C') and quality (B,) in hundredths."""
    return run(spec["ops"], arrays, hyper_symbols, quality)


def hyper_part(spec, arrays, hyper_symbols, quality):
    """Sums of every place from the hyper-symbols, and what the quality adds to the scales, or 0."""
    sums = run(spec["hyper"], under(arrays, "hyper"), hyper_symbols, quality)
    return sums, interpolated(arrays["gain"], quality) if spec["gain"] else 0


def autoregressive_parameters(spec, arrays, sums, symbols, row, column):
    """(table, offset) of the symbols at a place of (h, w, C), of which only those before it in
    raster order are read.

    `sums` is what `hyper_part` gives for one picture.
    """
    before = (
        [(-2, across) for across in range(-2, 3)]
        + [(-1, across) for across in range(-2, 3)]
        + [(0, -2), (0, -1)]
    )
    return _parameters_at(spec, arrays, sums, symbols, row, column, before)


def checkerboard_parameters(spec, arrays, sums, symbols, row, column):
    """The same in two passes: places of even row + column see nothing, the others their neighbours
    at odd distances.
    """
    around = [
        (down, across) for down in range(-2, 3) for across in range(-2, 3) if (down + across) % 2
    ]
    return _parameters_at(
        spec, arrays, sums, symbols, row, column, around if (row + column) % 2 else []
    )


def _parameters_at(spec, arrays, sums, symbols, row, column, taps):
    """Lists of tables and offsets, one for each channel; of a mixture, lists of (table, offset,
    weight), and zeros.
    """
    (sums, gain), (height, width, channels) = sums, symbols.shape
    total = sums[0, row, column].copy()
    kernel = arrays["context/kernel"].astype(np.int64).reshape(12, channels, -1)
    for tap, (down, across) in enumerate(taps):
        r, c = row + down, column + across
        if 0 <= r < height and 0 <= c < width:
            own = in_steps(symbols[r, c].astype(np.int64), arrays["step"])
            total += codes(own, arrays["context/shift"]) @ kernel[tap]
    values = run(spec["parameters"], under(arrays, "parameters"), total[None, None, None], None)[
        0, 0, 0
    ]
    values = values.reshape(-1, spec.get("mixture", 1), channels)
    scale, mean = values[0] + np.reshape(gain, -1), in_steps(values[1], arrays["inverse"])
    level = np.searchsorted(arrays["thresholds"], scale, side="right")
    phases = 2 ** arrays["phase_bits"].astype(np.int64)[level]
    position = np.floor(mean * phases / 16 + 0.5).astype(
        np.int64
    )  # exact: sixteenths of small integers
    table, offset = arrays["first_table"][level] + position % phases, position // phases
    if "mixture" not in spec:
        return list(table[0]), list(offset[0])
    parts = np.stack(
        [table, offset, _weights(arrays["exp"].astype(np.int64), limited(values[2]))], axis=-1
    )
    return [[tuple(part) for part in parts[:, channel]] for channel in range(channels)], [
        0
    ] * channels


GROUPS = ([[0, 1], [2, 3]], [[3, 2], [1, 0]], [[2, 3], [0, 1]], [[1, 0], [3, 2]])
"""The group of channels that a place codes, by pass, and by its row and column modulo 2."""


def four_step_channels(number, row, column, channels):
    """The channels that a place codes in a pass of a four-step model, in order."""
    return range(GROUPS[number][row % 2][column % 2], channels, 4)


def four_step_scales(spec, arrays, hyper_symbols, quality):
    """What stands for the logarithm of each scale (h, w, C) in the first pass."""
    return run(spec["hyper"], under(arrays, "hyper"), hyper_symbols, quality)[0]


def four_step_tables(spec, arrays, scale, symbols, tables, number):
    """Tables (h, w, C), of which only those of the symbols of a pass are meant.

    `symbols` and `tables` (h, w, C) are those of earlier passes, and zero elsewhere.
    """
    levels = np.searchsorted(arrays["thresholds"], scale, side="right")
    if number == 0:
        return levels
    channels = scale.shape[-1]
    seen = np.zeros((*scale.shape[:2], 2 * channels), np.int64)
    seen[..., channels:] = levels - 32
    for row, column in np.ndindex(scale.shape[:2]):
        for earlier in range(number):
            for channel in four_step_channels(earlier, row, column, channels):
                size = min(abs(int(symbols[row, column, channel])), 1023)
                table = tables[row, column, channel]
                seen[row, column, channel] = arrays["surprise"][table, size]
    growth = run(spec["passes"][number - 1], under(arrays, str(number)), seen[None], None)[0]
    grown = scale + np.clip(growth, -8321, 8321)
    return np.searchsorted(arrays["thresholds"], grown, side="right")


def in_steps(values, ratio):
    """Integers, limited to 2^22, times multiplier / 2^14 * 2^exponent."""
    multiplier, exponent = (int(part) for part in ratio)
    return rounded(np.clip(values, -(2**22), 2**22) * multiplier, 14 - exponent)


def _weights(exp, logit):
    """Weights (K, C) that sum to 2^15."""
    share = exp[np.minimum(logit.max(axis=0) - logit, len(exp) - 1)]
    weight = share * 2**15 // share.sum(axis=0)
    weight[logit.argmax(axis=0), np.arange(logit.shape[1])] += 2**15 - weight.sum(axis=0)
    return weight


def run(ops, arrays, x, quality):
    """What the operations of a spec make of x (B, h, w, C)."""
    x = np.asarray(x, np.int64)
    for place, op in enumerate(ops):
        own = under(arrays, str(place))
        own = (
            own
            if op["op"] == "residual"
            else {name: array.astype(np.int64) for name, array in own.items()}
        )
        x = apply(op, own, x, quality)
    return x


def under(arrays, prefix):
    """The arrays of a part, by the rest of their names."""
    return {
        name[len(prefix) + 1 :]: array
        for name, array in arrays.items()
        if name.startswith(f"{prefix}/")
    }


def apply(op, own, x, quality):
    match op["op"]:
        case "codes":
            return codes(x, own["shift"])
        case "narrow":
            return np.clip(
                rounded(limited(x) * own["multiplier"], own["shift"]) + own["zero"], -128, 127
            )
        case "conv":
            return convolved(op, own, x)
        case "requantise":
            return rounded(x * 2 ** own["left"] * own["multiplier"], own["shift"] + 16)
        case "modulate":
            scale, shift = interpolated(own["scale"], quality), interpolated(own["shift"], quality)
            return rounded(limited(x) * scale, own["bits"]) + shift
        case "offset":
            return limited(x) + interpolated(own["table"], quality)
        case "leaky":
            return np.where(limited(x) > 0, limited(x), rounded(limited(x) * own["slope"], 15))
        case "look_up":
            return own["table"][(limited(x) + 32768) // 16]
        case "shuffle":
            return spread(x, op["factor"])
        case "residual":
            return limited(x + run(op["ops"], own, x, quality))
        case "index":
            return np.searchsorted(own["thresholds"], x, side="right")


def limited(x):
    """Clipped to 16 bits."""
    return np.clip(x, -32767, 32767)


def rounded(x, shift):
    """x / 2^shift to the nearest, ties up."""
    return (2 * x + 2**shift) // 2 ** (shift + 1)


def codes(symbols, shift):
    """Symbols as codes."""
    return np.clip(rounded(symbols, shift.astype(np.int64)), -127, 127)


def spread(x, factor):
    """Depth to space."""
    b, h, w, c = x.shape
    out = np.empty((b, h * factor, w * factor, c // factor**2), np.int64)
    for row in range(factor):
        for column in range(factor):
            first = (row * factor + column) * out.shape[-1]
            out[:, row::factor, column::factor] = x[..., first : first + out.shape[-1]]
    return out


def convolved(op, own, x):
    """Sums of a convolution."""
    kernel, step = own["kernel"], op["upsample"]
    b, h, w, inputs = x.shape
    size, outputs = len(kernel), kernel.shape[-1]
    pad = size // 2
    # Which places of the grid of the output hold an input, or padding that stands for one.
    held = np.zeros((1, step * (h + 2 * pad), step * (w + 2 * pad), 1), np.int64)
    held[:, ::step, ::step] = 1
    inside = held.copy()
    inside[:, : step * pad] = inside[:, step * (h + pad) :] = 0
    inside[:, :, : step * pad] = inside[:, :, step * (w + pad) :] = 0
    grid = np.zeros((b, *held.shape[1:3], inputs), np.int64)
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="edge")
    if op["border"] == "zeros":
        ring = np.ones(padded.shape[1:3], bool)
        ring[pad : pad + h, pad : pad + w] = False
        padded[:, ring] = own["zero"]
    grid[:, ::step, ::step] = padded
    sums = np.tile(own["bias"].reshape(step, step, outputs), (h, w, 1))[None].repeat(b, axis=0)
    first = step * pad - pad
    for row in range(size):
        for column in range(size):
            top, left = first + row, first + column
            window = np.s_[:, top : top + step * h, left : left + step * w]
            sums += grid[window] @ kernel[row, column]
            if "taps" in own:
                sums += inside[window] * own["taps"][row, column]
    assert np.abs(sums).max() < 2**31
    return sums


def interpolated(table, quality):
    """A table (points, C) at each quality, (B, 1, 1, C)."""
    rows = []
    for q in quality:
        low, fraction = divmod(int(q) * (len(table) - 1), 10_000)
        low_row = table[low].astype(np.int64)
        high_row = table[min(low + 1, len(table) - 1)].astype(np.int64)
        rows.append(low_row + ((high_row - low_row) * fraction + 5000) // 10_000)
    return np.stack(rows)[:, None, None]
