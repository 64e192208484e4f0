"""Measures every installed entropy coder: nanoseconds per symbol, and bytes above the ideal.

    python benchmarks/coders.py [--sizes 10000 300000 3000000] [--coders host lanes] [--repeat 7]

Symbols are rounded Gaussians under 64 tables, scales .11 to 256, at the rates of a photograph
(about 2.8 bits a symbol) and of a strongly compressed one (about .2), and rounded Laplacians of
variance 1 under the one table of a normalised latent (about 2.0). Times are the best of the
repetitions, warm, on one process; results with date and machine are kept in coders.md. The coder
"lanes" is measured from NumPy arrays to bytes and back, as the others are; "lanes, jit" is the same
work between arrays on the device.
"""

import argparse
import functools
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr

from jaxcodec.coding import coders, lanes
from jaxcodec.coding.lane_tables import lane_tables
from jaxcodec.coding.make_tables import gaussian_tables, laplace_table
from jaxcodec.coding.tables import Tables
from jaxcodec.entropy.distributions.laplace import UNIT_SCALE, laplace_log_mass

SCALES = np.geomspace(0.11, 256, 64)
STATIC = "one table"
MEAN_INDEX = {"photograph": 23.0, "low rate": 4.0}
"""Table indices are drawn from exponential distributions of these means, cut off at 63."""


def draw(kind: str, size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Symbols int32, table indices uint8, and the ideal number of bytes for them."""
    rng = np.random.default_rng(0)
    if kind == STATIC:
        symbols = np.round(rng.laplace(0, UNIT_SCALE, size)).astype(np.int32)
        bits = -np.asarray(laplace_log_mass(jnp.asarray(symbols, jnp.float32), UNIT_SCALE)).sum(
            dtype=np.float64
        ) / np.log(2)
        return symbols, np.zeros(size, np.uint8), bits / 8
    indices = np.clip(rng.exponential(MEAN_INDEX[kind], size), 0, 63).astype(np.uint8)
    scales = SCALES[indices]
    symbols = np.round(rng.normal(0, scales)).astype(np.int32)
    distance = np.abs(symbols)
    bits = -np.log2(ndtr((0.5 - distance) / scales) - ndtr((-0.5 - distance) / scales)).sum()
    return symbols, indices, bits / 8


def seconds(call: Callable, repeat: int) -> float:
    """The least time that a call takes, after one that does not count."""
    jax.block_until_ready(call())
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - begin)
    return min(times)


def measure(name: str, tables: Tables, symbols, indices, repeat: int) -> tuple[float, float, int]:
    """Seconds to encode and to decode, and the bytes."""
    coder = coders.make(name, tables)
    data = coder.encode(symbols, indices)
    if not np.array_equal(coder.decode(data, indices), symbols):
        raise AssertionError(f"the coder {name} does not give back the symbols")
    encode = functools.partial(coder.encode, symbols, indices)
    decode = functools.partial(coder.decode, data, indices)
    return seconds(encode, repeat), seconds(decode, repeat), len(data)


def measure_in_jit(tables: Tables, symbols, indices, repeat: int) -> tuple[float, float, int]:
    """The same for lanes between arrays on the device, the choice of their number included; the
    width is the most.
    """
    on_device = jax.device_put(lane_tables(tables))
    values, indices = jnp.asarray(symbols), jnp.asarray(indices, jnp.int32)

    @jax.jit
    def encode(tables, values, indices):
        blocks = [lanes.Block(values, indices, values.size)]
        count = lanes.lane_count(lanes.cost_bits(tables, blocks))
        return *lanes.encode(tables, blocks, lanes.MAX_LANES, count), count

    @jax.jit
    def decode(tables, words, length, count, indices):
        state = lanes.start(words, length, lanes.MAX_LANES, count)
        values, state = lanes.decode_block(tables, state, indices, indices.size)
        return values, lanes.finish(state)

    words, length, count = encode(on_device, values, indices)
    decoded, finished = decode(on_device, words, length, count, indices)
    if not (finished and np.array_equal(decoded, symbols)):
        raise AssertionError("the lanes coder does not give back the symbols inside jit")
    return (
        seconds(lambda: encode(on_device, values, indices), repeat),
        seconds(lambda: decode(on_device, words, length, count, indices), repeat),
        2 * int(length),
    )


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 300_000, 3_000_000])
    parser.add_argument("--coders", nargs="+", default=coders.installed())
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()

    gaussian, laplace = gaussian_tables(SCALES), laplace_table(UNIT_SCALE)
    print(f"JAX {jax.__version__}, {jax.default_backend()}\n")
    print("| symbols | content | coder | bytes | over ideal, % | encode, ns | decode, ns |")
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        for kind in (*MEAN_INDEX, STATIC):
            tables = laplace if kind == STATIC else gaussian
            symbols, indices, ideal = draw(kind, size)
            runs = {name: functools.partial(measure, name) for name in options.coders}
            if "lanes" in runs:
                runs["lanes, jit"] = measure_in_jit
            for name, run in runs.items():
                encode, decode, count = run(tables, symbols, indices, options.repeat)
                over = 100 * (count / ideal - 1)
                times = f"{1e9 * encode / size:.1f} | {1e9 * decode / size:.1f}"
                print(
                    f"| {size:,} | {kind} | {name} | {count:,} | {over:.2f} | {times} |", flush=True
                )


if __name__ == "__main__":
    main()
