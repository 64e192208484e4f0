"""The twins of the study of shrinkage: how each is trained, and what it does with pictures."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "shrinkage_small.py"
ARMS = ("shrinkage", "gdn", "leaky_relu", "mean_scale")
CONTROLS = ("shrinkage,straight_through", "linear")
"""Another surrogate over a whole run, and no activation; trained where --arms names them."""

SEEDS = (1, 2, 3)
STEPS = {2.0: 1442, 1.5: 843, 1.0: 0, 2 / 3: -843, 0.5: -1442}
"""Quantiser steps and their indices."""

BUNDLED, QUALITIES = "bundled", (5.0, 15.0, 30.0, 45.0, 60.0)
"""The codec that comes with the package, and where it is measured: about the rates of the twins."""

REACH = 64
"""Symbols of a greater size are counted as one of this."""

NOISE = {"laplace": 12.0, "gauss": 25.5, "uniform": 0.0}
"""Scales of the noise, grey levels; chosen to be of the size that the thesis' PSNR imply."""

TRIALS = 20
KEYS = ("psnr_db", "ssim", "ms_ssim")
ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    **os.environ,
    "PYTHONPATH": str(ROOT),
}
"""That of the commands; huge pages take a quarter off a step on a CPU (docs/training.md)."""


def folder(arm: str, seed: int, options: argparse.Namespace) -> pathlib.Path:
    """That of a run."""
    return options.out / f"{arm.replace(',', '_')}_seed{seed}"


def train(arm: str, seed: int, options: argparse.Namespace) -> pathlib.Path:
    """The exported codec of a run, trained if it is not there."""
    workdir = folder(arm, seed, options)
    codec = workdir / "exported.codec"
    if codec.exists():
        return codec
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
        subprocess.run(command, check=True, stdout=log, stderr=log, env=ENVIRONMENT)


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
        rows, counts, spent = {}, np.zeros(2 * REACH + 1, np.int64), 0
        for photo in measure.load_photos(test)[0]:
            for step_index in STEPS.values():
                symbols, data = coded(codec, photo.pixels, step_index)
                found = measure.similarity(
                    photo, jaxcodec.decode(codec, data), codec.name, measured
                )
                row = [measure.bits_per_pixel(data, photo), *(found[key] for key in KEYS)]
                rows.setdefault(photo.name, []).append(row)
                if step_index == 0:
                    latent = np.clip(np.asarray(symbols.latent).ravel(), -REACH, REACH)
                    counts += np.bincount(latent + REACH, minlength=len(counts))
                    spent += 8 * container.read_header(data).part_bytes[-1]
        content = {"rows": rows, "counts": counts.tolist(), "latent_bits": spent}
        path.write_text(json.dumps(content))


def measure_bundled(options: argparse.Namespace) -> None:
    """Rates and closeness of the bundled codec, plainly rounded, beside the runs."""
    import jaxcodec
    from jaxcodec.evaluation import measure, metrics

    codec, measured = jaxcodec.load("default"), metrics.choose(["ssim", "ms_ssim"])
    for name, test in (each.split("=", 1) for each in options.tests):
        path = options.out / BUNDLED / f"{name}.json"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        rows: dict[str, list[list[float]]] = {}
        for photo in measure.load_photos(test)[0]:
            for quality in QUALITIES:
                data = jaxcodec.encode(codec, photo.pixels, quality=quality, effort=0)
                decoded = jaxcodec.decode(codec, data)
                found = measure.similarity(photo, decoded, codec.name, measured)
                row = [measure.bits_per_pixel(data, photo), *(found[key] for key in KEYS)]
                rows.setdefault(photo.name, []).append(row)
        path.write_text(json.dumps({"rows": rows}))


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
