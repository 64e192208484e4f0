"""Observation 1 of Hepburn et al. 2022 (figures 6 to 8): are people most sensitive where pictures
are likely?

    python studies/distances/noise.py --out DIR --train DIR[,DIR...] --tests DIR[,DIR...]
        [--count 400] [--side 256] [--steps 2000]

Crops x of test photographs, Gaussian noise of eight sizes, clipped and rounded to 8 bits. How far a
perceptual distance moves for an RMSE of one, against ln p(x) by a density of its own, trained on
training photographs: Spearman over crops with an interval by a bootstrap over pictures, plain and
within five bins of contrast. Results are DIR/noise.md and DIR/noise.png; what is measured stays in
DIR/noise_COUNTxSIDE. NLPD is the mean over R, G and B of each by itself.
"""

import argparse
import pathlib

import crops
import numpy as np
import runs

from jaxcodec import distortions
from jaxcodec.analysis.correlation import quantile_bins, spearman
from jaxcodec.runtime import compile_cache

SIGMAS = (1, 2, 5, 10, 20, 30, 40, 50)
"""Of the noise, grey levels."""

NAMES = ("nlpd_2017", "nlpd_2016", "ms_ssim")


def noisy(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Crops with noise, which is the same for every sigma but for its size."""
    noise = np.random.default_rng(7).normal(size=pixels.shape).astype(np.float32)
    return np.clip(np.rint(pixels + sigma * noise), 0, 255).astype(np.uint8)


def measured(options: argparse.Namespace) -> dict[str, np.ndarray]:
    """ln p of crops and of noisy ones, and distances: arrays by name, (n,) or (sigmas, n)."""
    kept = options.out / f"noise_{options.count}x{options.side}"
    kept.mkdir(parents=True, exist_ok=True)
    params = crops.trained_density(
        options.out / "density.safetensors", options.train, options.steps
    )
    chosen = crops.drawn(options.tests, options.side, options.count)
    for sigma in SIGMAS:
        path = kept / f"{sigma}.npz"
        if not path.exists():
            print("sigma", sigma, flush=True)
            runs.keep_arrays(path, of_noise(params, chosen.pixels, noisy(chosen.pixels, sigma)))
    parts = [np.load(kept / f"{sigma}.npz") for sigma in SIGMAS]
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]} | {
        "log_p": crops.log_p(params, chosen.pixels),
        "picture": chosen.picture,
        "contrast": crops.contrast(chosen.pixels),
    }


def of_noise(params, pixels: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """Distances of crops from noisy ones, their RMSE, and ln p of the noisy ones: (n,) each."""
    found = {
        name: crops.in_batches(distortions.get(name), pixels, other, batch=8) for name in NAMES
    }
    square = (pixels / np.float32(255) - other / np.float32(255)) ** 2
    rmse = np.sqrt(square.mean(axis=(1, 2, 3)))
    return found | {"rmse": rmse, "log_p_noisy": crops.log_p(params, other)}


def report(found: dict[str, np.ndarray]) -> str:
    """Markdown: rank correlations by the size of the noise."""
    bins = quantile_bins(found["contrast"])
    of = found["picture"]
    lines = [
        "| sigma | RMSE | " + " | ".join(f"{name} / RMSE with ln p" for name in NAMES) + " | "
        "RMSE with ln p | " + " | ".join(f"{name} with RMSE" for name in NAMES) + " |",
        "|---" * (3 + 2 * len(NAMES)) + "|",
    ]
    within = ["| sigma | " + " | ".join(f"{name} / RMSE with ln p" for name in NAMES) + " |"]
    within.append("|---" * (1 + len(NAMES)) + "|")
    for place, sigma in enumerate(SIGMAS):
        rmse = found["rmse"][place]
        sensitive = [found[name][place] / rmse for name in NAMES]
        cells = [spearman(each, found["log_p"], of) for each in sensitive]
        cells.append(spearman(rmse, found["log_p"], of))
        cells += [spearman(found[name][place], rmse, of) for name in NAMES]
        lines.append(f"| {sigma} | {255 * rmse.mean():.2f} | {' | '.join(map(str, cells))} |")
        cells = [spearman(each, found["log_p"], of, bins=bins) for each in sensitive]
        within.append(f"| {sigma} | {' | '.join(map(str, cells))} |")
    calm = spearman(found["contrast"], found["log_p"], of)
    return "\n".join(
        [*lines, "", "Within five bins of contrast:", "", *within, "",
         f"Contrast with ln p: {calm}."]
    )  # fmt: skip


def draw(found: dict[str, np.ndarray], path: pathlib.Path, dimensions: int) -> None:
    """Sensitivity over ln p for the least and most noise, and how noise changes ln p."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(17, 7), layout="constrained")
    bits = -found["log_p"] / dimensions / np.log(2)
    for row, place in zip(axes, (0, len(SIGMAS) - 1), strict=True):
        for axis, name in zip(row, NAMES, strict=False):
            axis.scatter(bits, found[name][place] / found["rmse"][place], s=6)
            axis.set(title=f"sigma {SIGMAS[place]}", ylabel=f"{name} / RMSE")
            axis.set(xlabel="-log2 p(x), bits per dimension")
    low, high = axes[:, 3]
    for place, sigma in enumerate(SIGMAS):
        own = -found["log_p_noisy"][place] / dimensions / np.log(2)
        low.hist(own, bins=40, histtype="step", label=f"sigma {sigma}")
    low.hist(bits, bins=40, histtype="step", label="no noise", color="black")
    low.set(xlabel="bits per dimension", title="crops under noise")
    low.legend(fontsize=7)
    high.scatter(found["contrast"], bits, s=6)
    high.set(xlabel="contrast (grey levels)", ylabel="-log2 p(x), bits per dimension")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measures what is missing, and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    for name in ("--train", "--tests"):
        parser.add_argument(name, type=lambda text: text.split(","), required=True)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--steps", type=int, default=2000, help="of the density's training")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    found = measured(options)
    text = report(found)
    (options.out / "noise.md").write_text(text + "\n")
    print(text)
    draw(found, options.out / "noise.png", 3 * options.side**2)


if __name__ == "__main__":
    main()
