"""Feeds damaged bytes to the container and to every installed entropy coder.

    python tools/fuzz_coders.py [--inputs 1000000] [--seed 0]

Each input is a sound file or stream with a few random changes: bits flipped, bytes replaced, cut
out, put in or doubled, the end cut off; half of the files then get a checksum that fits. Only
BitstreamError may come out, or symbols of the right shape; which symbols they are is for the
checksum in the header to judge. A thousand inputs that take two minutes end the run with a
traceback, and the memory taken above that of the first inputs is bounded.
"""

import argparse
import collections
import faulthandler
import functools
import math
import resource
import sys
import time
from collections.abc import Callable, Iterator

import jax
import numpy as np

from jaxcodec.coding import coders, container, lanes, sections
from jaxcodec.coding.container import Header
from jaxcodec.coding.lane_tables import lane_tables
from jaxcodec.coding.make_tables import gaussian_tables, laplace_table
from jaxcodec.coding.tables import Tables
from jaxcodec.errors import BitstreamError
from jaxcodec.image import Picture

SCALES = np.geomspace(0.11, 256, 64)
SYMBOLS = 64
SHARES = {
    "container": 0.35, "host": 0.15, "lanes": 0.1, "lanes, jit": 0.25, "tfc": 0.05,
    "host, one table": 0.1,
}  # fmt: skip
"""Of all inputs; those of a coder that is not installed go to the container."""

LIMIT_SECONDS = 120
LIMIT_BYTES = 256 << 20
_BATCH = 1000
_WORDS = 256


def samples(
    rng: np.random.Generator, tables: int = len(SCALES)
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Symbols and table indices: few and many bits, and symbols outside their tables."""
    for mean in (2, 12, 40):
        indices = np.clip(rng.exponential(mean, SYMBOLS), 0, tables - 1).astype(np.uint8)
        symbols = np.round(rng.normal(0, SCALES[indices])).astype(np.int32)
        yield symbols, indices
        far = rng.integers(-(2**29), 2**29, SYMBOLS).astype(np.int32)
        yield np.where(rng.random(SYMBOLS) < 0.1, far, symbols), indices


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """`data` with one to four changes, at most 64 bytes longer."""
    changed = bytearray(data)
    for kind in rng.integers(0, 7, rng.integers(1, 5)):
        place = int(rng.integers(0, len(changed) + 1))
        size = int(rng.integers(1, 17))
        if kind <= 2 and place < len(changed):
            changed[place] ^= 1 << int(rng.integers(0, 8))
        elif kind == 3:
            changed[place : place + size] = rng.bytes(len(changed[place : place + size]))
        elif kind == 4:
            del changed[place : place + size]
        elif kind == 5:
            changed[place:place] = rng.bytes(size) if rng.random() < 0.5 else changed[:size]
        elif kind == 6:
            del changed[place:]
    return bytes(changed)


def files(rng: np.random.Generator) -> list[bytes]:
    """Sound files, with every section."""
    parts = rng.bytes(20), rng.bytes(90)
    pixels = rng.integers(0, 256, (7, 9, 4)).astype(np.uint8)
    described = sections.pack(
        Picture(pixels, bytes(300), b"II*\0" + bytes(90), b"<x:xmpmeta/>", (300.0, 72.0))
    )[0]
    icc = {"icc": described["icc"]}
    plain = Header(
        container.VERSION, "0123456789abcdef", 9, 7, 3, 5000, 0, 16, "host", 1, 0x12345678
    )
    rgba = Header(
        container.VERSION, "0123456789abcdef", 9, 7, 4, None, 100, 16, "lanes", 8, 0x12345678
    )
    return [
        container.write(plain, parts, {}),
        container.write(plain, parts, icc),
        container.write(rgba, parts, described),
    ]


def read_file(data: bytes) -> str:
    """Reads a file, and those of its sections that need no codec."""
    header, _, side = container.read(data)
    if "alpha" in side and header.width * header.height <= 1 << 20:
        sections.unpack_alpha(side["alpha"], header.height, header.width)
    sections.unpack(side)
    return "read"


def damaged_files(count: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Damaged files, the checksum of every other one mended."""
    sound = files(rng)
    for data in sound:
        read_file(data)
    for i in range(count):
        data = mutate(sound[i % len(sound)], rng)
        yield container.mended(data) if i % 2 and len(data) >= container.CHECKSUM.stop else data


def fuzz_container(count: int, rng: np.random.Generator) -> Iterator[str]:
    """The outcome of each damaged file."""
    for data in damaged_files(count, rng):
        yield outcome(read_file, data)


def fuzz_coder(name: str, tables: Tables, count: int, rng: np.random.Generator) -> Iterator[str]:
    """The outcome of each damaged stream of a coder's own bytes, under some tables."""
    coder = coders.make(name, tables)
    sound = [
        (symbols, indices, coder.encode(symbols, indices))
        for symbols, indices in samples(rng, len(tables))
    ]
    for i in range(count):
        symbols, indices, data = sound[i % len(sound)]
        decoded = functools.partial(_decoded, coder, symbols, indices)
        yield outcome(decoded, mutate(data, rng))


def _decoded(coder, symbols, indices, data: bytes):
    return describe(coder.decode(data, indices), symbols)


def fuzz_lanes_in_jit(count: int, rng: np.random.Generator) -> Iterator[str]:
    """The outcome of each damaged stream of 1 to 8 lanes, a thousand at once under vmap, as two
    blocks.
    """
    tables = jax.device_put(lane_tables(gaussian_tables(SCALES)))
    first = SYMBOLS // 4
    decode = jax.jit(jax.vmap(functools.partial(_decode_two_blocks, tables, first)))
    encode = jax.jit(functools.partial(_encode_two_blocks, tables, first))
    sound = []
    for i, (symbols, indices) in enumerate(samples(rng)):
        words, length = encode(symbols, indices, 1 << i % 4)
        sound.append(
            (symbols, indices, 1 << i % 4, np.asarray(words)[: int(length)].astype("<u2").tobytes())
        )
    for start in range(0, count, _BATCH):
        batch = [sound[i % len(sound)] for i in range(start, min(start + _BATCH, count))]
        words = np.zeros((len(batch), _WORDS), np.uint16)
        lengths = np.zeros(len(batch), np.int32)
        for row, (*_, data) in enumerate(batch):
            damaged = np.frombuffer(mutate(data, rng)[: 2 * _WORDS], np.uint8)
            lengths[row] = len(damaged) // 2
            words[row, : lengths[row]] = damaged[: 2 * lengths[row]].view("<u2")
        symbols, indices, counts = (np.stack([sample[k] for sample in batch]) for k in range(3))
        decoded, finished = (
            np.asarray(part) for part in decode(words, lengths, counts, indices.astype(np.int32))
        )
        same = (decoded == symbols).all(axis=1)
        for row in range(len(batch)):
            yield (
                describe(decoded[row], symbols[row])
                if finished[row]
                else f"refused, same={bool(same[row])}"
            )


def _encode_two_blocks(tables, first, symbols, indices, count):
    blocks = [
        lanes.Block(symbols[part], indices[part], len(symbols[part])) for part in _parts(first)
    ]
    return lanes.encode(tables, blocks, 8, count)


def _decode_two_blocks(tables, first, words, length, count, indices):
    state = lanes.start(words, length, 8, count)
    decoded = []
    for part in _parts(first):
        values, state = lanes.decode_block(tables, state, indices[part], len(indices[part]))
        decoded.append(values)
    return jax.numpy.concatenate(decoded), lanes.finish(state)


def _parts(first: int) -> tuple[slice, slice]:
    return slice(0, first), slice(first, SYMBOLS)


def describe(decoded: np.ndarray, symbols: np.ndarray) -> str:
    """Whether the symbols came out as they were; a wrong shape is an error of the decoder."""
    if decoded.shape != symbols.shape or decoded.dtype != np.int32:
        return f"WRONG: {decoded.dtype} {decoded.shape}"
    return "the symbols" if np.array_equal(decoded, symbols) else "other symbols"


def outcome(decode: Callable[[bytes], str], data: bytes) -> str:
    """What a decoder makes of the bytes."""
    try:
        return decode(data)
    except BitstreamError as error:
        return f"raised {type(error).__name__}"
    except Exception as error:  # the point of this script: nothing but BitstreamError may come out
        return f"WRONG: {type(error).__name__}: {error}"


def main() -> int:
    """Prints a table of outcomes; the exit status is 1 where any was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    targets = {"container": fuzz_container, "lanes, jit": fuzz_lanes_in_jit}
    gaussian, static = gaussian_tables(SCALES), laplace_table(math.sqrt(0.5))
    targets |= {name: functools.partial(fuzz_coder, name, gaussian) for name in coders.installed()}
    targets["host, one table"] = functools.partial(fuzz_coder, "host", static)
    counts = {name: int(SHARES[name] * options.inputs) for name in targets}
    counts["container"] += options.inputs - sum(counts.values())
    failed = False
    for name, fuzz in targets.items():
        begin, memory = time.perf_counter(), None
        outcomes = collections.Counter()
        for i, result in enumerate(fuzz(counts[name], np.random.default_rng(options.seed))):
            outcomes[result] += 1
            if i % _BATCH == 0:
                faulthandler.dump_traceback_later(LIMIT_SECONDS, exit=True)
            if i == min(1000, counts[name] // 2):
                memory = peak_bytes()
        growth = peak_bytes() - memory
        failed |= growth > LIMIT_BYTES or any("WRONG" in result for result in outcomes)
        seconds = time.perf_counter() - begin
        print(
            f"{name}: {counts[name]:,} inputs in {seconds:.0f} s, {growth >> 20} MiB more memory",
            flush=True,
        )
        for result, count in sorted(outcomes.items()):
            print(f"{count:>10,}  {result}", flush=True)
    faulthandler.cancel_dump_traceback_later()
    return int(failed)


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


if __name__ == "__main__":
    sys.exit(main())
