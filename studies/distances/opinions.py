"""Observation 5 of Hepburn et al. 2022: do a codec's distances follow what people say?

    python studies/distances/opinions.py --out DIR --mucped23 DIR --originals DIR [--lpips DIR]
        [--codec NAME|FILE ...] [--qualities 10,50,90] [--take N]

Fifteen JPEG encodings of the 49 validation pictures of CID22 and their Elo scores (MUCPED23):
Spearman's rank correlation of each distance with the scores, an interval by a bootstrap over the
encodings, and how many of the pairs whose 99 % intervals do not overlap it orders wrongly. All are
near 1: fifteen encodings cannot rank good distances. --take N takes N pictures at even distances.
What is measured stays in DIR/measured.json; the table is DIR/opinions.md.
"""

import argparse
import functools
import json
import os
import pathlib
from collections.abc import Callable, Iterator

import jax
import numpy as np
import runs

import jaxcodec
from jaxcodec import distortions
from jaxcodec.analysis.distances import distances
from jaxcodec.distortions import Distortion, DistortionError, lpips
from jaxcodec.distortions.luma import of_luma
from jaxcodec.evaluation import opinion
from jaxcodec.runtime import compile_cache

Compare = Callable[[np.ndarray, np.ndarray], float]


def compared(options: argparse.Namespace) -> Iterator[tuple[str, bool, Compare]]:
    """Every distance: its name, whether higher is better, and the function."""
    found = [each.ready() for each in distortions.listed() if _had(each)]
    for each in [*found, *(of_luma(one) for one in found if one.name in ("mse", "nlpd_2017"))]:
        yield (
            each.metric.label,
            each.metric.higher_is_better,
            lambda a, b, each=each: float(each.value(a, b)),
        )
    of_pair = jax.jit(lambda of, name, a, b: getattr(of, name)(a, b)[0], static_argnums=1)
    for name in options.codec:
        codec = jaxcodec.load(name)
        for quality in options.qualities if codec.variable else (None,):
            of = distances(codec, quality, whole_pixels=True)
            at = "" if quality is None else f" at {quality:g}"
            for method, symbol in (("reconstruction", "D_r"), ("inner", "D_in")):
                yield (
                    f"{symbol} of {codec.name} ({codec.id[:8]}){at}",
                    False,
                    lambda a, b, of=of, method=method: float(of_pair(of, method, a[None], b[None])),
                )


def _had(distortion: Distortion) -> bool:
    try:
        distortion.ready()
    except DistortionError:
        return False
    return True


def measured(options: argparse.Namespace, rated: list[opinion.Rated]) -> dict[str, list[float]]:
    """Values of all distances by name; those that the file has are not measured again."""
    path = options.out / "measured.json"
    done = json.loads(path.read_text()) if path.exists() else {}
    key = f"{options.take or len(rated[0].pairs)} pictures"
    values = done.setdefault(key, {})
    directions = done.setdefault("higher_is_better", {})
    values.setdefault(
        "bits per pixel", [np.mean([pair.bpp() for pair in each.pairs]) for each in rated]
    )
    directions["bits per pixel"] = True
    for name, higher, compare in compared(options):
        directions[name] = higher
        if name not in values:
            print(name, flush=True)
            values[name] = opinion.measured(rated, compare).tolist()
            runs.keep(path, done)
    runs.keep(path, done)
    return {name: [directions[name], *values[name]] for name in values}


def main() -> None:
    """Measures what is missing, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--mucped23", type=pathlib.Path, required=True)
    parser.add_argument("--originals", type=pathlib.Path, required=True)
    parser.add_argument("--lpips")
    parser.add_argument("--codec", nargs="*", default=["default"])
    parser.add_argument(
        "--qualities",
        type=lambda text: [float(part) for part in text.split(",")],
        default=[10.0, 50.0, 90.0],
    )
    parser.add_argument("--take", type=int)
    options = parser.parse_args()
    if options.lpips:
        os.environ[lpips.FOLDER] = options.lpips
    options.out.mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    rated = opinion.mucped23(options.mucped23, options.originals)
    if options.take:
        rated = [each._replace(pairs=_taken(each.pairs, options.take)) for each in rated]
    # Pictures are read once, and encodings of turbo made once.
    rated = [
        each._replace(
            pairs=tuple(
                pair._replace(
                    original=functools.cache(pair.original),
                    distorted=functools.cache(pair.distorted),
                )
                for pair in each.pairs
            )
        )
        for each in rated
    ]
    lines = ["| distance | Spearman with Elo, 95 % | wrong of the pairs told |", "|---|---|---|"]
    found = []
    for name, (higher, *values) in measured(options, rated).items():
        own = opinion.agreement(rated, np.array(values), higher_is_better=bool(higher))
        found.append((own, name))
    for own, name in sorted(found, key=lambda each: -each[0].correlation.rho):
        lines.append(f"| {name} | {own.correlation} | {own.wrong} of {own.told} |")
    text = "\n".join(lines)
    (options.out / "opinions.md").write_text(text + "\n")
    print(text)


def _taken(pairs: tuple[opinion.Pair, ...], count: int) -> tuple[opinion.Pair, ...]:
    return tuple(pairs[place * len(pairs) // count] for place in range(count))


if __name__ == "__main__":
    main()
