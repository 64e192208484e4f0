"""Feeds damaged .jxc files to the whole decoder: each must raise a CodecError or leave the picture
as it is.

    python tools/fuzz_bitstream.py [--codec NAME|FILE ...] [--inputs 100000] [--seed 0]

For each codec, and each coder that can code for it, three kinds of files in turn: any byte changed,
which the checksum of the file is to catch; changes in the coded parts with that checksum mended, so
that only the entropy decoder and the checksum of the symbols stand in the way; and forged headers
with a checksum that fits. The limit of pixels is low, so that what a header claims cannot take more
memory than `LIMIT_BYTES`, which is watched. Where `jaxcodec verify` can check a file, it must
refuse what the decoder refuses. An input that takes two minutes ends the run with a traceback.
"""

import argparse
import collections
import dataclasses
import faulthandler
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import skimage.data
from fuzz_coders import mutate

import jaxcodec
from jaxcodec.artefact import verify
from jaxcodec.coding import coders, container

LIMIT_SECONDS = 120
LIMIT_BYTES = 512 << 20
MAX_PIXELS = 1 << 14
_SIDES = (1, 63, 64, 65, 129, 4096, 65_535)  # few, for every size compiles a decoder
_LANES = (1, 2, 8, 1024, 2048, 32_768)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with some bytes changed."""
    return mutate(data, rng)


def mended(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with some bytes of a coded part changed, and a checksum that fits."""
    header, parts, sections = container.read(data)
    place = rng.integers(len(parts))
    changed = [mutate(part, rng) if i == place else part for i, part in enumerate(parts)]
    return container.write(header, changed, sections)


def forged(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with another field in its header, and a checksum that fits."""
    header, parts, sections = container.read(data)
    fields = {
        "width": int(rng.choice(_SIDES)),
        "height": int(rng.choice(_SIDES)),
        "channels": int(rng.choice([1, 3])),
        "quality": int(rng.integers(0, 10_001)) if rng.random() < 0.9 else None,
        "step": int(rng.integers(-5768, 5769)),
        "symbol_crc": int(rng.integers(0, 2**32)),
        "coder": str(rng.choice(container.CODERS)),
        "lanes": int(rng.choice(_LANES)),
    }
    name = str(rng.choice(sorted(fields)))
    return container.write(dataclasses.replace(header, **{name: fields[name]}), parts, sections)


def judge(decode: Callable[[bytes], np.ndarray], data: bytes, pixels: np.ndarray) -> str:
    """What decoding a damaged file came to."""
    try:
        decoded = decode(data)
    except jaxcodec.CodecError as error:
        return f"raised {type(error).__name__}"
    except Exception as error:  # the point of this script: nothing but CodecError may come out
        return f"WRONG: {type(error).__name__}: {error}"
    return "same picture" if np.array_equal(decoded, pixels) else "WRONG: another picture"


def verified(content, data: bytes, outcome: str) -> str:
    """The outcome of decoding, or what `verify` says in contradiction to it."""
    try:
        verify.verify(content, data, max_pixels=MAX_PIXELS)
    except jaxcodec.CodecError as error:
        agrees = outcome.startswith("raised")
        return outcome if agrees else f"WRONG: verify raised {type(error).__name__}"
    except Exception as error:  # as in `judge`
        return f"WRONG: verify: {type(error).__name__}: {error}"
    return "WRONG: verify did not refuse it" if outcome.startswith("raised") else outcome


def run(codec, coder: str, inputs: int, rng: np.random.Generator) -> collections.Counter:
    """How often each outcome came."""
    picture = skimage.data.astronaut()[96:144, 200:264]
    data = jaxcodec.encode(codec, picture, coder=coder)
    pixels = jaxcodec.decode(codec, data)
    outcomes, before, content = collections.Counter(), None, codec.host.content
    for number in range(inputs):
        make = (damaged, mended, forged)[number % 3]
        changed = make(data, rng)
        faulthandler.dump_traceback_later(LIMIT_SECONDS, exit=True)
        outcome = judge(
            lambda data: jaxcodec.decode(codec, data, max_pixels=MAX_PIXELS), changed, pixels
        )
        if coder == "host" and content.metadata()["model"]["entropy"] in verify.MOVED:
            outcome = verified(content, changed, outcome)
        if changed != data or outcome != "same picture":
            outcomes[make.__name__, outcome] += 1
        if number == min(300, inputs // 2):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    faulthandler.cancel_dump_traceback_later()
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    if taken > LIMIT_BYTES:
        outcomes["all", f"WRONG: {taken >> 20} MiB more memory than at first"] += 1
    return outcomes


def main() -> int:
    """Prints a table of outcomes; the exit status is 1 where any was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codec", nargs="+", default=["default"])
    parser.add_argument("--inputs", type=int, default=100_000, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    codecs, rng = (
        [jaxcodec.load(path) for path in options.codec],
        np.random.default_rng(options.seed),
    )
    pairs = [
        (codec, coder)
        for codec in codecs
        for coder in coders.installed()
        if coder == "lanes" or not codec.order.sequential
    ]
    wrong = False
    for codec, coder in pairs:
        start = time.perf_counter()
        outcomes = run(codec, coder, options.inputs // len(pairs), rng)
        seconds = time.perf_counter() - start
        print(
            f"codec {codec.name} {codec.id}, coder {coder}: {options.inputs // len(pairs)} inputs, "
            f"{seconds:.0f} s"
        )
        for (kind, outcome), count in sorted(outcomes.items()):
            wrong |= "WRONG" in outcome
            print(f"{count:>8}  {kind:<8} {outcome}", flush=True)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
