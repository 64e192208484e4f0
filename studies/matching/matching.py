"""How near below the rate that was asked for files come, and what that costs.

    python studies/matching/matching.py --images NAME=DIR ... [--codec NAME|FILE] [--bpp
    .1,.25,.5,1]
        [--coder host|lanes|tfc] [--time NAME] [--runs 5]

For each set and rate: files, those above the rate, the largest and the mean distance below it, and
the steps taken; a picture that cannot have the rate is counted as out of reach. With --time,
pictures of that set are encoded to each rate and, in turn, at the quality that this chose: the
median over pictures of the ratio of the best of --runs times, of the wall clock and of the
processor.
"""

import argparse
import pathlib
import sys
import time

import numpy as np

import jaxcodec
from jaxcodec import image
from jaxcodec.errors import RateError
from jaxcodec.image import Picture
from jaxcodec.runtime import compile_cache
from jaxcodec.targets.encode import encode_picture


def main() -> int:
    """Prints the tables; the exit status is 1 where a file is above its rate, or more than .5 %
    below.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", nargs="+", required=True, metavar="NAME=DIR")
    parser.add_argument("--codec", default="default")
    parser.add_argument(
        "--bpp", default=".1,.25,.5,1", type=lambda text: [float(rate) for rate in text.split(",")]
    )
    parser.add_argument("--coder", help="the entropy coder; the codec's own choice without it")
    parser.add_argument("--time", metavar="NAME")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    compile_cache.enable()
    codec = jaxcodec.load(options.codec)
    sets = {}
    for entry in options.images:
        name, folder = entry.split("=", 1)
        sets[name] = [image.read(path) for path in image.list_images(pathlib.Path(folder))]
    print(
        "| set | bpp | files | above | most below, % | mean below, % | step, least to most | out "
        "of reach |"
    )
    print("|---|---|---|---|---|---|---|---|")
    missed = False
    for name, pictures in sets.items():
        for rate in options.bpp:
            missed |= _row(codec, name, pictures, rate, options.coder)
    if options.time:
        print(
            "\n| set | bpp | time of matching over plain encoding, median | processor time "
            "|\n|---|---|---|---|"
        )
        for rate in options.bpp:
            _time(codec, options.time, sets[options.time], rate, options.runs, options.coder)
    return int(missed)


def _row(codec, name: str, pictures: list[Picture], rate: float, coder: str | None) -> bool:
    below, steps, unreached = [], [], 0
    for picture in pictures:
        try:
            encoded = encode_picture(codec, picture, bpp=rate, coder=coder)
        except RateError:
            unreached += 1
            continue
        below.append(100 * (1 - encoded.bpp / rate))
        steps.append(encoded.step)
    below = np.array(below)
    print(
        f"| {name} | {rate} | {len(below)} | {(below < 0).sum()} | {below.max():.3f} | "
        f"{below.mean():.3f} "
        f"| {min(steps):.2f} to {max(steps):.2f} | {unreached} |",
        flush=True,
    )
    return bool(below.min() < 0 or below.max() > 0.5)


def _time(codec, name: str, pictures: list[Picture], rate: float, runs: int, coder) -> None:
    ratios = []
    for picture in pictures:
        best = np.full((2, 2), np.inf)
        quality = encode_picture(codec, picture, bpp=rate, coder=coder).quality
        for _ in range(runs):
            for kind, target in enumerate(({"bpp": rate}, {"quality": quality})):
                wall, processor = time.perf_counter(), time.process_time()
                encode_picture(codec, picture, coder=coder, **target)
                taken = time.perf_counter() - wall, time.process_time() - processor
                best[kind] = np.minimum(best[kind], taken)
        ratios.append(best[0] / best[1])
    wall, processor = np.median(ratios, axis=0)
    print(f"| {name} | {rate} | {wall:.2f} | {processor:.2f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
