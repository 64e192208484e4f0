"""What both sides of the comparison share: the statistics of their random models, and the protocol
of a worker.

A worker is a process that stays warm. Its command line is "train" or "code", a scratch folder, the
name of a model and picture files. On standard input it reads one task a line, and answers each with
one line of JSON, {"seconds": ..., and what the task tells}; "ready" comes first. Of two workers to
code, that for CompressAI comes first and leaves its weights in the folder, and jaxcodec's imports
them. Needs only NumPy and Pillow, so that it runs in either environment.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

MODELS = {
    "mean_scale": ("mbt2018-mean", 128, 192),
    "mean_scale_wide": ("mbt2018-mean", 192, 192),
    "autoregressive": ("mbt2018", 192, 192),
    "attention": ("cheng2020-attn", 128, 128),
}
"""CompressAI's name, N and M of each model."""

TRAINED = ("mean_scale", "autoregressive")
"""Models whose training step is compared. PyTorch 2.13.0 on a CPU ends with a segmentation fault in
that of the third.
"""

WEIGHTS = "weights.pth.tar"
"""What a worker for CompressAI leaves in its folder."""

BATCH, CROP, TRADE_OFF, LEARNING_RATE = 8, 128, 0.013, 1e-4
"""The training step."""

REFINED, REFINEMENT_RATE = "mean_scale_wide", 5e-3
"""The model whose latents are refined, and Adam's learning rate in that."""

HYPER_SCALE = 1.0
"""Standard deviation of every hyper-latent channel."""

CONTEXT_SHARE = 0.1
"""By how much the last layer of the entropy parameters of a context model is made smaller."""


def latent_scales(channels: int) -> np.ndarray:
    """Standard deviation (channels,) that each latent channel is made to have, and its entropy
    model to predict.

    Random weights give latents that no trained model has. The last analysis layer is therefore
    rescaled on the first picture, and the entropy model predicts these scales, a few strong
    channels and many that are nearly always zero; with a context, these and a little of what the
    random networks make of hyper-latent and context.
    """
    return np.geomspace(0.11, 4.0, channels).astype(np.float32)


def read(path: str) -> np.ndarray:
    """Pixels, uint8 (H, W, 3)."""
    return np.asarray(Image.open(path).convert("RGB"))


def crops(pixels: np.ndarray) -> np.ndarray:
    """A training batch, uint8 (8, 128, 128, 3), from one picture."""
    generator = np.random.default_rng(0)
    corners = generator.integers(0, (pixels.shape[0] - CROP, pixels.shape[1] - CROP), (BATCH, 2))
    return np.stack([pixels[y : y + CROP, x : x + CROP] for y, x in corners])


def batches(pictures: list[np.ndarray], sizes: str) -> list[list[np.ndarray]]:
    """Batches of the sizes "N,N,...", each of the pictures in turn, again from the first where
    there are too few.
    """
    return [
        [pictures[place % len(pictures)] for place in range(int(size))] for size in sizes.split(",")
    ]


def serve(tasks: dict[str, Callable[[], dict]]) -> None:
    """Answers tasks until standard input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        told = tasks[line.strip()]()
        seconds, busy = time.perf_counter() - start, time.process_time() - processor
        print(
            json.dumps({"seconds": seconds, "processor_seconds": busy, **told}),
            file=answers,
            flush=True,
        )


def peak_mib() -> float:
    """The most memory that this process has held, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
