"""Observation 6 of Hepburn et al. 2022 (figures 4 and 16): what a perceptual loss does, picture by
picture of some contrast.

    python studies/distances/losses.py --out DIR --data DIR[,DIR...] --test DIR --held-out DIR
        [--take 12]

A patch network with a factorized prior and five rates in one model, trained by the squared error;
from it three codecs, each 1,500 steps: squared error, 1 - MS-SSIM, NLPD (2017), with lambdas at
which the base would stay where it is. Pictures of lower and higher contrast, m + alpha (x - m) with
their mean m, go through real files. (D / R) of a perceptual codec over (D / R) of the other, with D
the squared error and with D the codec's own: DIR/losses.md and DIR/losses.png. The same command
goes on where it was stopped.
"""

import argparse
import json
import pathlib

import numpy as np
import runs

import jaxcodec
from jaxcodec.configs import patch
from jaxcodec.evaluation.paired import bd_rates, t_interval
from jaxcodec.models.presets import patch_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.runtime import compile_cache

FIRST, LAST = 0.0004, 0.06
QUALITIES = (0.0, 25.0, 50.0, 75.0, 100.0)
CONTRASTS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
LOSSES = ("mse", "ms_ssim", "nlpd_2017")


def settings(data: str, steps: int):
    """A config: the base's, and that of a codec from it."""
    config = patch.get_config()
    config.name = "losses"
    config.objective.update({"first": FIRST, "last": LAST})
    first, last = RateDistortion(FIRST, LAST).starting_gains()
    config.model = patch_model(
        192, width=64, blocks=2, hyper=0, points=8, first_gain=first, last_gain=last
    )
    config.data.folders = data
    config.data.min_scale = 0.5
    config.steps = steps
    return config


def matched(codec, photos, loss: str) -> tuple[float, float]:
    """First and last lambda of a loss that weigh it at each rate as the squared error is weighed.

    That is lambda dMSE = lambda' dD along the curve of the base; the logarithm of the ratio is
    fitted by a line over the quality.
    """
    points = {name: np.zeros(len(QUALITIES)) for name in ("mse", loss)}
    for photo in photos:
        for place, quality in enumerate(QUALITIES):
            _, decoded = runs.coded(codec, photo.pixels, quality)
            for name, values in points.items():
                values[place] += runs.distance(name, photo.pixels, decoded) / len(photos)
    slopes = np.diff(points["mse"]) / np.diff(points[loss])
    middles = (np.array(QUALITIES[1:]) + QUALITIES[:-1]) / 200
    line = np.polynomial.Polynomial.fit(middles, np.log(slopes), 1)
    return float(FIRST * np.exp(line(0.0))), float(LAST * np.exp(line(1.0)))


def of_contrast(pixels: np.ndarray, contrast: float) -> np.ndarray:
    """A picture of another contrast about its mean, uint8."""
    mean = pixels.mean(axis=(0, 1), keepdims=True)
    return np.clip(np.rint(mean + contrast * (pixels - mean)), 0, 255).astype(np.uint8)


def measured(codec, path: pathlib.Path, photos) -> dict:
    """Rates and distances: contrast -> [pictures, qualities, 1 + distances]; kept in a file."""
    done = json.loads(path.read_text()) if path.exists() else {}
    for contrast in CONTRASTS:
        if f"{contrast:g}" in done:
            continue
        rows = []
        for photo in photos:
            pixels = of_contrast(photo.pixels, contrast)
            points = []
            for quality in QUALITIES:
                bpp, decoded = runs.coded(codec, pixels, quality)
                points.append([bpp, *(runs.distance(name, pixels, decoded) for name in LOSSES)])
            rows.append(points)
        done[f"{contrast:g}"] = rows
        runs.keep(path, done)
    return done


def report(found: dict[str, dict]) -> str:
    """Markdown: rates and distances of each codec, and the ratios by contrast."""
    lines = [f"| codec | quality | bpp | {' | '.join(LOSSES)} |", "|---" * (3 + len(LOSSES)) + "|"]
    for name, done in found.items():
        for quality, row in zip(QUALITIES, np.mean(done["1"], axis=0), strict=True):
            cells = " | ".join(f"{value:.4g}" for value in row)
            lines.append(f"| {name} | {quality:g} | {cells} |")
    lines += [
        "",
        "Bits at equal PSNR over the squared error's, means over pictures:",
        "",
    ]
    for name in LOSSES[1:]:
        gains = bd_rates(*(psnr_points(found[each]["1"]) for each in (name, "mse")))
        lines.append(f"- {name}: {t_interval(list(gains.values())):.1f} %")
    lines += ["", f"| codec | D | quality | {' | '.join(f'{c:g}' for c in CONTRASTS)} |"]
    lines.append("|---" * (3 + len(CONTRASTS)) + "|")
    for name in LOSSES[1:]:
        for distance in ("mse", name):
            for place, quality in enumerate(QUALITIES):
                cells = []
                for contrast in CONTRASTS:
                    mean, half = ratio(found, name, distance, contrast, place)
                    cells.append(f"{mean:.2f} ± {half:.2f}")
                lines.append(f"| {name} | {distance} | {quality:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def psnr_points(rows: list) -> dict[str, list[tuple[float, float]]]:
    """(bpp, PSNR) of each picture, whose number is its name."""
    return {
        str(place): [(bpp, 10 * np.log10(255**2 / mse)) for bpp, mse, *_ in points]
        for place, points in enumerate(rows)
    }


def ratio(found, name: str, distance: str, contrast: float, place: int) -> tuple[float, float]:
    """(D / R) of a codec over that of the squared error: mean over pictures, 1.96 errors."""
    column = 1 + LOSSES.index(distance)
    own, other = (np.array(found[each][f"{contrast:g}"])[:, place] for each in (name, LOSSES[0]))
    ratios = own[:, column] / own[:, 0] / (other[:, column] / other[:, 0])
    return ratios.mean(), 1.96 * ratios.std(ddof=1) / np.sqrt(len(ratios))


def draw(found, path: pathlib.Path) -> None:
    """The ratios over contrast."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(16, 3.8), layout="constrained")
    panels = [(name, distance) for name in LOSSES[1:] for distance in ("mse", name)]
    for axis, (name, distance) in zip(axes, panels, strict=True):
        for place, quality in enumerate(QUALITIES):
            curve = [ratio(found, name, distance, contrast, place)[0] for contrast in CONTRASTS]
            axis.plot(CONTRASTS, curve, marker="o", markersize=3, label=f"quality {quality:g}")
        axis.axhline(1, color="grey", linewidth=0.5)
        axis.set(title=f"trained by {name}, D = {distance}", xlabel="contrast")
    axes[0].set(ylabel="(D / R) over that of mse")
    axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Trains and measures what is missing."""
    parser = runs.parser(__doc__)
    parser.add_argument("--take", type=int, help="so many of them")
    parser.add_argument("--held-out", required=True, help="folder that lambdas are matched on")
    parser.add_argument("--base-steps", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    base = runs.trained(settings(options.data, options.base_steps), options.out / "base")
    photos, found = runs.photos(options.test, options.take), {}
    for loss in LOSSES:
        config = settings(options.data, options.steps)
        config.name = f"losses_{loss}"
        config.start.workdir = str(base.parent)
        if loss != "mse":
            first, last = lambdas(base, loss, options)
            config.objective.update({"first": first, "last": last, "distortion": loss})
        codec = jaxcodec.load(runs.trained(config, options.out / loss))
        found[loss] = measured(codec, options.out / f"{loss}.json", photos)
    text = report(found)
    (options.out / "losses.md").write_text(text + "\n")
    print(text)
    draw(found, options.out / "losses.png")


def lambdas(base: pathlib.Path, loss: str, options: argparse.Namespace) -> tuple[float, float]:
    """Those of `matched`, kept in a file."""
    path = options.out / f"{loss}_lambdas.json"
    if not path.exists():
        photos = runs.photos(options.held_out, 8)
        runs.keep(path, matched(jaxcodec.load(base), photos, loss))
    first, last = json.loads(path.read_text())
    return first, last


if __name__ == "__main__":
    main()
