"""Charts that Matplotlib draws, with its own fonts: one to four on a sheet."""

import random
import warnings
from typing import Any

import numpy as np
from PIL import Image

from tools.screens import words
from tools.screens.sheet import Sheet, hue

STYLES = ("default", "default", "classic", "ggplot", "bmh", "fivethirtyeight", "Solarize_Light2")
DARK_STYLES = ("dark_background", "dark_background", "grayscale")
MAPS = ("viridis", "plasma", "coolwarm", "jet", "gray", "RdYlGn", "tab20", "magma", "Blues")


def chart(sheet: Sheet) -> None:
    """One chart, or up to four side by side, in a style of Matplotlib's."""
    import matplotlib
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rng, (width, height) = sheet.rng, sheet.image.size
    own = {
        "font.family": sheet.family.replace("DejaVu", "DejaVu "),
        "font.size": sheet.base * 0.72,  # points, of which 72 are 100 pixels here
        "axes.titlesize": sheet.base * 0.85,
        "axes.labelsize": sheet.base * 0.72,
        "lines.antialiased": True,
    }
    name = rng.choice(DARK_STYLES[:2] if sheet.theme.dark else STYLES)
    with warnings.catch_warnings(), matplotlib.rc_context():
        warnings.simplefilter("ignore")  # a small sheet has no room for every label
        matplotlib.rcdefaults()
        style.use(name)
        matplotlib.rcParams.update(own)
        figure = Figure((width / 100, height / 100), 100, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        rows = 2 if height > 300 and rng.random() < 0.3 else 1
        across = 2 if width > 400 and rng.random() < 0.4 else 1
        for index in range(rows * across):
            paint = rng.choice(PAINTERS)
            polar = {"projection": "polar"} if paint is rose else {}
            axes = figure.add_subplot(rows, across, index + 1, **polar)
            paint(axes, rng, np.random.default_rng(rng.getrandbits(32)))
            annotate(axes, rng, paint not in (heat, pie, rose))
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    sheet.image.paste(Image.fromarray(pixels.copy()), (0, 0))


def annotate(axes: Any, rng: random.Random, grids: bool) -> None:
    """Title, names of the axes, grid and legend, each at random."""
    if rng.random() < 0.7:
        axes.set_title(words.phrase(rng, 1, 5))
    if grids:
        axes.set_xlabel(f"{words.phrase(rng, 1, 2)} ({rng.choice(['s', 'dB', 'bpp', 'kg', '%'])})")
        axes.set_ylabel(words.phrase(rng, 1, 2))
        axes.grid(rng.random() < 0.6, linestyle=rng.choice(["-", "--", ":"]), alpha=0.6)
    if axes.get_legend_handles_labels()[0] and rng.random() < 0.8:
        axes.legend(loc=rng.choice(["best", "upper left", "lower right"]))


def lines(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """Curves: smooth ones, walks at random, curves that rise and saturate."""
    kind, count = rng.randint(0, 2), rng.choice([8, 20, 100, 400])
    x = np.linspace(0.1, rng.uniform(1, 50), count)
    for _ in range(rng.randint(1, 6)):
        y = (
            numbers.normal(0, 1, count).cumsum(),
            np.sin(x * numbers.uniform(0.2, 2) + numbers.uniform(0, 6)) * numbers.uniform(1, 4),
            numbers.uniform(5, 10) * np.log(x + 1) + numbers.normal(0, 0.3, count),
        )[kind]
        marker = rng.choice(["", "", "o", "s", "^", "x", "+"]) if count <= 20 else ""
        dash, wide = rng.choice(["-", "-", "--", ":", "-."]), rng.choice([0.8, 1.2, 2])
        axes.plot(x, y, dash, marker=marker, linewidth=wide, label=words.phrase(rng, 1, 2))
        if rng.random() < 0.2:
            axes.fill_between(x, y - 1, y + 1, alpha=0.3)
    if kind == 2 and rng.random() < 0.3:
        axes.set_xscale("log")


def bars(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """Groups of bars, upright or horizontal, or on each other."""
    groups, count = rng.randint(1, 4), rng.randint(3, 12)
    horizontal, stacked = rng.random() < 0.3, rng.random() < 0.4
    names = [words.word(rng)[:7] for _ in range(count)]
    base, places = np.zeros(count), np.arange(count)
    for index in range(groups):
        values, label = numbers.uniform(1, 100, count), words.phrase(rng, 1, 2)
        thick = 0.8 if stacked else 0.8 / groups
        at = places if stacked else places + index * thick
        if horizontal:
            axes.barh(at, values, thick, left=base if stacked else 0, label=label)
        else:
            axes.bar(at, values, thick, bottom=base if stacked else 0, label=label)
        base = base + values
    if horizontal:
        axes.set_yticks(places, names)
    else:
        axes.set_xticks(places, names, rotation=rng.choice([0, 30, 45, 90]))


def scatter(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """Clouds of points, some with sizes or colours by value."""
    for _ in range(rng.randint(1, 5)):
        count = rng.choice([10, 50, 300])
        x = numbers.normal(numbers.uniform(-5, 5), 1, count)
        y = x * numbers.uniform(-1, 1) + numbers.normal(0, 1, count)
        sizes = numbers.uniform(2, 80, count) if rng.random() < 0.4 else rng.choice([4, 12, 30])
        shape = rng.choice(["o", "s", "^", "D", "x", "."])
        axes.scatter(x, y, sizes, marker=shape, alpha=rng.uniform(0.5, 1), label=words.word(rng))


def heat(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """A matrix in colours, with its numbers where it is small."""
    side = rng.choice([4, 6, 8, 12, 30])
    values = numbers.normal(0, 1, (side, side))
    image = axes.imshow(values, rng.choice(MAPS), aspect=rng.choice(["auto", "equal"]))
    axes.figure.colorbar(image, ax=axes)
    if side <= 8:
        for row in range(side):
            for column in range(side):
                label = f"{values[row, column]:.1f}"
                axes.text(column, row, label, ha="center", va="center", color="white")


def pie(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """Slices with names and percentages, some with a hole."""
    count = rng.randint(3, 8)
    colours = [np.array(hue(rng.random(), rng.uniform(0.3, 0.7), 0.8)) / 255 for _ in range(count)]
    names = [words.word(rng) for _ in range(count)]
    ring = {"width": 0.4} if rng.random() < 0.4 else {}
    own = rng.choice([colours, None])
    axes.pie(numbers.uniform(1, 10, count), None, names, own, autopct="%.0f%%", wedgeprops=ring)


def histogram(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """Counts of values, one or two sets, filled or as steps."""
    kind = rng.choice(["bar", "step", "stepfilled"])
    for _ in range(rng.randint(1, 3)):
        values = numbers.normal(numbers.uniform(-2, 2), numbers.uniform(0.5, 2), 1000)
        axes.hist(values, rng.choice([10, 30, 80]), histtype=kind, alpha=0.7, label=words.word(rng))


def contours(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """A smooth surface by its lines or its areas."""
    y, x = np.mgrid[-3:3:60j, -3:3:60j]
    a, b, c, d = numbers.uniform(0.5, 2, 4)
    z = np.sin(a * x + b) * np.cos(c * y) + np.exp(-((x - d) ** 2) - y**2)
    paint = axes.contourf if rng.random() < 0.5 else axes.contour
    drawn = paint(x, y, z, rng.choice([6, 12, 20]), cmap=rng.choice(MAPS))
    axes.figure.colorbar(drawn, ax=axes)


def spreads(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """Boxes with whiskers, or means with their errors."""
    count = rng.randint(3, 9)
    if rng.random() < 0.5:
        axes.boxplot([numbers.normal(k, 1 + k % 3, 60) for k in range(count)])
    else:
        x, y = np.arange(count), numbers.uniform(1, 9, count)
        axes.errorbar(
            x, y, numbers.uniform(0.2, 2, count), fmt="o-", capsize=3, label=words.word(rng)
        )


def rose(axes: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """Bars around a middle."""
    count = rng.randint(6, 20)
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    colours = [np.array(hue(k / count, 0.5, 0.8)) / 255 for k in range(count)]
    axes.bar(
        turns, numbers.uniform(1, 10, count), 5 / count, color=colours, alpha=rng.uniform(0.5, 1)
    )


PAINTERS = (lines, lines, bars, bars, scatter, heat, pie, histogram, contours, spreads, rose)
