"""The entropy-bounded network of Hepburn et al. 2022 on photographs and on noise (figures 5, 17 to
19).

    python studies/distances/bounded.py --out DIR --data DIR[,DIR...] --test DIR [--seeds 3]
        [--levels 2,4,16] [--lpips DIR]

Networks of `configs/bounded_small.py`, trained on photographs or on uniform noise by the squared
error or by NLPD (2017); several seeds of those of 2 levels, one of the others. Test pictures go
through real files: DIR/bounded.md has means over pictures, and the difference of the two losses in
pairs of one seed. DIR/bounded.png shows one picture. The same command goes on.
"""

import argparse
import json
import os
import pathlib

import numpy as np
import runs

import jaxcodec
from jaxcodec.configs import bounded_small
from jaxcodec.distortions import lpips
from jaxcodec.evaluation.paired import t_interval
from jaxcodec.runtime import compile_cache

LOSSES = ("mse", "nlpd_2017")
KINDS = ("images", "uniform")
DISTANCES = ("mse", "ms_ssim", "nlpd_2017")


def arms(levels: list[int], seeds: int):
    """Levels, kind of crops, loss and seed of every run; pairs stand together."""
    for count in levels:
        for seed in range(1, (seeds if count == min(levels) else 1) + 1):
            for kind in KINDS:
                for loss in LOSSES:
                    yield count, kind, loss, seed


def settings(count: int, kind: str, loss: str, seed: int, options: argparse.Namespace):
    """The config of a run."""
    config = bounded_small.get_config(f"{count},{loss},{kind}")
    config.seed, config.steps = seed, options.steps
    config.data.folders = "" if kind == "uniform" else options.data
    return config


def measured(codec, path: pathlib.Path, photos, distances) -> list:
    """A row of bpp and distances for each picture, kept in a file."""
    if not path.exists():
        rows = []
        for photo in photos:
            bpp, decoded = runs.coded(codec, photo.pixels)
            rows.append([bpp, *(runs.distance(name, photo.pixels, decoded) for name in distances)])
        path.write_text(json.dumps(rows))
    return json.loads(path.read_text())


def report(found: dict, distances: list[str]) -> str:
    """Markdown: means over pictures and seeds, and how many per cent NLPD's codec differs."""
    lines = [f"| levels | crops | loss | seeds | bpp | {' | '.join(distances)} |"]
    lines.append("|---" * (5 + len(distances)) + "|")
    pairs = [f"| levels | crops | {' | '.join(f'{name}, %' for name in distances)} | seeds won |"]
    pairs.append("|---" * (3 + len(distances)) + "|")
    for count, kind in dict.fromkeys(key[:2] for key in found):
        rows = {
            loss: np.array(
                [np.mean(found[key], 0) for key in found if key[:3] == (count, kind, loss)]
            )
            for loss in LOSSES
        }
        for loss, values in rows.items():
            cells = " | ".join(f"{value:.4g}" for value in values.mean(axis=0))
            lines.append(f"| {count} | {kind} | {loss} | {len(values)} | {cells} |")
        change = 100 * (rows[LOSSES[1]] / rows[LOSSES[0]] - 1)[:, 1:]
        won = " ".join(f"{int((column < 0).sum())}/{len(column)}" for column in change.T)
        cells = " | ".join(f"{t_interval(column):.1f}" for column in change.T)
        pairs.append(f"| {count} | {kind} | {cells} | {won} |")
    return "\n".join([*lines, "", "NLPD's codec over that of the squared error:", "", *pairs])


def draw(codecs: dict, photo, path: pathlib.Path) -> None:
    """A crop of a picture as the codecs of the first seed have it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = {key: codec for key, codec in codecs.items() if key[3] == 1}
    levels = sorted({key[0] for key in shown})
    figure, axes = plt.subplots(
        len(levels), 4, figsize=(14, 3.6 * len(levels)), layout="constrained", squeeze=False
    )
    for (count, kind, loss, _), codec in shown.items():
        column = 2 * KINDS.index(kind) + LOSSES.index(loss)
        axis = axes[levels.index(count), column]
        bpp, decoded = runs.coded(jaxcodec.load(codec), photo.pixels)
        axis.imshow(decoded[100:356, 200:584])
        axis.set(title=f"{count} levels, {kind}, {loss}: {bpp:.2f} bpp", xticks=[], yticks=[])
    figure.savefig(path, dpi=110)


def main() -> None:
    """Trains and measures what is missing."""
    parser = runs.parser(__doc__)
    parser.add_argument("--lpips")
    parser.add_argument(
        "--levels", type=lambda text: [*map(int, text.split(","))], default=[2, 4, 16]
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    distances = list(DISTANCES)
    if options.lpips:
        os.environ[lpips.FOLDER] = options.lpips
        distances.append("lpips_alex")
    photos, found, codecs = runs.photos(options.test), {}, {}
    for arm in arms(options.levels, options.seeds):
        workdir = options.out / "_".join(map(str, arm))
        codecs[arm] = runs.trained(settings(*arm, options), workdir)
        path = workdir / f"{len(distances)}_distances.json"
        found[arm] = measured(jaxcodec.load(codecs[arm]), path, photos, distances)
    text = report(found, distances)
    (options.out / "bounded.md").write_text(text + "\n")
    print(text)
    draw(codecs, photos[0], options.out / "bounded.png")


if __name__ == "__main__":
    main()
