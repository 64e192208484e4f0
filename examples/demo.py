"""Compress a photograph with the bundled codec, decode it again, and show it beside JPEG.

`make demo` runs this. What it writes lies in the folder demo: the compressed file, the decoded
picture, the smallest JPEG that has at least as many bytes, and the three pictures side by side.
"""

import argparse
import dataclasses
import pathlib
import sys
import time

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import jaxcodec
from jaxcodec import image
from jaxcodec.codec import decode_picture
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.evaluation.classical import BASELINES
from jaxcodec.files import read_bytes, write_atomic
from jaxcodec.image import Picture
from jaxcodec.runtime import compile_cache
from jaxcodec.targets.encode import encode_picture

FOLDER = pathlib.Path("demo")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One row of the table: a name, a file's size in bytes, and the pixels that it decodes to,
    uint8 (H, W, 3).
    """

    name: str
    size: int
    pixels: np.ndarray

    @property
    def bpp(self) -> float:
        """Bits per pixel of the picture."""
        return self.size * 8 / (self.pixels.shape[0] * self.pixels.shape[1])


def main() -> int:
    """Run the demonstration; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bpp", type=float, default=0.5, help="size to keep to, in bits per pixel")
    options = parser.parse_args()
    compile_cache.enable()
    photo = data.astronaut()
    try:
        FOLDER.mkdir(exist_ok=True)
        image.write(FOLDER / "original.png", Picture(photo))
        ours = compress(photo, options.bpp)
        theirs = jpeg_no_smaller(photo, ours.size)
        show([Entry("original", (FOLDER / "original.png").stat().st_size, photo), ours, theirs])
    except jaxcodec.CodecError as error:
        print(f"demo: error: {error}", file=sys.stderr)
        return 2
    return 0


def compress(photo: np.ndarray, bpp: float) -> Entry:
    """Write photo.jxc at no more than `bpp` bits per pixel, and decoded.png from it."""
    codec = jaxcodec.load("default")
    start = time.perf_counter()
    encoded = encode_picture(codec, Picture(photo), bpp=bpp)
    write_atomic(FOLDER / "photo.jxc", encoded.data)
    middle = time.perf_counter()
    decoded = decode_picture(codec, read_bytes(FOLDER / "photo.jxc"))
    image.write(FOLDER / "decoded.png", decoded)
    end = time.perf_counter()
    print(
        f"asked for {bpp} bpp; encoded in {middle - start:.1f} s, decoded in {end - middle:.1f} s "
        "(the first run compiles, later ones are quicker)\n"
    )
    return Entry(f"jaxcodec, quality {encoded.quality:g}", len(encoded.data), decoded.pixels)


def jpeg_no_smaller(photo: np.ndarray, size: int) -> Entry:
    """Write photo.jpg: the lowest JPEG quality (optimised, 4:2:0) whose file has at least `size`
    bytes.
    """
    coder = BASELINES["jpeg"]
    for quality in range(1, 101):
        file = coder.encode(photo, quality)
        if len(file) >= size:
            break
    write_atomic(FOLDER / "photo.jpg", file)
    return Entry(f"JPEG, quality {quality}", len(file), coder.decode(file, quality))


def show(entries: list[Entry]) -> None:
    """Print the table and write side_by_side.png; the first entry is the original."""
    original = entries[0].pixels
    print(f"{'':<24}{'bytes':>9}{'bpp':>9}{'PSNR, dB':>10}")
    panels = []
    for entry in entries:
        psnr = "" if entry.pixels is original else f"{psnr_db(entry.pixels, original):.2f}"
        print(f"{entry.name:<24}{entry.size:>9,}{entry.bpp:>9.3f}{psnr:>10}")
        panels.append(
            _with_caption(entry, f"{entry.name}: {entry.bpp:.3f} bpp" + (psnr and f", {psnr} dB"))
        )
    image.write(FOLDER / "side_by_side.png", Picture(np.concatenate(panels, axis=1)))
    print(f"\nin {FOLDER}/: original.png, photo.jxc, decoded.png, photo.jpg, side_by_side.png")


def _with_caption(entry: Entry, caption: str) -> np.ndarray:
    height, width, _ = entry.pixels.shape
    panel = Image.new("RGB", (width, height + 32), "white")
    panel.paste(Image.fromarray(entry.pixels), (0, 32))
    ImageDraw.Draw(panel).text((8, 6), caption, fill="black", font=ImageFont.load_default(16))
    return np.asarray(panel)


if __name__ == "__main__":
    sys.exit(main())
