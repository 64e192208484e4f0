"""The pictures of README and docs/codecs.md: crops beside other codecs at equal bytes.

    python studies/figures/figures.py --kodak ../shared/data/test/kodak --out docs/images
    python studies/figures/figures.py --results DIR --out docs/images

The first makes `comparison.webp` (README) and `crops.webp` (docs/codecs.md). Every crop is of a
picture that was coded whole, at a rate of whole files; AVIF is Pillow's, at the finest quality that
fits. The second makes `kodak_psnr.png` (README) from what `eval.py --out DIR` wrote.
"""

import argparse
import functools
import io
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import jaxcodec
from jaxcodec.artefact import bundled
from jaxcodec.evaluation import classical, metrics, plots
from jaxcodec.evaluation.curves import MeanCurve

GAP, LABEL = 4, 16


class Crop(NamedTuple):
    """A square of a Kodak picture."""

    number: int
    top: int
    left: int


CROPS = (
    Crop(1, 150, 60),
    Crop(5, 220, 330),
    Crop(19, 430, 200),
    Crop(20, 190, 300),
    Crop(24, 160, 330),
)
"""Bricks and a door, helmets, a fence and a lighthouse, a sign on an aeroplane, painted walls."""

RATES = (0.1, 0.25, 0.5)


def fitted(name: str, pixels: np.ndarray, bpp: float, **settings: object) -> tuple[bytes, float]:
    """The file of a classical codec at the finest quality within a rate, and its own rate."""
    count = pixels.shape[0] * pixels.shape[1]

    @functools.cache
    def at(quality: int) -> bytes:
        return classical.encode(name, pixels, quality, **settings)

    low, high = 0, 100
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if 8 * len(at(middle)) <= bpp * count else (low, middle - 1)
    return at(low), 8 * len(at(low)) / count


def coders(codec_name: str) -> dict[str, Callable[[np.ndarray, float], tuple[np.ndarray, float]]]:
    """A function for each column: (pixels, bpp) -> what a decoder shows, and the rate."""

    def classic(name: str, **settings: object):
        def code(pixels: np.ndarray, bpp: float) -> tuple[np.ndarray, float]:
            data, rate = fitted(name, pixels, bpp, **settings)
            return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")), rate

        return code

    def ours(name: str):
        codec = jaxcodec.load(name)

        def code(pixels: np.ndarray, bpp: float) -> tuple[np.ndarray, float]:
            data = jaxcodec.encode(codec, pixels, bpp=bpp)
            return jaxcodec.decode(codec, data), 8 * len(data) / pixels[..., 0].size

        return code

    return {
        "JPEG": classic("jpeg"),
        "WebP": classic("webp"),
        "AVIF": classic("avif_default"),
        "AVIF 4:4:4": classic("avif"),
        "jaxcodec": ours(codec_name),
        "structure-2026": ours("structure-2026"),
    }


def sheet(
    kodak: pathlib.Path,
    codec_name: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Crop, float]],
    side: int,
) -> Image.Image:
    """A row for each crop and rate, a column for the original and each codec."""
    known = coders(codec_name)
    width = (len(columns) + 1) * (side + GAP) - GAP
    canvas = Image.new("RGB", (width, len(rows) * (side + LABEL + GAP) - GAP), "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(11)
    for place, (crop, bpp) in enumerate(rows):
        path = kodak / f"kodim{crop.number:02}.png"
        pixels = np.asarray(Image.open(path).convert("RGB"))
        shown = [(f"kodim{crop.number:02}", pixels)]
        for name in columns:
            decoded, rate = known[name](pixels, bpp)
            shown.append((f"{name}, {rate:.3f} bpp", decoded))
        top = place * (side + LABEL + GAP)
        for column, (label, picture) in enumerate(shown):
            left = column * (side + GAP)
            draw.text((left, top + 1), label, fill="black", font=font)
            square = picture[crop.top : crop.top + side, crop.left : crop.left + side]
            canvas.paste(Image.fromarray(np.ascontiguousarray(square)), (left, top + LABEL))
    return canvas


def plot(results: pathlib.Path) -> bytes:
    """PSNR over rate of the bundled codecs, the baselines and published curves: a PNG file."""
    content = json.loads((results / "results.json").read_text())
    names = {info.id: info.name for info in bundled.available()}
    names[jaxcodec.load("default").id] = "jaxcodec"
    labels = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF", "jpeg2000": "JPEG 2000"}
    curves = []
    for coder in content["coders"]:
        name = names.get(coder["settings"].get("id"), labels.get(coder["name"]))
        if name:
            curves.append(_curve(name, coder["mean"]))
    measured = len(curves)
    published = [
        MeanCurve(each["name"], "", tuple(each["bpp"]), {"psnr_db": tuple(each["psnr_db"])})
        for each in content["published"]
        if "psnr_db" in each
    ]
    drawn = plots.visible(published, None)
    return plots.draw([*curves, *published], measured, drawn, [metrics.PSNR])[0].render("png")


def _curve(name: str, points: Sequence[dict]) -> MeanCurve:
    bpp, psnr = (tuple(point[key] for point in points) for key in ("bpp", "psnr_db"))
    return MeanCurve(name, "", bpp, {"psnr_db": psnr})


def main() -> None:
    """Makes what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kodak", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--codec", default="default")
    options = parser.parse_args()
    if options.results:
        (options.out / "kodak_psnr.png").write_bytes(plot(options.results))
    if options.kodak:
        crops(options)


def crops(options: argparse.Namespace) -> None:
    """Both pictures of crops."""
    first = [(CROPS[2], 0.2), (CROPS[1], 0.4)]
    columns = ("JPEG", "AVIF", "jaxcodec", "structure-2026")
    short = sheet(options.kodak, options.codec, columns, first, 224)
    short.save(options.out / "comparison.webp", quality=90, method=6)
    rows = [(crop, bpp) for crop in CROPS for bpp in RATES]
    columns = ("AVIF", "AVIF 4:4:4", "jaxcodec", "structure-2026")
    whole = sheet(options.kodak, options.codec, columns, rows, 192)
    whole.save(options.out / "crops.webp", quality=90, method=6)


if __name__ == "__main__":
    main()
