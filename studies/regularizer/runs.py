"""The models of the study of the regularizer: how each is trained, and measured on pictures."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs" / "regularized_small.py"
QUALITIES = (10.0, 30.0, 50.0, 70.0, 90.0)
STEPS = (843, 422, 0, -422, -843)
"""Quantiser steps at which a model of one rate is measured: indices of 3/2 to 2/3 its own."""

SWEPT = {
    "hyper": (0.001, 0.003, 0.01, 0.03, 0.1),
    "log_mse": (0.01, 0.03, 0.1),
    "context": (0.003, 0.01, 0.03, 0.1, 0.3),
}
"""Alphas of the sweep by source model or control."""

SWEEP_STEPS = 500
"""Length of a run of the sweep."""

LARGEST = ("0.1,log_mse", "0.1,context")
"""What gains most in the sweep, and is run with another surrogate in part t."""

AGAIN = ("0.03,hyper", "0.1,log_mse", "0.1,context")
"""What gains in the sweep, and is run with three seeds from either base in parts u and v."""

SETTLED_SEED = 5
"""Seed of the run without the regularizer that has settled under noise, the base of part v."""

TRADE_OFFS = (0.0018, 0.0035, 0.0067, 0.013)
"""Lambdas of the four models of part h: CompressAI's lowest."""

REFINED, REFINED_SEEDS = 8, 3
"""Pictures that are refined, and seeds."""

METRICS = ("psnr_db", "ms_ssim")
"""What is measured of a picture, beside its bits."""

ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    **os.environ,
    "PYTHONPATH": str(ROOT),
}
"""That of the commands; huge pages take a quarter off a step on a CPU (docs/training.md)."""


class Run(NamedTuple):
    """A model: what the config is told, behind its colon; seed; surrogate; steps, where they are
    not those of the config; whether it begins from a run that was itself trained under noise.
    """

    argument: str
    seed: int = 0
    surrogate: str = "noise"
    steps: int = 0
    settled: bool = False

    @property
    def folder(self) -> str:
        """Its name on disk."""
        words = self.argument.replace(":", ",").split(",")
        steps = [f"{self.steps}steps"] if self.steps else []
        settled = ["settled"] if self.settled else []
        return "_".join([*words, self.surrogate, f"seed{self.seed}", *steps, *settled])

    @property
    def base(self) -> "Run | None":
        """The run that it begins from."""
        kind = self.argument.split(",")[0].split(":")[0]
        if kind == "attention" or self.is_base:
            return None
        if self.settled:
            return Run(f"{kind},0", SETTLED_SEED)
        return Run(f"{kind},base", surrogate="mixed")

    @property
    def is_base(self) -> bool:
        """Whether others begin from it, and it is not measured."""
        return self.argument.endswith(",base")


def arms(part: str, alpha: float) -> dict[str, list[Run]]:
    """The arms of a part, each of its seeds; the first, "0", is the one without the regularizer."""

    def seeds(argument: str, count: int, surrogate: str = "noise") -> list[Run]:
        return [Run(argument, seed, surrogate) for seed in range(1, count + 1)]

    def short(argument: str, surrogate: str = "noise") -> list[Run]:
        return [Run(argument, 1, surrogate, SWEEP_STEPS)]

    def thrice(settled: bool) -> dict[str, list[Run]]:
        return {
            each: [
                Run(f"hyperprior,{each}", seed, "noise", SWEEP_STEPS, settled) for seed in (1, 2, 3)
            ]
            for each in ("0", *AGAIN)
        }

    best = f"{alpha:g}"
    found: dict[str, dict[str, list[Run]]] = {
        "b": {each: seeds(f"hyperprior,{each}", 5) for each in ("0", "0.003", "0.01", "0.03")},
        "c": {"0": seeds("hyperprior,0", 5)}
        | {each: seeds(f"hyperprior,{best},{each}", 5) for each in ("trade_off", "log_mse")},
        "d": {each: seeds(f"hyperprior,{each}", 3, "mixed") for each in ("0", best)},
        "e": {"0": seeds("autoregressive,0", 5), "context": seeds("autoregressive,0.01", 5)}
        | {"hyper": seeds("autoregressive,0.01,hyper", 5)},
        "f": {"0": seeds("hyperprior,0", 3)}
        | {each: seeds(f"hyperprior,{each},context", 3) for each in (best, "0.03")},
        "g": {each: seeds(f"attention,{each}", 2) for each in ("0", "0.01")},
        "h": {
            each: [Run(f"hyperprior:{lam:g},{each}", 1) for lam in TRADE_OFFS]
            for each in ("0", best)
        },
        "s": {"0": short("hyperprior,0")}
        | {
            f"{kind}, {each:g}": short(f"hyperprior,{each:g},{kind}")
            for kind, alphas in SWEPT.items()
            for each in alphas
        },
        "t": {"0": short("hyperprior,0", "mixed"), "noise, 0": short("hyperprior,0")}
        | {
            f"noise, {each}": short(f"hyperprior,{each}")
            for each in ("0.03,hyper", "0.03,context", *LARGEST)
        }
        | {each: short(f"hyperprior,{each}", "mixed") for each in LARGEST},
        "u": thrice(settled=False),
        "v": thrice(settled=True),
    }
    return found[part]


def train(run: Run, options: argparse.Namespace) -> pathlib.Path:
    """The exported codec of a run, trained if it is not there."""
    workdir = options.out / run.folder
    codec = workdir / "exported.codec"
    if codec.exists():
        return codec
    settings = [f"--config.data.folders={options.data}", f"--config.seed={run.seed}"]
    if not run.is_base:
        settings.append(f"--config.surrogate={run.surrogate}")
    if run.steps:
        settings.append(f"--config.steps={run.steps}")
    if run.base:
        base = train(run.base, options).parent
        settings.append(f"--config.start.workdir={base}")
    print(run.folder, flush=True)
    workdir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(ROOT / "train.py"), f"--config={CONFIG}:{run.argument}"]
    export = "import sys; from jaxcodec.cli import main; sys.exit(main(['export', *sys.argv[1:]]))"
    with (workdir / "train.log").open("a") as log:
        for each in (
            [*command, f"--workdir={workdir}", *settings, *options.settings],
            [sys.executable, "-c", export, str(workdir), str(codec)],
        ):
            subprocess.run(each, check=True, stdout=log, stderr=log, env=ENVIRONMENT)
    return codec


def measure(run: Run, options: argparse.Namespace) -> None:
    """Every test picture through real files; a file of results for each set, beside the codec."""
    import jaxcodec
    from jaxcodec.evaluation import measure

    codec = jaxcodec.load(train(run, options))
    points = QUALITIES if codec.variable else STEPS
    if ":" in run.argument:
        points = (0,)
    for name, folder in (test.split("=", 1) for test in options.tests):
        path = options.out / run.folder / f"{name}.json"
        if path.exists():
            continue
        rows: dict[str, list[list[float]]] = {}
        for photo in measure.load_photos(folder)[0]:
            for point in points:
                data = _file(codec, photo.pixels, point)
                rows.setdefault(photo.name, []).append(_row(codec, photo, data))
        path.write_text(json.dumps(rows))


def _row(codec, photo, data: bytes) -> list[float]:
    """Bits per pixel of a file, and the metrics of what it decodes to."""
    import jaxcodec
    from jaxcodec.evaluation import measure, metrics

    decoded = jaxcodec.decode(codec, data)
    found = measure.similarity(photo, decoded, codec.name, metrics.choose(["ms_ssim"]))
    return [measure.bits_per_pixel(data, photo), *(found[key] for key in METRICS)]


def _file(codec, pixels: np.ndarray, point: float) -> bytes:
    """The plain file at a quality; of a codec of one quality, at a quantiser step."""
    import jaxcodec
    from jaxcodec.codec.value import at_step

    if codec.variable:
        return jaxcodec.encode(codec, pixels, quality=point, effort=0)
    return jaxcodec.encode(at_step(codec, int(point)), pixels, effort=0)


# ---------------------------------------------------------------- with refinement


def refined_arms(alpha: float) -> dict[str, list[Run]]:
    """The hyperprior without the regularizer and with the best alpha, three seeds of each."""
    return {
        each: [Run(f"hyperprior,{each}", seed) for seed in range(1, REFINED_SEEDS + 1)]
        for each in ("0", f"{alpha:g}")
    }


def refine(run: Run, options: argparse.Namespace) -> None:
    """Eight pictures of the first test set through files that are refined, and that are not."""
    import jaxcodec
    from jaxcodec.evaluation import measure

    name, folder = options.tests[0].split("=", 1)
    codec = jaxcodec.load(train(run, options))
    photos = measure.load_photos(folder)[0]
    for steps in (0, options.refine):
        path = options.out / run.folder / f"{name}_refined_{steps}.json"
        if path.exists():
            continue
        rows: dict[str, list[list[float]]] = {}
        for photo in photos[:: max(1, len(photos) // REFINED)][:REFINED]:
            for point in QUALITIES:
                how = {"refine": steps} if steps else {"effort": 0}
                data = jaxcodec.encode(codec, photo.pixels, quality=point, **how)
                rows.setdefault(photo.name, []).append(_row(codec, photo, data))
        path.write_text(json.dumps(rows))
