"""What all kinds are drawn with: a sheet, its theme, boxes, text, pictures."""

import colorsys
import contextlib
import functools
import pathlib
import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels; the last two are outside."""

LIGHT = ("#ffffff", "#ffffff", "#ffffff", "#fafafa", "#f4f4f6", "#fdf6e3", "#eef2f7", "#f0ece4")
DARK = ("#1e1e1e", "#0d1117", "#282c34", "#002b36", "#000000", "#2b2b2b", "#121212", "#1a1b2e")
FAMILIES = ("DejaVuSans", "DejaVuSans", "DejaVuSans", "DejaVuSerif")
MONO = "DejaVuSansMono"
SMOOTHINGS = ("grey", "grey", "grey", "grey", "grey", "colour", "colour", "none")
"""How letters are smoothed: in grey, in the thirds of a pixel (as screens do), or not."""

SHAPES = 4  # shapes are drawn this much larger and made smaller, for smooth edges


class Theme(NamedTuple):
    """The colours of a picture."""

    dark: bool
    back: Colour
    panel: Colour
    field: Colour
    ink: Colour
    faint: Colour
    line: Colour
    accent: Colour
    colours: tuple[Colour, ...]


class Sheet(NamedTuple):
    """A picture or a part of one to draw on, with the theme and random numbers of the whole.

    `family` and `base` are the font and its size in pixels, `smoothing` is one of SMOOTHINGS, and
    `round` is the radius of corners in pixels.
    """

    image: Image.Image
    pen: ImageDraw.ImageDraw
    rng: random.Random
    theme: Theme
    family: str
    base: int
    smoothing: str
    round: int

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    @property
    def row(self) -> int:
        """The height of a row of an interface, in pixels."""
        return round(self.base * 1.9)


def new_sheet(size: tuple[int, int], rng: random.Random) -> Sheet:
    """An empty sheet with a theme, a font and a size of text at random."""
    theme = new_theme(rng)
    image = Image.new("RGB", size, theme.back)
    base = rng.choice([9, 10, 11, 11, 12, 12, 13, 13, 14, 15, 16, 18, 20])
    looks = rng.choice(FAMILIES), base, rng.choice(SMOOTHINGS), rng.choice([0, 0, 3, 5, 8])
    return with_image(Sheet(image, ImageDraw.Draw(image), rng, theme, *looks), image)


def with_image(sheet: Sheet, image: Image.Image) -> Sheet:
    """The sheet with another picture to draw on."""
    pen = ImageDraw.Draw(image)
    pen.fontmode = "1" if sheet.smoothing == "none" else "L"
    return sheet._replace(image=image, pen=pen)


def new_theme(rng: random.Random) -> Theme:
    """Light or dark, with an accent and eight more colours of one lightness."""
    dark = rng.random() < 0.45
    back = rgb(rng.choice(DARK if dark else LIGHT))
    black, white = (0, 0, 0), (255, 255, 255)
    far = white if dark else black
    light = rng.uniform(0.6, 0.75) if dark else rng.uniform(0.3, 0.5)
    turn, strong = rng.random(), rng.uniform(0.5, 1)
    hues = [hue((turn + k / 8) % 1, light, strong) for k in range(8)]
    return Theme(
        dark,
        back,
        mix(back, rng.choice([far, far, hues[0]]), rng.uniform(0.04, 0.12)),
        mix(back, white if not dark else black, 0.6),
        mix(back, far, rng.uniform(0.75, 1)),
        mix(back, far, rng.uniform(0.4, 0.6)),
        mix(back, far, rng.uniform(0.12, 0.3)),
        hue(rng.random(), rng.uniform(0.5, 0.65) if dark else rng.uniform(0.3, 0.5), strong),
        tuple(rng.sample(hues, 8)),
    )


def rgb(text: str) -> Colour:
    """The colour of '#rrggbb'."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def hue(turn: float, lightness: float, saturation: float) -> Colour:
    """A colour of HLS; all three in [0, 1]."""
    red, green, blue = colorsys.hls_to_rgb(turn, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def mix(one: Colour, other: Colour, part: float) -> Colour:
    """So much of the other colour in one."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def legible(back: Colour) -> Colour:
    """Black or white, whichever can be read on a colour."""
    bright = 0.3 * back[0] + 0.6 * back[1] + 0.1 * back[2]
    return (20, 20, 20) if bright > 140 else (250, 250, 250)


@contextlib.contextmanager
def part(sheet: Sheet, box: Box) -> Iterator[Sheet]:
    """A sheet for a part, with an origin of its own; nothing is drawn outside of it."""
    left, top, right, bottom = (round(edge) for edge in box)
    size = max(1, right - left), max(1, bottom - top)
    own = sheet.image.crop((left, top, left + size[0], top + size[1]))
    yield with_image(sheet, own)
    if right > left and bottom > top:
        sheet.image.paste(own, (left, top))


def fill(sheet: Sheet, colour: Colour) -> None:
    """The whole sheet in a colour."""
    sheet.image.paste(colour, (0, 0, sheet.width, sheet.height))


def box(
    sheet: Sheet, edges: Box, colour: Colour | None, line: Colour | None = None, radius: int = 0
) -> None:
    """A rectangle with or without a line of one pixel; an empty one is not drawn."""
    left, top, right, bottom = (round(edge) for edge in edges)
    if right - left < 1 or bottom - top < 1:
        return
    radius = min(radius, (right - left) // 2, (bottom - top) // 2)
    if radius < 1:
        sheet.pen.rectangle((left, top, right - 1, bottom - 1), colour, line)
        return
    if line is not None:
        shape(sheet, "rounded", (left, top, right, bottom), line, radius)
        left, top, right, bottom, radius = left + 1, top + 1, right - 1, bottom - 1, radius - 1
    inner = colour if colour is not None else sheet.theme.back
    shape(sheet, "rounded", (left, top, right, bottom), inner, radius)


def shape(sheet: Sheet, kind: str, edges: Box, colour: Colour, radius: int = 3) -> None:
    """A shape with smooth edges that fills a box: rounded, round, a triangle, a diamond, a ring."""
    left, top, right, bottom = (round(edge) for edge in edges)
    width, height = (right - left) * SHAPES, (bottom - top) * SHAPES
    if width < 1 or height < 1:
        return
    mask = Image.new("L", (width, height))
    pen, whole = ImageDraw.Draw(mask), (0, 0, width - 1, height - 1)
    if kind == "rounded":
        pen.rounded_rectangle(whole, radius * SHAPES, 255)
    elif kind == "triangle":
        pen.polygon([(0, 0), (width, height / 2), (0, height)], 255)
    elif kind == "diamond":
        middle = width / 2, height / 2
        pen.polygon([(middle[0], 0), (width, middle[1]), (middle[0], height), (0, middle[1])], 255)
    else:
        pen.ellipse(whole, None if kind == "ring" else 255, 255, max(SHAPES, width // 8))
    mask = mask.resize((right - left, bottom - top), Image.Resampling.BOX)
    sheet.image.paste(colour, (left, top), mask)


def shadow(sheet: Sheet, edges: Box, blur: int, strength: float) -> None:
    """The soft shadow of a box, drawn before the box."""
    mask = Image.new("L", sheet.image.size)
    left, top, right, bottom = edges
    if right > left and bottom > top:
        ImageDraw.Draw(mask).rectangle((left, top + blur // 3, right, bottom + blur // 2), 255)
    mask = mask.filter(ImageFilter.GaussianBlur(blur / 2)).point(lambda v: round(v * strength))
    sheet.image.paste((0, 0, 0), (0, 0), mask)


def gradient(sheet: Sheet, one: Colour, other: Colour, slope: float) -> None:
    """The whole sheet from one colour to the other; slope 0 goes downwards, 1 to the right."""
    down, across = np.mgrid[0 : 1 : sheet.height * 1j, 0 : 1 : sheet.width * 1j]
    share = (down * (1 - slope) + across * slope)[..., None]
    pixels = np.array(one) * (1 - share) + np.array(other) * share
    sheet.image.paste(Image.fromarray(pixels.round().astype(np.uint8)), (0, 0))


def photograph(sheet: Sheet) -> None:
    """Soft noise of two or three colours over the sheet: it stands for a picture."""
    rng, size = sheet.rng, sheet.image.size
    numbers = np.random.default_rng(rng.getrandbits(32))
    share = np.zeros((size[1], size[0]))
    for side, weight in ((3, 0.6), (7, 0.3), (17, 0.15), (60, 0.05)):
        coarse = Image.fromarray(numbers.random((side, side), np.float32))
        share += weight * np.asarray(coarse.resize(size, Image.Resampling.BICUBIC))
    stops = np.array([hue(rng.random(), rng.uniform(0.1, 0.9), rng.random()) for _ in range(3)])
    share = np.clip(share * 2 - 0.1, 0, 1.999)[..., None]
    first = np.where(share < 1, stops[0], stops[1])
    second = np.where(share < 1, stops[1], stops[2])
    pixels = first + (second - first) * (share % 1)
    sheet.image.paste(Image.fromarray(pixels.round().astype(np.uint8)), (0, 0))


@functools.lru_cache
def font(
    family: str, size: int, bold: bool = False, slanted: bool = False
) -> ImageFont.FreeTypeFont:
    """A font of those that come with Matplotlib; the size is in pixels."""
    import matplotlib

    italic = "Italic" if family == "DejaVuSerif" else "Oblique"
    style = "-" * (bold or slanted) + "Bold" * bold + italic * slanted
    folder = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / f"{family}{style}.ttf", size)


def text(
    sheet: Sheet,
    place: tuple[float, float],
    words: str,
    colour: Colour | None = None,
    size: int | None = None,
    bold: bool = False,
    slanted: bool = False,
    family: str | None = None,
    anchor: str = "lm",
) -> float:
    """Words in a line; what is left out is the sheet's own.

    The anchor is Pillow's: l, m, r and t, m, s (the line that letters stand on), b. Returns the
    width in pixels.
    """
    face = font(family or sheet.family, size or sheet.base, bold, slanted)
    width = face.getlength(words)
    colour = colour or sheet.theme.ink
    at = round(place[0]), round(place[1])
    if sheet.smoothing != "colour":
        sheet.pen.text(at, words, colour, face, anchor)
        return width
    large = font(family or sheet.family, 3 * (size or sheet.base), bold, slanted)
    left, top, right, bottom = large.getbbox(words, anchor=anchor)
    left, top = int(left // 3 - 1), int(top // 3 - 1)
    wide, high = int(right // 3 + 2 - left), int(bottom // 3 + 2 - top)
    mask = Image.new("L", (3 * wide, 3 * high))
    ImageDraw.Draw(mask).text((-3 * left, -3 * top), words, 255, large, anchor)
    thirds = np.asarray(mask, np.float32).reshape(high, 3, 3 * wide).mean(1)
    thirds = (np.roll(thirds, 1, 1) + thirds + np.roll(thirds, -1, 1)) / 3
    share = thirds.reshape(high, wide, 3) / 255
    corner = at[0] + left, at[1] + top
    edges = (*corner, corner[0] + wide, corner[1] + high)
    under = np.asarray(sheet.image.crop(edges), np.float32)
    pixels = under + (np.array(colour, np.float32) - under) * share
    sheet.image.paste(Image.fromarray(pixels.round().astype(np.uint8)), corner)
    return width


def width_of(sheet: Sheet, words: str, size: int | None = None, family: str | None = None) -> float:
    """The width of a line of text in pixels."""
    return font(family or sheet.family, size or sheet.base).getlength(words)


def fit(sheet: Sheet, words: str, room: float, size: int | None = None, bold: bool = False) -> str:
    """The words, or their beginning and an ellipsis, within so many pixels."""
    face = font(sheet.family, size or sheet.base, bold)
    if face.getlength(words) <= room:
        return words
    while words and face.getlength(words + "…") > room:
        words = words[:-1]
    return words + "…" if words else ""
