"""Lines and areas with labels: boxes with arrows, a map, a plan of times."""

import math

from tools.screens import words
from tools.screens.sheet import (
    SHAPES,
    Colour,
    Sheet,
    box,
    fill,
    legible,
    mix,
    shape,
    text,
)

Point = tuple[float, float]


def boxes(sheet: Sheet) -> None:
    """Boxes, round ones and diamonds with names, joined by arrows."""
    rng, theme, base = sheet.rng, sheet.theme, sheet.base
    fill(sheet, theme.back)
    if rng.random() < 0.3:
        dots(sheet)
    across, down = max(2, sheet.width // (11 * base)), max(2, sheet.height // (6 * base))
    wide, high = sheet.width / across, sheet.height / down
    nodes = [
        ((column + rng.uniform(0.4, 0.6)) * wide, (row + rng.uniform(0.4, 0.6)) * high)
        for row in range(down)
        for column in range(across)
        if rng.random() < 0.75
    ]
    for start, end in zip(nodes, nodes[1:], strict=False):
        arrow(sheet, start, end, (0.36 * wide, 0.3 * high))
        if rng.random() < 0.3:
            middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - base * 0.7
            text(sheet, middle, words.word(rng), theme.faint, base - 1, anchor="mm")
    for x, y in nodes:
        edges = (x - 0.36 * wide, y - 0.3 * high, x + 0.36 * wide, y + 0.3 * high)
        kind = rng.choice(["box", "box", "rounded", "round", "diamond"])
        back = rng.choice(
            [theme.field, rng.choice(theme.colours), mix(theme.back, theme.accent, 0.3)]
        )
        if kind == "box":
            box(sheet, edges, back, theme.ink)
        else:
            shape(sheet, kind, edges, theme.ink, 8)
            inner = (edges[0] + 1, edges[1] + 1, edges[2] - 1, edges[3] - 1)
            shape(sheet, kind, inner, back, 7)
        text(sheet, (x, y), words.word(rng).capitalize(), legible(back), anchor="mm")


def dots(sheet: Sheet) -> None:
    """A fine raster, as programs for drawing have it."""
    step = sheet.rng.choice([8, 12, 20])
    for y in range(0, sheet.height, step):
        for x in range(0, sheet.width, step):
            sheet.pen.point((x, y), sheet.theme.line)


def arrow(sheet: Sheet, start: Point, end: Point, reach: Point) -> None:
    """A line, straight or with a corner, that ends with a head at the edge of the last box."""
    theme, rng = sheet.theme, sheet.rng
    colour = rng.choice([theme.ink, theme.faint, theme.accent])
    if rng.random() < 0.5:
        corner = (end[0], start[1])
        sheet.pen.line([start, corner, end], colour, 1)
        sign = math.copysign(1, end[1] - start[1])
        tip, angle = (end[0], end[1] - sign * reach[1]), sign * math.pi / 2
    else:
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        flat, steep = abs(math.cos(angle)), abs(math.sin(angle))
        back = min(reach[0] / max(flat, 1e-6), reach[1] / max(steep, 1e-6))
        tip = end[0] - back * math.cos(angle), end[1] - back * math.sin(angle)
        smooth_line(sheet, [start, tip], colour, 1.5)
    sides = [
        (tip[0] - 8 * math.cos(angle + turn), tip[1] - 8 * math.sin(angle + turn))
        for turn in (-0.4, 0.4)
    ]
    sheet.pen.polygon([tip, *sides], colour)


def smooth_line(sheet: Sheet, points: list[Point], colour: Colour, wide: float) -> None:
    """A line with smooth edges, drawn large and made smaller."""
    from PIL import Image, ImageDraw

    mask = Image.new("L", (sheet.width * SHAPES, sheet.height * SHAPES))
    large = [(x * SHAPES, y * SHAPES) for x, y in points]
    ImageDraw.Draw(mask).line(large, 255, max(1, round(wide * SHAPES)), joint="curve")
    sheet.image.paste(colour, (0, 0), mask.resize(sheet.image.size, Image.Resampling.BOX))


def town(sheet: Sheet) -> None:
    """A map: land, water, parks, roads with light middles, a railway, names, marks."""
    rng = sheet.rng
    dark = sheet.theme.dark
    land, water, park, road, edge = (
        ((36, 40, 48), (20, 40, 70), (32, 60, 45), (90, 95, 105), (15, 15, 20))
        if dark
        else ((242, 239, 233), (170, 211, 223), (200, 235, 180), (255, 255, 255), (190, 180, 170))
    )
    fill(sheet, land)
    for colour in (park, water, park, water):
        around = rng.uniform(0, sheet.width), rng.uniform(0, sheet.height)
        sheet.pen.polygon(blob(sheet, around, rng.uniform(0.1, 0.35) * sheet.width), colour)
    for _ in range(90):
        x, y = rng.uniform(0, sheet.width), rng.uniform(0, sheet.height)
        edges = (x, y, x + rng.randint(6, 22), y + rng.randint(6, 22))
        box(sheet, edges, mix(land, edge, 0.3), mix(land, edge, 0.6))
    roads = [(course(sheet), rng.choice([2, 3, 4, 7])) for _ in range(14)]
    for points, wide in roads:
        smooth_line(sheet, points, edge, wide + 2)
    for points, wide in roads:
        strong = (250, 190, 90) if wide == 7 else (255, 240, 170) if wide == 4 else road
        smooth_line(sheet, points, strong if not dark else mix(strong, land, 0.4), wide)
    ink, halo = (230, 230, 230) if dark else (60, 60, 60), (0, 0, 0) if dark else (255, 255, 255)
    for _ in range(16):
        place = rng.uniform(0, sheet.width), rng.uniform(0, sheet.height)
        name, size = words.phrase(rng, 1, 2), rng.choice([9, 10, 11, 13, 16])
        for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            text(sheet, (place[0] + x, place[1] + y), name, halo, size, anchor="mm")
        text(sheet, place, name, ink, size, anchor="mm")
        if rng.random() < 0.5:
            dot = (place[0] - 5, place[1] + 10, place[0] + 5, place[1] + 20)
            shape(sheet, "round", dot, rng.choice(sheet.theme.colours))


def blob(sheet: Sheet, middle: Point, radius: float) -> list[Point]:
    """The corners of a round area with an uneven edge."""
    rng, reach = sheet.rng, radius
    points = []
    for step in range(40):
        reach = 0.8 * reach + 0.2 * radius * rng.uniform(0.5, 1.5)
        turn = step / 40 * 2 * math.pi
        points.append((middle[0] + reach * math.cos(turn), middle[1] + reach * math.sin(turn)))
    return points


def course(sheet: Sheet) -> list[Point]:
    """The points of a road from one edge to another, nearly straight."""
    rng, long = sheet.rng, max(sheet.image.size)
    x, y = rng.uniform(0, sheet.width), rng.uniform(0, sheet.height)
    turn = rng.choice([0, math.pi / 2]) + rng.gauss(0.3, 0.15)
    x, y = x - long * math.cos(turn), y - long * math.sin(turn)
    points = [(x, y)]
    for _ in range(30):
        turn += rng.gauss(0, 0.06)
        x, y = x + long / 14 * math.cos(turn), y + long / 14 * math.sin(turn)
        points.append((x, y))
    return points


def plan(sheet: Sheet) -> None:
    """A month of days with entries, or bars of tasks over weeks."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.back)
    across, wide = 7, sheet.width / 7
    month = rng.random() < 0.5
    high = max(row * 2, (sheet.height - 2 * row) / 5) if month else row * 1.2
    text(sheet, (8, row / 2), f"{rng.choice(words.MONTHS)} {rng.randint(2000, 2030)}", bold=True)
    for column in range(across):
        x = column * wide
        box(sheet, (x, row, x + 1, sheet.height), theme.line)
        text(sheet, (x + wide / 2, 1.5 * row), words.MONTHS[column], theme.faint, anchor="mm")
    for index in range(int((sheet.height - 2 * row) // high) + 1):
        y = 2 * row + index * high
        box(sheet, (0, y, sheet.width, y + 1), theme.line)
        for column in range(across if month else 1):
            x = column * wide if month else rng.uniform(0, 0.7) * sheet.width
            if month:
                text(sheet, (x + 4, y + row / 2), str((index * 7 + column) % 31 + 1), theme.faint)
            if rng.random() < (0.5 if month else 0.9):
                back = rng.choice(theme.colours)
                long = wide - 3 if month else rng.uniform(0.1, 0.4) * sheet.width
                start = y + row if month else y + 2
                edges = (x + 2, start, x + long, min(start + row - 2, y + high - 1))
                box(sheet, edges, back, radius=sheet.round)
                name = words.word(rng)[: int(long / sheet.base)]
                text(sheet, (x + 6, start + row / 2 - 1), name, legible(back), sheet.base - 1)
