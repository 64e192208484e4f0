"""Semi-multi-rate refinement: what another lambda than the codec's own does, beside another
quantiser step.

    python studies/refinement/semi_multi_rate.py --codec NAME|FILE --images DIR [--take N] [--crop
    SIDE] [--quality Q]
        [--factors .25,.5,1,2,4] [--steps 500] [--plot FILE.png]

Refines pictures for lambda times each factor (Yang et al. 2020; figure 3c of Perugachi-Diaz et al.
2024), and writes real files. Beside each stands the file of the same size without refinement, which
the codec makes with another quantiser step. A row is a factor, each figure a mean over pictures.
"""

import argparse
import pathlib

import numpy as np
from methods import pictures

import jaxcodec
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.runtime import compile_cache

COLUMNS = (
    "lambda x",
    "bpp",
    "PSNR, dB",
    "without refinement, bpp",
    "PSNR, dB",
    "gain, dB",
    "least gain, dB",
)


def main() -> None:
    """Measures, prints and draws."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codec", required=True, metavar="NAME|FILE")
    parser.add_argument("--images", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--take", type=int, metavar="N")
    parser.add_argument("--crop", type=int, metavar="SIDE")
    parser.add_argument("--quality", type=float, metavar="Q")
    parser.add_argument(
        "--factors",
        default="0.25,0.5,1,2,4",
        type=lambda text: [float(part) for part in text.split(",")],
    )
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE.png")
    options = parser.parse_args()
    compile_cache.enable()
    codec, images = jaxcodec.load(options.codec), list(pictures(options).values())
    files = [jaxcodec.encode(codec, pixels, quality=options.quality, effort=0) for pixels in images]
    own = np.mean(
        [_measured(codec, pixels, data) for pixels, data in zip(images, files, strict=True)], axis=0
    )
    print(f"its own files: {own[0]:.4f} bpp, {own[1]:.3f} dB\n")
    print("|", " | ".join(COLUMNS), "|")
    print("|" + "---|" * len(COLUMNS))
    rows = []
    for factor in options.factors:
        points = _points(codec, images, factor, options)
        gains = points[:, 1, 1] - points[:, 0, 1]
        plain, refined = points.mean(axis=0)
        rows.append((plain, refined))
        cells = (
            f"{factor:g}",
            *map("{:.4f} | {:.3f}".format, *zip(refined, plain, strict=False)),
            f"{gains.mean():.3f}",
            f"{gains.min():.3f}",
        )
        print("|", " | ".join(cells), "|", flush=True)
    if options.plot:
        _plot(np.array(rows), own, options.plot)


def _points(codec, images, factor: float, options) -> np.ndarray:
    """bpp and PSNR (images, 2, 2) of files of one size, without and with refinement."""
    latents = jaxcodec.refine(
        codec,
        images,
        quality=options.quality,
        steps=options.steps,
        trade_off_factor=factor,
        batch_size=len(images),
    )
    if any(each.interrupted for each in latents):
        raise KeyboardInterrupt
    points = []
    for pixels, each in zip(images, latents, strict=True):
        refined = jaxcodec.encode(codec, pixels, latents=each)
        plain = jaxcodec.encode(codec, pixels, max_bytes=len(refined))
        points.append([_measured(codec, pixels, data) for data in (plain, refined)])
    return np.array(points)


def _measured(codec, pixels, data: bytes) -> tuple[float, float]:
    return 8 * len(data) / pixels[..., 0].size, float(psnr_db(jaxcodec.decode(codec, data), pixels))


def _plot(rows: np.ndarray, own: np.ndarray, path: pathlib.Path) -> None:
    """PSNR over bpp; rows are factors x (without, with refinement) x (bpp, PSNR)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 5), layout="constrained")
    for place, label in enumerate(("another quantiser step", "refined for another lambda")):
        axis.plot(*rows[:, place].T, marker="o", label=label)
    axis.plot(*own, marker="*", markersize=14, linestyle="", label="the codec's own files")
    axis.set(xlabel="bits per pixel", ylabel="PSNR, dB")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
