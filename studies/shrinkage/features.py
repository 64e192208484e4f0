"""What the activations of the twins are like, and crops beside each other.

    python studies/shrinkage/features.py --out DIR --kodak DIR [--histograms FILE] [--crops FILE]

DIR holds the runs of `shrinkage.py`; those of the first seed are looked at. Prints the variance of
the values behind each activation, over eight pictures, and how many times that of the shrinkage
network the GDN twin's is. Histograms are of the values over their standard deviation. The crops
were chosen before any was seen.
"""

import argparse
import pathlib

import jax
import numpy as np
from flax.traverse_util import flatten_dict
from PIL import Image, ImageDraw, ImageFont
from runs import SEEDS, STEPS, folder

import jaxcodec
from jaxcodec import image, models
from jaxcodec.codec.value import at_step
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.distortions.ssim import ssim
from jaxcodec.training import config as run_config
from jaxcodec.training.checkpoints import restore_exported
from jaxcodec.transforms.gdn import GDN
from jaxcodec.transforms.shrinkage import Shrinkage

ARMS = ("gdn", "shrinkage")
PICTURES = 8
EDGES = np.linspace(-6, 6, 121)
CROPS = ((1, 150, 60, 1.0), (5, 220, 330, 2 / 3), (19, 430, 200, 2.0))
"""Kodak picture, top, left, and quantiser step."""

SIDE = 224


def activations(workdir: pathlib.Path, kodak: pathlib.Path) -> dict[str, np.ndarray]:
    """Values behind each activation, (pictures, channels, places), centred crops of 256."""
    config = run_config.load(workdir)
    model = models.build(config.model.to_dict())
    _, params = restore_exported(workdir, averaged=config.average_decay > 0)
    pixels = np.stack(
        [
            image.read(path).pixels[128:384, 128:384, :3]
            for path in image.list_images(kodak)[:PICTURES]
        ]
    )
    given = pixels.astype(np.float32) / 255, np.zeros(PICTURES, np.float32), jax.random.key(0)
    _, state = model.apply(
        params,
        *given,
        kind="round",
        capture_intermediates=lambda module, _: isinstance(module, GDN | Shrinkage),
        mutable=["intermediates"],
    )
    found = flatten_dict(state["intermediates"], sep="/")
    return {
        name.removesuffix("/__call__"): np.moveaxis(np.asarray(value[0]), -1, 1).reshape(
            PICTURES, value[0].shape[-1], -1
        )
        for name, value in found.items()
    }


def variances(found: dict[str, dict[str, np.ndarray]]) -> str:
    """Markdown: the variance behind each activation, the mean over its channels."""
    lines = ["| activation | gdn | shrinkage | ratio |", "|---|---|---|---|"]
    for gdn, shrinkage in zip(*(found[arm] for arm in ARMS), strict=True):
        own = [
            found[arm][name].var(axis=(0, 2)).mean()
            for arm, name in zip(ARMS, (gdn, shrinkage), strict=True)
        ]
        lines.append(f"| {shrinkage} | {own[0]:.4g} | {own[1]:.4g} | {own[0] / own[1]:.2f} |")
    return "\n".join(lines)


def histograms(found: dict[str, dict[str, np.ndarray]], path: pathlib.Path) -> None:
    """Of each activation's values over their standard deviation, the twins in one plot."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    count = len(found[ARMS[0]])
    figure, axes = plt.subplots(2, (count + 1) // 2, figsize=(11, 6), layout="constrained")
    for arm in ARMS:
        for axis, (name, values) in zip(axes.flat, found[arm].items(), strict=False):
            share, _ = np.histogram(values / values.std(), EDGES, density=True)
            axis.plot((EDGES[1:] + EDGES[:-1]) / 2, share, label=f"{arm}, {name}")
            axis.set(yscale="log")
            axis.legend(fontsize=7)
    figure.savefig(path)


def crops(out: argparse.Namespace, kodak: pathlib.Path) -> Image.Image:
    """A row for each crop: original, GDN, shrinkage, with rate, PSNR and SSIM of the picture."""
    canvas = Image.new("RGB", (3 * SIDE, len(CROPS) * (SIDE + 16)), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    codecs = {arm: jaxcodec.load(folder(arm, SEEDS[0], out) / "exported.codec") for arm in ARMS}
    for row, (number, top, left, step) in enumerate(CROPS):
        pixels = image.read(kodak / f"kodim{number:02}.png").pixels
        shown = [(f"kodim{number:02}, step {step:.3g}", pixels)]
        for arm, codec in codecs.items():
            data = jaxcodec.encode(at_step(codec, STEPS[step]), pixels, effort=0)
            decoded = jaxcodec.decode(codec, data)
            figures = f"{8 * len(data) / pixels[..., 0].size:.3f} bpp"
            figures += f" {psnr_db(decoded, pixels):.2f} dB {ssim(decoded, pixels):.4f}"
            shown.append((f"{arm} {figures}", decoded))
        for column, (label, picture) in enumerate(shown):
            at = column * SIDE, row * (SIDE + 16)
            draw.text(at, label, fill="black", font=font)
            square = np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE])
            canvas.paste(Image.fromarray(square), (at[0], at[1] + 16))
    return canvas


def main() -> None:
    """Parses the command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--kodak", type=pathlib.Path, required=True, help="folder of Kodak")
    parser.add_argument("--histograms", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--crops", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    found = {arm: activations(folder(arm, SEEDS[0], options), options.kodak) for arm in ARMS}
    print(variances(found))
    if options.histograms:
        histograms(found, options.histograms)
    if options.crops:
        crops(options, options.kodak).save(options.crops, quality=90, method=6)


if __name__ == "__main__":
    main()
