"""Observations 2 to 4 of Hepburn et al. 2022 on pictures: do a codec's distances know how likely
a picture is?

    python studies/distances/pictures.py --out DIR --train DIR[,DIR...] --tests DIR[,DIR...]
        [--codec NAME|FILE ...] [--qualities 10,50,90] [--count 200] [--directions 64]

Of crops x of test photographs: D_s, and the sensitivities D_r / D_e and D_in / D_e at three sizes
of D_e, a third of the mean D_s, the mean and three times it; against ln p(x) by a density of its
own (that of noise.py, if DIR/density.safetensors is there). Spearman over crops, an interval by a
bootstrap over pictures, plain and within five bins of contrast. Reconstructions are in 8 bits. What
is measured stays in DIR/pictures; the table is DIR/pictures.md, its correlations DIR/pictures.png.
"""

import argparse
import functools
import pathlib

import crops
import jax
import numpy as np
import runs

import jaxcodec
from jaxcodec.analysis.correlation import quantile_bins, spearman
from jaxcodec.analysis.distances import distances, sensitivity
from jaxcodec.runtime import compile_cache

SIZES = (1 / 3, 1.0, 3.0)
"""Of D_e, in mean D_s."""


def measured(
    codec, quality: float | None, pixels: np.ndarray, directions: int
) -> dict[str, np.ndarray]:
    """D_s, and the sensitivities by size, of each crop: arrays (n,)."""
    of = distances(codec, quality, whole_pixels=True)
    own, sensitive = jax.jit(lambda of, x: of.own(x)), jax.jit(sensitivity, static_argnums=4)
    found = {"D_s": crops.in_batches(functools.partial(own, of), pixels, batch=8)}

    def steps_of(size: float, part: np.ndarray) -> np.ndarray:
        return np.stack(sensitive(of, part, jax.random.key(3), size, directions), axis=1)

    for size in SIZES:
        step = size * float(found["D_s"].mean())
        both = crops.in_batches(functools.partial(steps_of, step), pixels, batch=8)
        for name, values in zip(("D_r / D_e", "D_in / D_e"), both.T, strict=True):
            found[f"{name} at {size:.2g}"] = values
    return found


def main() -> None:
    """Measures what is missing, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    for name in ("--train", "--tests"):
        parser.add_argument(name, type=lambda text: text.split(","), required=True)
    parser.add_argument("--codec", nargs="*", default=["default", "patch-2026"])
    parser.add_argument(
        "--qualities",
        type=lambda text: [float(part) for part in text.split(",")],
        default=[10.0, 50.0, 90.0],
    )
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--directions", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2000, help="of the density's training")
    options = parser.parse_args()
    (options.out / "pictures").mkdir(parents=True, exist_ok=True)
    compile_cache.enable()
    params = crops.trained_density(
        options.out / "density.safetensors", options.train, options.steps
    )
    chosen = crops.drawn(options.tests, options.side, options.count)
    likely, bins = crops.log_p(params, chosen.pixels), quantile_bins(crops.contrast(chosen.pixels))
    drawn: dict[str, list[tuple[str, float, float]]] = {}
    lines = ["| codec | quality | distance | mean | with p | within bins of contrast |"]
    lines.append("|---" * 6 + "|")
    for name in options.codec:
        codec = jaxcodec.load(name)
        for quality in options.qualities if codec.variable else (None,):
            at = "" if quality is None else f"{quality:g}"
            size = f"{options.count}x{options.side}x{options.directions}"
            path = options.out / "pictures" / f"{codec.name}_{codec.id}_{at}_{size}.npz"
            if not path.exists():
                print(codec.name, quality, flush=True)
                found = measured(codec, quality, chosen.pixels, options.directions)
                runs.keep_arrays(path, found)
            for distance, values in np.load(path).items():
                plain = spearman(values, likely, chosen.picture)
                within = spearman(values, likely, chosen.picture, bins=bins)
                label = f"{codec.name} {at}"
                drawn.setdefault(distance, []).append((label, plain.rho, within.rho))
                lines.append(
                    f"| {codec.name} | {at} | {distance} | {values.mean():.4g} | {plain} | "
                    f"{within} |"
                )
    text = "\n".join(lines)
    (options.out / "pictures.md").write_text(text + "\n")
    print(text)
    draw(drawn, options.out / "pictures.png")


def draw(found: dict[str, list[tuple[str, float, float]]], path: pathlib.Path) -> None:
    """Rank correlations with p by distance, codec and quality, plain and within bins."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(found), figsize=(2.4 * len(found), 3.6), sharey=True, layout="constrained"
    )
    for axis, (distance, rows) in zip(axes, found.items(), strict=True):
        labels, plain, within = zip(*rows, strict=True)
        for values, marker, name in ((plain, "o", "all"), (within, "x", "within bins")):
            axis.plot(labels, values, marker, label=name)
        axis.axhline(0, color="grey", linewidth=0.5)
        axis.set_title(distance, fontsize=9)
        axis.tick_params(axis="x", rotation=90, labelsize=7)
    axes[0].set(ylabel="Spearman with ln p(x)")
    axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
