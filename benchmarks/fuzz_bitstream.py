"""Flips bits of a .jxc file, one at a time: each must raise a CodecError or leave the picture as it is.

    python benchmarks/fuzz_bitstream.py [--codec NAME|FILE] [--flips 10000] [--seed 0]

First any bit of the file is flipped, which the checksum of the file is to catch. Then bits of the coded sections are
flipped and that checksum is mended, so that only the entropy decoder and the checksum of the symbols stand in the way.
"""

import argparse
import collections
import sys
from collections.abc import Callable, Iterator

import numpy as np
import skimage.data

import jaxcodec
from jaxcodec.coding import container


def damaged_files(data: bytes, flips: int, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Where a flip fell, and the file with it."""
    for bit in rng.integers(0, 8 * len(data), flips):
        yield "file", flip(data, bit)


def mended_files(data: bytes, flips: int, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """The section where a flip fell, and the file with it and a checksum that fits."""
    header, sections = container.read(data)
    coded = [name for name in ("hyper", "latent") if name in sections]
    sizes = np.array([len(sections[name]) for name in coded])
    for name in rng.choice(coded, flips, p=sizes / sizes.sum()):
        section = flip(sections[name], rng.integers(0, 8 * len(sections[name])))
        yield name, container.write(header, sections | {name: section})


def flip(data: bytes, bit: int) -> bytes:
    """`data` with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def judge(decode: Callable[[bytes], np.ndarray], data: bytes, pixels: np.ndarray) -> str:
    """What decoding a damaged file came to."""
    try:
        decoded = decode(data)
    except jaxcodec.CodecError as error:
        return f"raised {type(error).__name__}"
    except Exception as error:  # the point of this script: nothing but CodecError may come out
        return f"WRONG: {type(error).__name__}: {error}"
    return "same picture" if np.array_equal(decoded, pixels) else "WRONG: another picture"


def main() -> int:
    """Prints a table of outcomes; the exit status is 1 where any was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", default="default")
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    codec, rng = jaxcodec.load(options.codec), np.random.default_rng(options.seed)
    picture = skimage.data.astronaut()[96:144, 200:264]
    data = jaxcodec.encode(codec, picture)
    pixels = jaxcodec.decode(codec, data)
    outcomes = collections.Counter()
    for files in (damaged_files, mended_files):
        for where, damaged in files(data, options.flips, rng):
            outcomes[files.__name__, where, judge(lambda data: jaxcodec.decode(codec, data), damaged, pixels)] += 1
    print(f"{len(data)} bytes, codec {codec.name} {codec.id}, {options.flips} flips of each kind")
    for (kind, where, outcome), count in sorted(outcomes.items()):
        print(f"{count:>8}  {kind:<14} {where:<7} {outcome}")
    return int(any("WRONG" in outcome for _, _, outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
