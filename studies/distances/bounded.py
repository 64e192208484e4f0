"""The entropy-bounded network of Hepburn et al. 2022 on photographs and on noise (figures 5, 17 to
19).

    python studies/distances/bounded.py --out DIR --data DIR[,DIR...] --test DIR [--seeds 3]
        [--levels 2,4,16] [--hard] [--lpips DIR]

Networks of `configs/bounded_small.py`, trained on photographs or on uniform noise by the squared
error or by NLPD (2017); several seeds of those of 2 levels, one of the others. Test pictures go
through real files: DIR/bounded.md has means over pictures, and the difference of the two losses in
pairs of one seed; where there is one, intervals are over pictures. DIR/bounded.png shows one
picture. Synthesis sees soft centres in training, as in the paper; with --hard it sees the nearest,
with the gradient of the soft ones, and files are called bounded_hard. NLPD is the mean over R, G
and B of each by itself. The same command goes on.
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
    config.model.hard = options.hard
    config.data.folders = "" if kind == "uniform" else options.data
    return config


def measured(codec, path: pathlib.Path, photos, distances) -> list:
    """A row of bpp and distances for each picture, kept in a file."""
    if not path.exists():
        rows = []
        for photo in photos:
            bpp, decoded = runs.coded(codec, photo.pixels)
            rows.append([bpp, *(runs.distance(name, photo.pixels, decoded) for name in distances)])
        runs.keep(path, rows)
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
        if len(change) == 1:
            own, other = (np.array(found[count, kind, loss, 1])[:, 1:] for loss in LOSSES[::-1])
            change = 100 * (own / other - 1)
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
        len(levels), 5, figsize=(17, 3.6 * len(levels)), layout="constrained", squeeze=False
    )
    for axis in axes[:, 0]:
        axis.imshow(photo.pixels[100:356, 200:584])
        axis.set(title="original", xticks=[], yticks=[])
    for (count, kind, loss, _), codec in shown.items():
        column = 1 + 2 * KINDS.index(kind) + LOSSES.index(loss)
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
    parser.add_argument("--hard", action="store_true", help="the nearest centre in training, too")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    distances = list(DISTANCES)
    if options.lpips:
        os.environ[lpips.FOLDER] = options.lpips
        distances.append("lpips_alex")
    photos, found, codecs = runs.photos(options.test), {}, {}
    for arm in arms(options.levels, options.seeds):
        workdir = options.out / "_".join([*map(str, arm), *["hard"] * options.hard])
        codecs[arm] = runs.trained(settings(*arm, options), workdir)
        path = workdir / f"{len(distances)}_distances.json"
        found[arm] = measured(jaxcodec.load(codecs[arm]), path, photos, distances)
    text = report(found, distances)
    name = "bounded_hard" if options.hard else "bounded"
    (options.out / f"{name}.md").write_text(text + "\n")
    print(text)
    draw(codecs, photos[0], options.out / f"{name}.png")


if __name__ == "__main__":
    main()
