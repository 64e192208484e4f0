"""Shrinkage against GDN (Kirmemis 2023, chapter 3): trains the twins, and measures them.

    python studies/shrinkage/shrinkage.py --out DIR --data DIR[,DIR...] --tests NAME=DIR ...
    python studies/shrinkage/shrinkage.py --out DIR --data DIR[,DIR...] --surrogates
    taskset -c 0 python studies/shrinkage/shrinkage.py ... --arms shrinkage gdn --seeds 1
    python studies/shrinkage/shrinkage.py --out DIR --noise | --table | --plot FILE

Each model is a run of `train.py` with `configs/shrinkage_small.py` in a folder of its own under
--out; it is exported, and every picture of the test folders goes through real files at five
quantiser steps. --surrogates trains shorter runs with each surrogate of theta's gradient, and
compares them on held-out crops. --arms and --seeds choose some of the runs, so that several
processes, each on a core of its own, can share them: on two cores they make a third more steps
together than runs one after the other. What is done is kept: the same command goes on where it was
stopped. Models with one seed see the same crops and noise, and are compared in pairs. "mean_scale"
has the transforms of the GDN twin under Gaussians whose scales follow from the hyper-latent: what
adaptive tables are worth. The bundled codec stands beside them, at five qualities.
"""

import argparse
import json
import math
import pathlib

import numpy as np
from runs import (
    ARMS,
    BUNDLED,
    CONTROLS,
    NOISE,
    QUALITIES,
    REACH,
    SEEDS,
    STEPS,
    folder,
    measure,
    measure_bundled,
    probe,
    run,
    train,
)

from jaxcodec.distortions.distortion import similarity_db
from jaxcodec.evaluation.paired import bd_rates, t_interval
from jaxcodec.transforms.shrinkage import SURROGATES

SURROGATE_SETTINGS = (
    "--config.steps=2000",
    "--config.average_decay=0.99",
    "--config.optimiser.learning_rate=1e-3",
)
"""Of short runs: an average over a thousand steps would hold what is long gone, and a rate that
soon falls may begin higher."""


# ---------------------------------------------------------------- surrogates of theta's gradient


def surrogates(options: argparse.Namespace) -> str:
    """Markdown: the loss on held-out crops with each surrogate, trained where it is not.

    The loss of each is compared with that of the first in pairs of one seed.
    """
    found: dict[str, list[dict]] = {}
    for seed in options.seeds:
        for surrogate in SURROGATES:
            workdir = options.out / f"surrogate_{surrogate}_seed{seed}"
            if options.data and not (workdir / "done").exists():
                run(f"shrinkage,{surrogate}", workdir, seed, options, *SURROGATE_SETTINGS)
                (workdir / "done").touch()
            if (workdir / "done").exists():
                rows = map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines())
                last = [row for row in rows if row["part"].startswith("validation")][-1]
                found.setdefault(surrogate, []).append(last)
    lines = ["| surrogate | loss | bpp | PSNR | loss over that of the first, % |", "|---" * 5 + "|"]
    for surrogate, rows in found.items():
        means = [np.mean([row[key] for row in rows]) for key in ("loss", "bpp", "psnr_db")]
        over = [
            100 * (row["loss"] / first["loss"] - 1)
            for row, first in zip(rows, found[SURROGATES[0]], strict=False)
        ]
        cells = " | ".join(f"{mean:.4f}" for mean in means)
        lines.append(f"| {surrogate} | {cells} | {t_interval(over)} |")
    return "\n".join(lines)


# ---------------------------------------------------------------- what symbols are like


def fit(content: dict) -> dict[str, float]:
    """How the symbols of a set lie beside the static table.

    kl_nats, kl_bits: of the histogram from the table, pooled over the set; zeros: part of the
    symbols; bits: per symbol, by the table and in the files.
    """
    from scipy.special import xlogy

    counts = np.array(content["counts"], np.float64)
    share = counts / counts.sum()
    size = np.abs(np.arange(-REACH, REACH + 1))
    scale = math.sqrt(0.5)
    tail = np.exp(-(size - 0.5) / scale) * -np.expm1(-1 / scale) / 2
    mass = np.where(size == 0, -np.expm1(-0.5 / scale), tail)
    kl = float(np.sum(xlogy(share, share) - xlogy(share, mass)))
    return {
        "kl_nats": kl,
        "kl_bits": kl / math.log(2),
        "zeros": float(share[REACH]),
        "bits_by_table": float(-np.sum(share * np.log2(mass))),
        "bits_in_files": content["latent_bits"] / counts.sum(),
    }


def results(options: argparse.Namespace) -> dict[tuple[str, str], dict[int, dict]]:
    """Contents of the files of results by arm and test set, and seed.

    The bundled codec stands beside each seed.
    """
    found: dict[tuple[str, str], dict[int, dict]] = {}
    for arm in (*ARMS, *CONTROLS, BUNDLED):
        for seed in SEEDS:
            own = options.out / BUNDLED if arm == BUNDLED else folder(arm, seed, options)
            for path in sorted(own.glob("*.json")):
                if path.stem not in ("config", "noise"):
                    found.setdefault((arm, path.stem), {})[seed] = json.loads(path.read_text())
    return found


def bd(own: dict, other: dict, column: int) -> float:
    """Mean BD-rate (%) of one model over the other, by PSNR (1), SSIM (2) or MS-SSIM (3)."""
    curves = []
    for content in (own, other):
        points = {name: np.array(rows)[:, [0, column]] for name, rows in content["rows"].items()}
        for each in points.values() if column > 1 else ():
            each[:, 1] = similarity_db(each[:, 1])
        curves.append(points)
    return float(np.mean(list(bd_rates(*curves).values())))


def gains(found: dict[tuple[str, str], dict[int, dict]]) -> str:
    """Markdown: BD-rates of arms over others, with an interval over seeds."""
    lines = ["| arm | over | set | PSNR | SSIM | MS-SSIM |", "|---" * 6 + "|"]
    over = dict.fromkeys((*ARMS, *CONTROLS, BUNDLED), ("gdn",)) | {
        "shrinkage": ("gdn", "leaky_relu")
    }
    for (arm, name), seeds in found.items():
        for other in over[arm]:
            twin = found.get((other, name), {})
            pairs = [(seeds[seed], twin[seed]) for seed in seeds if seed in twin]
            if arm != other and pairs:
                values = [[bd(*pair, column) for pair in pairs] for column in (1, 2, 3)]
                cells = " | ".join(f"{t_interval(each):.2f}" for each in values)
                lines.append(f"| {arm} | {other} | {name} | {cells} |")
    return "\n".join(lines)


def curves(found: dict[tuple[str, str], dict[int, dict]]) -> str:
    """Markdown: the mean curve of each arm, and how rates spread over pictures."""
    lines = ["| arm | set | step | bpp, its spread | PSNR | SSIM | MS-SSIM |", "|---" * 7 + "|"]
    for (arm, name), seeds in found.items():
        contents = list(seeds.values())
        rows = np.array([list(content["rows"].values()) for content in contents])
        steps = [f"quality {each:g}" for each in QUALITIES] if arm == BUNDLED else STEPS
        for place, step in enumerate(steps):
            bpp, *values = rows[:, :, place].mean(axis=(0, 1))
            spread = rows[:, :, place, 0].std(axis=1).mean()
            cells = " | ".join(f"{value:.4f}" for value in values)
            at = step if isinstance(step, str) else f"{step:.3g}"
            lines.append(f"| {arm} | {name} | {at} | {bpp:.4f}, {spread:.4f} | {cells} |")
    return "\n".join(lines)


def fits(found: dict[tuple[str, str], dict[int, dict]]) -> str:
    """Markdown: symbols beside the table; and KL of each seed, less that of the GDN twin."""
    keys = ("kl_nats", "kl_bits", "zeros", "bits_by_table", "bits_in_files")
    lines = [
        f"| arm | set | {' | '.join(keys)} | kl_nats less gdn's, by seed |",
        "|---" * (3 + len(keys)) + "|",
    ]
    for (arm, name), seeds in found.items():
        if arm not in ("mean_scale", BUNDLED):
            own = {seed: fit(content) for seed, content in seeds.items()}
            cells = [f"{t_interval([each[key] for each in own.values()]):.4f}" for key in keys]
            twin = found.get(("gdn", name), {})
            less = [
                own[seed]["kl_nats"] - fit(twin[seed])["kl_nats"] for seed in own if seed in twin
            ]
            cells.append(" ".join(f"{each:+.4f}" for each in less))
            lines.append(f"| {arm} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def noise_table(options: argparse.Namespace) -> str:
    """Markdown: means over seeds and trials, and the deviation over trials."""
    lines = ["| arm | noise | PSNR | bpp | KL, nats |", "|---|---|---|---|---|"]
    for arm in (*ARMS, *CONTROLS):
        paths = [folder(arm, seed, options) / "noise.json" for seed in SEEDS]
        contents = [json.loads(path.read_text()) for path in paths if path.exists()]
        for kind in NOISE if contents else ():
            rows = np.array([content[kind] for content in contents])
            cells = [
                f"{mean:.3f} (sd {spread:.3f})"
                for mean, spread in zip(rows.mean((0, 1)), rows.std(1).mean(0), strict=True)
            ]
            lines.append(f"| {arm} | {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(options: argparse.Namespace) -> None:
    """Histograms of symbols at the unit step beside the table, as figure 3.10 of the thesis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    symbols, scale = np.arange(-8, 9), math.sqrt(0.5)
    for (arm, name), seeds in results(options).items():
        if SEEDS[0] in seeds and name == "kodak" and arm in ARMS[:3]:
            counts = np.array(seeds[SEEDS[0]]["counts"], float)
            share = counts[REACH - 8 : REACH + 9] / counts.sum()
            axis.plot(symbols, share, marker="o", label=arm)
    tail = np.exp(-(np.abs(symbols) - 0.5) / scale) * -np.expm1(-1 / scale) / 2
    mass = np.where(symbols == 0, -np.expm1(-0.5 / scale), tail)
    axis.plot(symbols, mass, "k--", label="table")
    axis.set(yscale="log", xlabel="symbol", ylabel="part of all")
    axis.legend()
    figure.savefig(options.plot)


def main() -> None:
    """Parses the command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--data", help="folders of training images, separated by commas")
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=(*ARMS, *CONTROLS, BUNDLED),
        default=(*ARMS, BUNDLED),
        help="train these, and measure them",
    )
    parser.add_argument(
        "--seeds", nargs="+", type=int, choices=SEEDS, default=SEEDS, help="train these"
    )
    parser.add_argument("--tests", nargs="+", default=[], metavar="NAME=DIR", help="test pictures")
    parser.add_argument(
        "--noise", action="store_true", help="noise through the codecs that there are"
    )
    parser.add_argument(
        "--surrogates", action="store_true", help="compare surrogates of theta's gradient"
    )
    parser.add_argument("--table", action="store_true", help="print the tables of what is there")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE", help="draw histograms")
    options, options.settings = parser.parse_known_args()
    if wrong := [setting for setting in options.settings if not setting.startswith("--config.")]:
        parser.error(f"{wrong[0]} is neither an option nor a setting of train.py")
    if options.noise:
        for path in sorted(options.out.glob("*/exported.codec")):
            probe(path)
    if options.table:
        found = results(options)
        print(gains(found), curves(found), fits(found), noise_table(options), sep="\n\n")
    if options.plot:
        plot(options)
    if options.surrogates:
        print(surrogates(options))
    elif options.data:
        for seed in options.seeds:
            for arm in options.arms:
                if arm != BUNDLED:
                    measure(train(arm, seed, options), options)
        if BUNDLED in options.arms:
            measure_bundled(options)


if __name__ == "__main__":
    main()
