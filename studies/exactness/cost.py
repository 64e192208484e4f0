"""What exactness costs: bits of the latents with tables chosen by integer networks, against float
parameters.

    python studies/exactness/cost.py --images DIR [--codec NAME|FILE ...] [--qualities 0 25 50 75
    100]

For each codec with a hyper-latent and each quality, over all pictures:

    bpp       of the latent with the table that the float network would choose; with a context, of
              float mean too
    integer   how many percent more bits the integer networks take than those tables
    ideal     how many percent more than the Gaussian masses of table scale and float mean, which no
              table rounds
    worst     picture: the largest `integer` of one
    differ    symbols whose table differs, in percent
    ms        of the networks that choose tables, for the last picture: integer / float (which gives
              means as well)

Files carry hyper-latents and headers besides, which the choice does not touch.
"""

import argparse
import functools
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np

import jaxcodec
from jaxcodec import image, models
from jaxcodec.artefact.codec_file import read_metadata
from jaxcodec.codec import tiles
from jaxcodec.coding import lanes
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.coding.lane_distributions import WEIGHT_BITS, Component, Mixture, shifted
from jaxcodec.entropy import context_tables
from jaxcodec.entropy.distributions.gaussian import scale_index, scale_table
from jaxcodec.entropy.distributions.mixture import mixture_likelihood


def pieces(codec, description, spec):
    """Compiled (analyse, by_float, by_integer) of a codec; tables and offsets for the symbols that
    the last two take.
    """
    model = models.build(description)
    context = spec["kind"] == "context"

    def analyse(params, pixels, quality):
        latent = model.apply(params, image.to_float(pixels), quality, method="to_latent")
        hyper = model.apply(params, latent, quality, method="to_hyper_symbols")
        return hyper, model.apply(params, latent, hyper, quality, method="to_symbols")

    def by_float(params, hyper, symbols, quality):
        """Tables, offsets, and float parameters (mean, scale of the table, weight), components
        first.
        """
        if not context:
            seen = (symbols,) if spec["kind"] == "four_step" else ()
            table = scale_index(model.apply(params, hyper, *seen, quality, method="scale"))
            none = jnp.zeros_like(table)
            # Symbols are what is left of the latent after the mean.
            return table, none, (none[None], scale_table()[table][None], jnp.ones((1,)))
        given = model.apply(params, hyper, symbols, quality, method="parameters_parallel")
        mean, scale, weight = (
            given if len(given) == 3 else (*(value[None] for value in given), jnp.ones((1,)))
        )
        level, phases = scale_index(scale), context_tables.tables()
        bits = jnp.asarray(phases.bits)[level]
        position = jnp.floor(mean * (1 << bits) + 0.5).astype(jnp.int32)
        table, offset = (
            jnp.asarray(phases.first)[level] + (position & ((1 << bits) - 1)),
            position >> bits,
        )
        floats = mean, scale_table()[level], weight
        if len(given) == 2:
            return table[0], offset[0], floats
        parts = zip(table, offset, whole_weights(weight), strict=True)
        return Mixture(tuple(Component(*part) for part in parts)), jnp.zeros_like(offset[0]), floats

    def by_integer(arrays, hyper, symbols, quality):
        side = codec.order.side(arrays, hyper, quality, tiles.whole)
        values, table, _ = codec.order.coded(arrays, symbols, *side)
        return table, symbols - values

    return jax.jit(analyse), jax.jit(by_float), jax.jit(by_integer)


def whole_weights(weight):
    """Weights (K, ...) that sum to one as integers that sum to 2^15."""
    whole = jnp.floor(weight * (1 << WEIGHT_BITS)).astype(jnp.int32)
    heaviest = jnp.argmax(weight, axis=0)[None] == jnp.arange(len(weight)).reshape(
        -1, *[1] * (weight.ndim - 1)
    )
    return whole + heaviest * ((1 << WEIGHT_BITS) - jnp.sum(whole, axis=0))


@jax.jit
def ideal_bits(symbols, mean, scale, weight):
    """Bits of symbols under float means and weights, and the scales of tables."""
    return -jnp.sum(jnp.log2(mixture_likelihood(symbols, mean, scale, weight)))


@jax.jit
def coded_bits(codec, symbols, under, offset):
    """Bits that a coder takes for symbols under tables."""
    flat = jax.tree.map(jnp.ravel, (symbols - offset, shifted(under, codec.first_table("latent"))))
    return lanes.cost_bits(codec.lane_tables, [lanes.Block(*flat, symbols.size)])


def milliseconds(function, *arguments, runs: int = 7) -> float:
    """Median time of a compiled function."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - start)
    return 1e3 * sorted(times)[runs // 2]


def measure(name: str, pictures: list[np.ndarray], qualities: list[float]) -> None:
    """Prints a line for each quality of a codec."""
    codec = jaxcodec.load(name)
    metadata = read_metadata(jaxcodec.artefact.bundled.find(name))
    description, spec = metadata["model"], metadata["integer"]
    analyse, by_float, by_integer = pieces(codec, description, spec)
    print(
        f"{codec.name}\n{'quality':>8}{'bpp':>9}{'integer':>10}{'ideal':>9}{'worst':>9}{'differ':>9}{'ms':>14}"
    )
    for quality in qualities if codec.variable else qualities[:1]:
        whole = np.full(1, round(quality * MAX_QUALITY / 100), np.int32)
        fraction = whole.astype(np.float32) / MAX_QUALITY
        rows = []
        for pixels in pictures:
            padded = image.pad_to_multiple(pixels, codec.geometry.stride)[None]
            hyper, symbols = analyse(codec.params, padded, fraction)
            table, offset, floats = by_float(codec.params, hyper, symbols, fraction)
            chosen, taken = by_integer(codec.integer, hyper, symbols, whole)
            float_bits, integer_bits = (
                coded_bits(codec, symbols, *under) for under in ((table, offset), (chosen, taken))
            )
            pairs = zip(
                jax.tree.leaves((table, offset)), jax.tree.leaves((chosen, taken)), strict=True
            )
            differ = 100 * jnp.mean(
                functools.reduce(jnp.logical_or, (one != other for one, other in pairs))
            )
            rows.append(
                [
                    float_bits,
                    integer_bits,
                    ideal_bits(symbols, *floats),
                    differ,
                    pixels[..., 0].size,
                ]
            )
        bits, integers, ideal, differ, size = np.array(rows, np.float64).T
        ms = milliseconds(by_integer, codec.integer, hyper, symbols, whole)
        ms_float = milliseconds(by_float, codec.params, hyper, symbols, fraction)
        more = 100 * (
            np.array(
                [integers.sum() / bits.sum(), integers.sum() / ideal.sum(), (integers / bits).max()]
            )
            - 1
        )
        print(
            f"{quality:8g}{bits.sum() / size.sum():9.4f}{more[0]:+9.3f}%{more[1]:+8.3f}%{more[2]:+8.3f}%"  # noqa: E501
            f"{differ.mean():8.2f}%{ms:7.1f} /{ms_float:5.1f}"
        )


def main() -> None:
    """Reads the command line and measures every codec."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", required=True, type=pathlib.Path)
    parser.add_argument("--codec", nargs="+", default=["default"])
    parser.add_argument("--qualities", nargs="+", type=float, default=[0, 25, 50, 75, 100])
    arguments = parser.parse_args()
    pictures = [image.read(path).pixels for path in image.list_images(arguments.images)]
    grey = [pixels.shape[2] == 1 for pixels in pictures]
    pictures = [
        np.repeat(p, 3, axis=2) if single else p[..., :3]
        for p, single in zip(pictures, grey, strict=True)
    ]
    for name in arguments.codec:
        measure(name, pictures, arguments.qualities)


if __name__ == "__main__":
    main()
