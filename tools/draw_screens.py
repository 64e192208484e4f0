"""Draws pictures like what people see on screens into a folder, to train with beside photographs.

    python tools/draw_screens.py OUT_DIR [--count 48] [--seed 0] [--size 640x480]
    python train.py --config=configs/NAME.py --workdir=DIR --config.data.folders=PHOTOS,OUT_DIR

Running text, programs, terminals, tables, windows, web pages, charts, diagrams and maps, in light
and dark themes. The kinds take turns. A picture is a function of seed, number and size, under the
same versions of Pillow and Matplotlib. The fonts are those that come with Matplotlib.
"""

import argparse
import pathlib
import random
import re
import sys

from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from tools.screens import charts, diagrams, documents, interfaces, programs, tables, web
from tools.screens.sheet import new_sheet

KINDS = (
    documents.page,
    programs.editor,
    interfaces.desktop,
    charts.chart,
    web.site,
    tables.spreadsheet,
    programs.terminal,
    interfaces.application,
    diagrams.boxes,
    documents.columns,
    web.shop,
    interfaces.dialog,
    tables.listing,
    programs.code,
    charts.chart,
    web.form,
    documents.notes,
    interfaces.settings,
    diagrams.town,
    tables.report,
    programs.changes,
    web.dashboard,
    diagrams.plan,
)
"""What draws a picture, in turn."""


def main(arguments: list[str] | None = None) -> int:
    """Draws the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=pathlib.Path, metavar="OUT_DIR")
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=size, default=(640, 480), help="WIDTHxHEIGHT in pixels")
    options = parser.parse_args(arguments)
    folder = options.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        print(f"{folder} is not an empty folder; name a new one.", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.count):
        drawn = picture(options.seed, number, options.size)
        drawn.save(folder / f"screen_{options.seed}_{number:04d}.png")
    return 0


def size(text: str) -> tuple[int, int]:
    """Width and height of 'WIDTHxHEIGHT'."""
    match = re.fullmatch(r"([1-9]\d{1,4})x([1-9]\d{1,4})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no WIDTHxHEIGHT of at least 10x10 pixels")
    return int(match[1]), int(match[2])


def picture(seed: int, number: int, size: tuple[int, int]) -> Image.Image:
    """The RGB picture of a number, of (width, height) pixels."""
    sheet = new_sheet(size, random.Random(f"{seed}/{number}"))
    KINDS[number % len(KINDS)](sheet)
    return sheet.image


if __name__ == "__main__":
    sys.exit(main())
