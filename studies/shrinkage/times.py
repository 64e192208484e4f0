"""What the activations of the twins take: alone, in their networks, and in whole codecs.

    python studies/shrinkage/times.py --out DIR [--filters 64]
    python studies/shrinkage/times.py --out DIR --picture FILE

DIR holds the runs of `shrinkage.py`, of which those of the first seed are timed; without codecs
there, networks alone are. Arms take turns; the least seconds of each count.
"""

import argparse
import math
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
from runs import ARMS, SEEDS, folder

import jaxcodec
from jaxcodec import image, models
from jaxcodec.codec import pictures, symbols
from jaxcodec.models.presets import shrinkage_model
from jaxcodec.transforms.layers import activation

SIDES = {0.4: (512, 768), 3.0: (1536, 2048), 24.0: (4096, 6144)}
"""Height and width by megapixels."""


def network_times(features: int = 64, repeats: int = 5) -> str:
    """Markdown: the least seconds of one activation and of whole networks, arms in turn."""
    arms = ARMS[:3]
    lines = [f"| {features} filters, megapixels | part | {' | '.join(arms)} |", "|---" * 5 + "|"]
    for megapixels, size in SIDES.items():
        shown = jnp.ones((1, size[0] // 2, size[1] // 2, features))
        runs = {arm: timed_parts(arm, shown, size) for arm in arms}
        best = {(part, arm): math.inf for arm in arms for part in runs[arm]}
        for _ in range(repeats + 1):
            for arm, parts in runs.items():
                for part, (function, *given) in parts.items():
                    start = time.perf_counter()
                    jax.block_until_ready(function(*given))
                    best[part, arm] = min(best[part, arm], time.perf_counter() - start)
        for part in runs[arms[0]]:
            cells = " | ".join(f"{1e3 * best[part, arm]:.1f} ms" for arm in arms)
            lines.append(f"| {megapixels:g} | {part} | {cells} |")
    return "\n".join(lines)


def timed_parts(arm: str, x: jax.Array, size: tuple[int, int]) -> dict[str, tuple]:
    """Jitted parts of a model, each with its arguments; x: what the activation sees."""
    features = x.shape[-1]
    key, quality = jax.random.key(0), jnp.zeros(1)
    model = models.build(shrinkage_model(features, 32, activation=arm))
    params = model.init(key, jnp.zeros((1, 64, 64, 3)), quality, key)
    layer = activation(arm)
    own = layer.init(key, x[:, :2, :2]) if hasattr(layer, "init") else None

    def method(name: str):
        return jax.jit(lambda params, given: model.apply(params, given, quality, method=name))

    return {
        "activation": (jax.jit(lambda own, x: layer.apply(own, x) if own else layer(x)), own, x),
        "analysis": (method("to_latent"), params, jnp.full((1, *size, 3), 0.5)),
        "synthesis": (
            method("synthesise"), params, jnp.zeros((1, size[0] // 16, size[1] // 16, 32)),
        ),
    }  # fmt: skip


def whole_times(options: argparse.Namespace, repeats: int = 3) -> str:
    """Markdown: the least seconds to encode and to decode, with the codecs of the first seed."""
    paths = {arm: folder(arm, SEEDS[0], options) / "exported.codec" for arm in ARMS}
    codecs = {arm: jaxcodec.load(path) for arm, path in paths.items() if path.exists()}
    lines = [f"| megapixels | part | {' | '.join(codecs)} |", "|---" * (2 + len(codecs)) + "|"]
    for megapixels, size in SIDES.items():
        pixels = np.random.default_rng(0).normal(128, 20, (*size, 3)).clip(0, 255).astype(np.uint8)
        best = {}
        for _ in range(repeats + 1):  # the first compiles
            for arm, codec in codecs.items():
                begin = time.perf_counter()
                data = jaxcodec.encode(codec, pixels, effort=0)
                middle = time.perf_counter()
                jaxcodec.decode(codec, data)
                spent = {"encode": middle - begin, "decode": time.perf_counter() - middle}
                for part, seconds in spent.items():
                    best[part, arm] = min(best.get((part, arm), math.inf), seconds)
        for part in ("encode", "decode"):
            cells = " | ".join(f"{best[part, arm]:.3f} s" for arm in codecs)
            lines.append(f"| {megapixels:g} | {part} | {cells} |")
    return "\n".join(lines)


def picture_times(options: argparse.Namespace, repeats: int = 5) -> str:
    """Markdown: the least milliseconds of a picture by part, codecs of the first seed in turn.

    The rest of a decoding is what is neither hyper-synthesis nor synthesis.
    """
    paths = {arm: folder(arm, SEEDS[0], options) / "exported.codec" for arm in ARMS}
    codecs = {arm: jaxcodec.load(path) for arm, path in paths.items() if path.exists()}
    pixels, best = image.read(options.picture).pixels, {}
    quality = np.zeros(1, np.int32)
    for _ in range(repeats + 1):  # the first compiles
        for arm, codec in codecs.items():
            data = jaxcodec.encode(codec, pixels, effort=0, coder="host")
            source = pictures.prepare(codec, jaxcodec.Picture(pixels), "host")
            analysis = pictures.analyse(codec, source, None)
            found = symbols.rounded(codec, analysis)
            parts = {
                "encode": lambda codec=codec: jaxcodec.encode(codec, pixels, effort=0),
                "decode": lambda codec=codec, data=data: jaxcodec.decode(codec, data),
                "hyper-synthesis": lambda codec=codec, found=found: symbols.centre_of(
                    codec, found.hyper, quality
                ),
                "both syntheses": lambda codec=codec, found=found: symbols.synthesise(
                    codec, found, quality
                ),
            }
            for part, function in parts.items():
                start = time.perf_counter()
                jax.block_until_ready(function())
                spent = 1e3 * (time.perf_counter() - start)
                best[part, arm] = min(best.get((part, arm), math.inf), spent)
    for arm in codecs:
        best["rest of decode", arm] = best["decode", arm] - best["both syntheses", arm]
    lines = [f"| {options.picture.name} | {' | '.join(codecs)} |", "|---" * (1 + len(codecs)) + "|"]
    for part in dict.fromkeys(part for part, _ in best):
        cells = " | ".join(f"{best[part, arm]:.1f} ms" for arm in codecs)
        lines.append(f"| {part} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Parses the command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--filters", type=int, default=64, help="of the networks (default 64)")
    parser.add_argument(
        "--picture", type=pathlib.Path, metavar="FILE", help="time this one by part instead"
    )
    options = parser.parse_args()
    if options.picture:
        print(picture_times(options))
    else:
        print(network_times(options.filters), whole_times(options), sep="\n\n")


if __name__ == "__main__":
    main()
