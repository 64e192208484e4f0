"""Shrinkage against GDN (Kirmemis 2023, chapter 3): trains the twins, and measures them.

    python studies/shrinkage/shrinkage.py --out DIR --data DIR[,DIR...] --tests NAME=DIR ...
    python studies/shrinkage/shrinkage.py --out DIR --data DIR[,DIR...] --surrogates
    python studies/shrinkage/shrinkage.py --out DIR --noise | --time FILTERS | --table | --plot FILE

Each model is a run of `train.py` with `configs/shrinkage_small.py` in a folder of its own under
--out; it is exported, and every picture of the test folders goes through real files at five
quantiser steps. --surrogates trains shorter runs with each surrogate of theta's gradient, and
compares them on held-out crops. What is done is kept: the same command goes on where it was
stopped. Models with one seed see the same crops and noise, and are compared in pairs. "mean_scale"
has the transforms of the GDN twin under Gaussians whose scales follow from the hyper-latent: what
adaptive tables are worth.
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
from scipy import stats

from jaxcodec.transforms.shrinkage import SURROGATES

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "shrinkage_small.py"
ARMS = ("shrinkage", "gdn", "leaky_relu", "mean_scale")
SEEDS = (1, 2, 3)
STEPS = {2.0: 1442, 1.5: 843, 1.0: 0, 2 / 3: -843, 0.5: -1442}
"""Quantiser steps and their indices."""

NOISE = {"laplace": 12.0, "gauss": 25.5, "uniform": 0.0}
"""Scales of the noise, grey levels; chosen to be of the size that the thesis' PSNR imply."""

SURROGATE_STEPS = 2_000
TRIALS = 20
SIDES = {0.4: (512, 768), 3.0: (1536, 2048), 24.0: (4096, 6144)}


def folder(arm: str, seed: int, options: argparse.Namespace) -> pathlib.Path:
    """That of a run."""
    return options.out / f"{arm}_seed{seed}"


def train(arm: str, seed: int, options: argparse.Namespace) -> pathlib.Path:
    """The exported codec of a run, trained if it is not there."""
    workdir = folder(arm, seed, options)
    codec = workdir / "exported.codec"
    if codec.exists():
        return codec
    if arm == "mean_scale":
        run("gdn", workdir, seed, options, "--config.model.entropy=mean_scale")
    else:
        run(arm, workdir, seed, options)
    export = "import sys; from jaxcodec.cli import main; sys.exit(main(['export', *sys.argv[1:]]))"
    logged([sys.executable, "-c", export, str(workdir), str(codec)], workdir)
    return codec


def run(
    activation: str, workdir: pathlib.Path, seed: int, options: argparse.Namespace, *own: str
) -> None:
    """Trains with `train.py`, from where it was stopped."""
    print(workdir.name, flush=True)
    workdir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(ROOT / "train.py"), f"--config={CONFIG}:{activation}", *own]
    command += [f"--workdir={workdir}", f"--config.seed={seed}"]
    command += [f"--config.data.folders={options.data}", *options.settings]
    logged(command, workdir)


def logged(command: list[str], workdir: pathlib.Path) -> None:
    """Runs a command, whose words go to the folder's log."""
    with (workdir / "train.log").open("a") as log:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=True, stdout=log, stderr=log, env=environment)


def coded(codec, pixels: np.ndarray, step_index: int):
    """A picture's symbols at a step, and its file."""
    import jaxcodec
    from jaxcodec.codec import pictures
    from jaxcodec.codec.symbols import rounded
    from jaxcodec.codec.value import at_step

    source = pictures.prepare(codec, jaxcodec.Picture(pixels), "host")
    stepped = at_step(codec, step_index)
    analysis = pictures.analyse(stepped, source, None)
    symbols = rounded(stepped, analysis)
    return symbols, pictures.write(stepped, source, None, symbols, analysis.side).data


def measure(codec_path: pathlib.Path, options: argparse.Namespace) -> None:
    """Every test picture through real files, and how its symbols are spread at the unit step."""
    import jaxcodec
    from jaxcodec.coding import container
    from jaxcodec.evaluation import measure, metrics

    codec = jaxcodec.load(codec_path)
    measured = metrics.choose(["ssim", "ms_ssim"])
    for name, test in (each.split("=", 1) for each in options.tests):
        path = codec_path.with_name(f"{name}.json")
        if path.exists():
            continue
        rows, counts, spent = {}, np.zeros(2 * _REACH + 1, np.int64), 0
        for photo in measure.load_photos(test)[0]:
            for step_index in STEPS.values():
                symbols, data = coded(codec, photo.pixels, step_index)
                found = measure.similarity(
                    photo, jaxcodec.decode(codec, data), codec.name, measured
                )
                row = [measure.bits_per_pixel(data, photo)]
                row += [found[key] for key in ("psnr_db", "ssim", "ms_ssim")]
                rows.setdefault(photo.name, []).append(row)
                if step_index == 0:
                    latent = np.clip(np.asarray(symbols.latent).ravel(), -_REACH, _REACH)
                    counts += np.bincount(latent + _REACH, minlength=len(counts))
                    spent += 8 * container.read_header(data).part_bytes[-1]
        content = {"rows": rows, "counts": counts.tolist(), "latent_bits": spent}
        path.write_text(json.dumps(content))


_REACH = 64


# ---------------------------------------------------------------- surrogates of theta's gradient


def surrogates(options: argparse.Namespace) -> str:
    """Markdown: the loss on held-out crops with each surrogate, trained where it is not.

    The loss of each is compared with that of the first in pairs of one seed.
    """
    found: dict[str, list[dict]] = {}
    for seed in SEEDS:
        for surrogate in SURROGATES:
            workdir = options.out / f"surrogate_{surrogate}_seed{seed}"
            if options.data and not (workdir / "done").exists():
                steps = f"--config.steps={SURROGATE_STEPS}"
                run(f"shrinkage,{surrogate}", workdir, seed, options, steps)
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
        lines.append(f"| {surrogate} | {cells} | {interval(over)} |")
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
    size = np.abs(np.arange(-_REACH, _REACH + 1))
    scale = math.sqrt(0.5)
    tail = np.exp(-(size - 0.5) / scale) * -np.expm1(-1 / scale) / 2
    mass = np.where(size == 0, -np.expm1(-0.5 / scale), tail)
    kl = float(np.sum(xlogy(share, share) - xlogy(share, mass)))
    return {
        "kl_nats": kl,
        "kl_bits": kl / math.log(2),
        "zeros": float(share[_REACH]),
        "bits_by_table": float(-np.sum(share * np.log2(mass))),
        "bits_in_files": content["latent_bits"] / counts.sum(),
    }


def results(options: argparse.Namespace) -> Iterator[tuple[str, int, str, dict]]:
    """Arm, seed, test set and content of every file of results."""
    for arm in ARMS:
        for seed in SEEDS:
            for path in sorted(folder(arm, seed, options).glob("*.json")):
                if path.stem not in ("config", "noise"):
                    yield arm, seed, path.stem, json.loads(path.read_text())


def bd(own: dict, other: dict, column: int) -> np.ndarray:
    """BD-rate (%) of each picture of one model over the other, by PSNR (1), SSIM or MS-SSIM."""
    from jaxcodec.evaluation.bd import Curve, CurveError, bd_rate

    found = []
    for picture in sorted(own["rows"].keys() & other["rows"].keys()):
        curves = []
        for content in (own, other):
            table = np.array(content["rows"][picture])
            value = table[:, column]
            curves.append(Curve(table[:, 0], value if column == 1 else -np.log10(1 - value)))
        try:
            found.append(bd_rate(*curves))
        except CurveError:
            continue
    return np.array(found)


def interval(values: list[float]) -> str:
    """Mean and half the width of the 95 % t-interval."""
    if len(values) < 2:
        return f"{np.mean(values):+.3f}"
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    return f"{np.mean(values):+.3f} ± {half:.3f}"


def table(options: argparse.Namespace) -> str:
    """Markdown: BD-rates over the GDN twin, curves, and how symbols are spread."""
    found: dict[tuple[str, str], dict[int, dict]] = {}
    for arm, seed, name, content in results(options):
        found.setdefault((arm, name), {})[seed] = content
    lines = ["| arm over gdn | set | PSNR | SSIM | MS-SSIM |", "|---|---|---|---|---|"]
    for (arm, name), seeds in found.items():
        twin = found.get(("gdn", name), {})
        pairs = [(seeds[seed], twin[seed]) for seed in seeds if seed in twin]
        if arm != "gdn" and pairs:
            cells = [
                interval([float(bd(own, other, column).mean()) for own, other in pairs])
                for column in (1, 2, 3)
            ]
            lines.append(f"| {arm} | {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "| arm | set | step | bpp, its spread | PSNR | SSIM | MS-SSIM |",
        "|---" * 7 + "|",
    ]
    for (arm, name), seeds in found.items():
        for place, step in enumerate(STEPS):
            rows = np.array(
                [
                    [points[place] for points in content["rows"].values()]
                    for content in seeds.values()
                ]
            )
            bpp, *values = rows.mean(axis=(0, 1))
            spread = rows[..., 0].std(axis=1).mean()
            cells = " | ".join(f"{value:.4f}" for value in values)
            lines.append(f"| {arm} | {name} | {step:.3g} | {bpp:.4f}, {spread:.4f} | {cells} |")
    keys = ("kl_nats", "kl_bits", "zeros", "bits_by_table", "bits_in_files")
    lines += ["", f"| arm | set | {' | '.join(keys)} |", "|---" * 7 + "|"]
    for (arm, name), seeds in found.items():
        if arm != "mean_scale":
            fits = [fit(content) for content in seeds.values()]
            cells = " | ".join(interval([each[key] for each in fits]) for key in keys)
            lines.append(f"| {arm} | {name} | {cells} |")
    return "\n".join(lines)


# ---------------------------------------------------------------- noise and time


def noise_picture(kind: str, rng: np.random.Generator, side: int = 1024) -> np.ndarray:
    """Grey noise around 128 in three channels alike, uint8 (side, side, 3)."""
    scale, shape = NOISE[kind], (side, side, 1)
    drawn = {
        "laplace": lambda: 128 + rng.laplace(0, scale, shape),
        "gauss": lambda: 128 + rng.normal(0, scale, shape),
        "uniform": lambda: rng.integers(0, 256, shape),
    }[kind]()
    return np.repeat(np.clip(np.round(drawn), 0, 255).astype(np.uint8), 3, axis=2)


def probe(codec_path: pathlib.Path) -> None:
    """PSNR, bpp and KL(grey levels out || in) of noise, by kind and trial; noise.json."""
    import jaxcodec
    from jaxcodec.distortions.mse import psnr_db

    path = codec_path.with_name("noise.json")
    if path.exists():
        return
    codec, found = jaxcodec.load(codec_path), {}
    for kind in NOISE:
        for trial in range(TRIALS):
            pixels = noise_picture(kind, np.random.default_rng(trial))
            data = jaxcodec.encode(codec, pixels, effort=0)
            decoded = jaxcodec.decode(codec, data)
            levels = [np.bincount(each.ravel(), minlength=256) + 1e-9 for each in (decoded, pixels)]
            out, into = (each / each.sum() for each in levels)
            seen = out > 1e-12
            kl = float(np.sum(out[seen] * np.log(out[seen] / np.maximum(into[seen], 1e-9))))
            row = [float(psnr_db(decoded, pixels)), 8 * len(data) / 1024**2, kl]
            found.setdefault(kind, []).append(row)
    path.write_text(json.dumps(found))


def noise_table(options: argparse.Namespace) -> str:
    """Markdown: means over seeds and trials, and the deviation over trials."""
    lines = ["| arm | noise | PSNR | bpp | KL, nats |", "|---|---|---|---|---|"]
    for arm in ARMS:
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


def times(features: int = 64, repeats: int = 5) -> str:
    """Markdown: the least seconds of one activation and of whole networks, arms in turn."""
    import jax

    arms = ARMS[:3]
    lines = [f"| {features} filters, megapixels | part | {' | '.join(arms)} |", "|---" * 5 + "|"]
    for megapixels, size in SIDES.items():
        runs = {arm: timed_parts(arm, features, size) for arm in arms}
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


def timed_parts(arm: str, features: int, size: tuple[int, int]) -> dict[str, tuple]:
    """Jitted parts of a model, each with its arguments."""
    import jax
    import jax.numpy as jnp

    from jaxcodec import models
    from jaxcodec.models.presets import shrinkage_model
    from jaxcodec.transforms.layers import activation

    key, quality = jax.random.key(0), jnp.zeros(1)
    model = models.build(shrinkage_model(features, 32, activation=arm))
    params = model.init(key, jnp.zeros((1, 64, 64, 3)), quality, key)
    layer, x = activation(arm), jnp.ones((1, size[0] // 2, size[1] // 2, features))
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
    import jaxcodec

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


def plot(options: argparse.Namespace) -> None:
    """Histograms of symbols at the unit step beside the table, as figure 3.10 of the thesis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    symbols, scale = np.arange(-8, 9), math.sqrt(0.5)
    for arm, seed, name, content in results(options):
        if seed == SEEDS[0] and name == "kodak" and arm != "mean_scale":
            counts = np.array(content["counts"], float)
            share = counts[_REACH - 8 : _REACH + 9] / counts.sum()
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
    parser.add_argument("--tests", nargs="+", default=[], metavar="NAME=DIR", help="test pictures")
    parser.add_argument(
        "--noise", action="store_true", help="noise through the codecs that there are"
    )
    parser.add_argument(
        "--surrogates", action="store_true", help="compare surrogates of theta's gradient"
    )
    parser.add_argument("--time", type=int, metavar="FILTERS", help="time activations and networks")
    parser.add_argument("--table", action="store_true", help="print the tables of what is there")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE", help="draw histograms")
    options, options.settings = parser.parse_known_args()
    if wrong := [setting for setting in options.settings if not setting.startswith("--config.")]:
        parser.error(f"{wrong[0]} is neither an option nor a setting of train.py")
    if options.noise:
        for path in sorted(options.out.glob("*/exported.codec")):
            probe(path)
    if options.time:
        print(times(options.time), whole_times(options), sep="\n\n")
    if options.table:
        print(table(options), noise_table(options), sep="\n\n")
    if options.plot:
        plot(options)
    if options.surrogates:
        print(surrogates(options))
    elif options.data:
        for seed in SEEDS:
            for arm in ARMS:
                measure(train(arm, seed, options), options)


if __name__ == "__main__":
    main()
