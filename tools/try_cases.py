"""Encodes and decodes every file of a folder of odd images, and says which come out right.

    python tools/try_cases.py FOLDER [--out docs/cases.md] [--quality 100] [--codec default]

Each file goes the way of `jaxcodec encode` and `decode`: read, compressed, decoded. Beside its
notes, or the sentence of the error, the table shows the PSNR of what was read against what the file
holds, and of what was decoded against what was read. What the file holds is known by its name in a
folder with the plain pictures rgb.png, grey.png, rgba.png and la.png, and else worked out by
ImageMagick, where it is installed. The verdicts:

    ok        as it should be (30 dB and more), or read without complaint where nothing tells what
              it should be
    refused   an error that is a sentence; nothing was written
    differs   another reader sees another picture: look which one is right
    WRONG     not what the file is known to hold, a traceback, or decoded to another shape

How close the decoded picture is says nothing about reading: noise and checkerboards are no food for
a codec of photographs. Exit status 1 where something is WRONG.
"""

import argparse
import collections
import datetime
import io
import pathlib
import re
import shutil
import subprocess
import sys
import traceback
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image

import jaxcodec
from jaxcodec import image

CLOSE_DB = 30.0
P3 = np.array(
    [[1.2249402, -0.2249402, 0], [-0.0420570, 1.0420570, 0], [-0.0196376, -0.0786361, 1.0982736]]
)
BT2020 = np.array(
    [
        [1.660491, -0.5876411, -0.0728499],
        [-0.1245505, 1.1328999, -0.0083494],
        [-0.0181508, -0.1005789, 1.1187297],
    ]
)
"""Linear light of P3 and BT.2020 to that of sRGB, as CSS Color 4 has them."""


class Row(NamedTuple):
    file: str
    size: str
    words: str
    read_db: str
    reference: str
    decoded_db: str
    verdict: str


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="a Markdown file for the table")
    parser.add_argument("--quality", type=float, default=100.0)
    parser.add_argument("--codec", default="default")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    sys.stdout.reconfigure(errors="backslashreplace")  # names may be anything
    codec = jaxcodec.load(options.codec)
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    plain = known_pictures(options.folder)
    rows = []
    for path in files:
        rows.append(
            tried(codec, path, path.relative_to(options.folder).as_posix(), plain, options.quality)
        )
        print(" | ".join(rows[-1]), flush=True)
    counts = collections.Counter(row.verdict for row in rows)
    summary = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    print(summary)
    if options.out:
        options.out.write_text(markdown(options, rows, summary), errors="backslashreplace")
    return int(counts["WRONG"] > 0)


def tried(
    codec, path: pathlib.Path, name: str, plain: dict[str, np.ndarray], quality: float
) -> Row:
    try:
        picture = image.read(path)
        decoded = jaxcodec.decode(codec, jaxcodec.encode(codec, picture, quality=quality))
    except jaxcodec.CodecError as error:
        return Row(name, "", str(error).replace(str(path), path.name), "", "", "", "refused")
    except Exception:
        return Row(name, "", traceback.format_exc().splitlines()[-1], "", "", "", "WRONG")
    height, width, channels = picture.pixels.shape
    size, words = f"{width} x {height} x {channels}", "; ".join(picture.notes)
    coded = psnr(visible(decoded), visible(picture.pixels))
    held = held_by_name(name, plain)
    source = "its plain picture"
    if held is None:
        held, source = by_imagemagick(path), "ImageMagick"
    if held is None or visible(held).shape != visible(picture.pixels).shape:
        seen, verdict = None, "ok" if source == "ImageMagick" else "WRONG"
        source = "" if held is None else f"{source} (another size)"
    else:
        seen = psnr(visible(picture.pixels), visible(held))
        verdict = "ok" if seen >= CLOSE_DB else "differs" if source == "ImageMagick" else "WRONG"
    if decoded.shape != picture.pixels.shape:
        verdict = "WRONG"
    return Row(name, size, words, decibels(seen), source, decibels(coded), verdict)


def known_pictures(folder: pathlib.Path) -> dict[str, np.ndarray]:
    """The plain pictures of a folder that has them all, and a ramp from black to white of their
    size.
    """
    paths = {name: folder / f"{name}.png" for name in ("rgb", "grey", "rgba", "la")}
    if not all(path.exists() for path in paths.values()):
        return {}
    plain = {name: np.asarray(Image.open(path).convert("RGBA")) for name, path in paths.items()}
    height, width, _ = plain["rgb"].shape
    plain["ramp"] = as_rgba(
        np.broadcast_to(np.linspace(0, 255, width).round(), (height, width)).astype(np.uint8)
    )
    return plain


def through(held: np.ndarray, matrix: np.ndarray, gamma: float | None) -> np.ndarray:
    """RGBA whose colours, in a space of this matrix and gamma (None is sRGB's curve), are shown in
    sRGB.
    """
    values = held[..., :3] / 255
    light = (
        np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        if gamma is None
        else values**gamma
    )
    light = (light @ matrix.T).clip(0, 1)
    shown = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.dstack([(shown * 255).round().astype(np.uint8), held[..., 3]])


def inverted(held: np.ndarray) -> np.ndarray:
    return np.dstack([255 - held[..., :3], held[..., 3]])


def as_rgba(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(
        Image.fromarray(pixels.squeeze(2) if pixels.shape[2:] == (1,) else pixels).convert("RGBA")
    )


_RULES = (
    (r"grey(8|16)_white0", "ramp", inverted),
    (r"grey(10|12|16)(?!.*trns)|int16_signed", "ramp", None),
    (r"cicp_p3", "rgb", lambda held: through(held, P3, None)),
    (r"chrm_bt2020", "rgb", lambda held: through(held, BT2020, None)),
    (r"gama_linear", "rgb", lambda held: through(held, np.eye(3), 1.0)),
    (
        r"exif6|exif_good6|exif_orient6|exif_orient_(ascii|long)|orient6",
        "rgb",
        lambda held: np.rot90(held, -1),
    ),
    (r"exif_big_endian8", "rgb", lambda held: np.rot90(held)),
    (
        r"float_negative",
        "grey",
        lambda held: as_rgba((held[..., 0].astype(int) - 30).clip(0).astype(np.uint8)),
    ),
    (r"rgba(16|8_premultiplied)?\.", "rgba", None),
    (r"la\.|two_channels", "la", None),
    (r"grey4?\.|float(?!_rgb)|icc_gray|pfm|stack", "grey", None),
    (
        r"rgb(?!a|\.ico)|anim|bad_crc|cmyk|exif|float_rgb|gama_22|icc_|ifd_loop|itxt|jpg_called|lab|no_|pages|phys|"
        r"png_called|stereo|trailing|webp_called|xmp|ycbcr|trns_rgb|missing_last",
        "rgb",
        None,
    ),
)
"""A file's name, the plain picture that it holds, and what its storage makes of that."""


def held_by_name(name: str, plain: dict[str, np.ndarray]) -> np.ndarray | None:
    """What a file of the known folder holds, RGBA, or None."""
    if not plain:
        return None
    for pattern, which, change in _RULES:
        if re.match(pattern, name):
            return change(plain[which]) if change else plain[which]
    return None


def by_imagemagick(path: pathlib.Path) -> np.ndarray | None:
    """The first frame, upright, as ImageMagick sees it, RGBA; None where it is missing or cannot
    read the file.
    """
    command = shutil.which("magick") or shutil.which("convert")
    if command is None:
        return None
    options = ["-auto-orient", "-colorspace", "sRGB", "-depth", "8", "png32:-"]
    try:
        result = subprocess.run([command, f"{path}[0]", *options], capture_output=True, timeout=60)
        return np.asarray(Image.open(io.BytesIO(result.stdout)).convert("RGBA"))
    except (OSError, subprocess.TimeoutExpired):
        return None


def visible(pixels: np.ndarray) -> np.ndarray:
    """Colours times alpha, and alpha, as floats of 0 to 255: colour that cannot be seen does not
    count.
    """
    rgba = as_rgba(pixels).astype(np.float64)
    return np.dstack([rgba[..., :3] * rgba[..., 3:] / 255, rgba[..., 3]])


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    if one.shape != other.shape:
        return 0.0
    mse = ((one - other) ** 2)[..., :3].mean() + ((one - other) ** 2)[..., 3].mean()
    return float("inf") if mse == 0 else 10 * np.log10(255**2 / mse)


def decibels(value: float | None) -> str:
    return "" if value is None else "equal" if value == float("inf") else f"{value:.1f}"


def markdown(options: argparse.Namespace, rows: list[Row], summary: str) -> str:
    command = f"python tools/try_cases.py {options.folder} --out {options.out}"
    lines = [
        "# Odd image files, tried",
        "",
        f"`{command}`, {datetime.date.today()}, quality {options.quality:g}: {summary}.",
        "",
        "*held*: PSNR in dB of what was read against what the file holds, by its name or as "
        "another reader sees it; "
        "*coded*: of what was decoded against what was read. What is read how: "
        "[images.md](images.md).",
        "",
        "| file | size | notes, or why it is refused | held | against | coded | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
