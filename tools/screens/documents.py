"""Running text: a page, columns, notes."""

from tools.screens import words
from tools.screens.sheet import (
    MONO,
    Box,
    Sheet,
    box,
    fill,
    fit,
    mix,
    part,
    photograph,
    text,
    width_of,
)


def page(sheet: Sheet) -> None:
    """Headings and paragraphs over the whole sheet, as a browser or a reader shows them."""
    rng, theme = sheet.rng, sheet.theme
    fill(sheet, theme.back)
    size = rng.choice([9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 28])
    margin = rng.randint(4, max(5, sheet.width // 8))
    y = rng.randint(-size, 2 * size)
    while y < sheet.height:
        chance = rng.random()
        if chance < 0.3:
            large = round(size * rng.uniform(1.2, 2.2))
            colour = rng.choice([theme.ink, theme.ink, theme.accent])
            room = sheet.width - 2 * margin
            title = fit(sheet, words.phrase(rng, 2, 6), room, large, bold=True)
            text(sheet, (margin, y + large), title, colour, large, bold=True)
            y += 2 * large
        elif chance < 0.4:
            box(sheet, (margin, y, sheet.width - margin, y + 1), theme.line)
            y += size
        elif chance < 0.55:
            y = bullets(sheet, (margin, y, sheet.width - margin, sheet.height), size)
        else:
            edges = (margin, y, sheet.width - margin, sheet.height)
            y = paragraph(sheet, edges, size, rng.randint(15, 90)) + size


def columns(sheet: Sheet) -> None:
    """An article in two or three narrow columns, justified, with figures between."""
    rng, theme = sheet.rng, sheet.theme
    fill(sheet, theme.back)
    size, count = rng.choice([9, 9, 10, 10, 11, 12]), rng.choice([2, 2, 3])
    gap = 2 * size
    top = rng.choice([0, 6 * size])
    if top:
        middle = sheet.width / 2
        text(sheet, (middle, 2 * size), words.phrase(rng, 4, 7), size=2 * size, anchor="mm")
        names = ", ".join(words.person(rng) for _ in range(3))
        text(sheet, (middle, 4.4 * size), names, theme.faint, size, slanted=True, anchor="mm")
    width = (sheet.width - gap * (count + 1)) / count
    for index in range(count):
        left = gap + index * (width + gap)
        y = top + rng.randint(-size, 0) * (top == 0)
        while y < sheet.height:
            if rng.random() < 0.2:
                high = round(width * rng.uniform(0.4, 0.7))
                with part(sheet, (left, y, left + width, y + high)) as picture:
                    photograph(picture)
                y += high + size
            if rng.random() < 0.3:
                heading = f"{rng.randint(1, 9)}.{rng.randint(1, 9)} {words.phrase(rng, 1, 3)}"
                text(sheet, (left, y + size), heading, size=size + 2, bold=True)
                y += 2 * size + 4
            edges = (left, y, left + width, sheet.height)
            y = paragraph(sheet, edges, size, rng.randint(30, 120), justified=True) + size // 2


def notes(sheet: Sheet) -> None:
    """Short lines with marks, quotations and pieces of code, as in a wiki or a chat."""
    rng, theme = sheet.rng, sheet.theme
    fill(sheet, theme.back)
    size, y = rng.choice([10, 11, 12, 13, 14, 16]), 8
    while y < sheet.height:
        left = 2 * size + 12
        box(
            sheet, (6, y, 6 + 2 * size, y + 2 * size), rng.choice(theme.colours), radius=sheet.round
        )
        text(sheet, (6 + size, y + size), words.letters(rng, 1), (255, 255, 255), size, anchor="mm")
        used = text(sheet, (left, y + size // 2), words.person(rng), size=size, bold=True)
        text(sheet, (left + used + size, y + size // 2), words.date(rng), theme.faint, size - 2)
        y = paragraph(
            sheet, (left, y + size + 4, sheet.width - 8, sheet.height), size, rng.randint(4, 40)
        )
        if rng.random() < 0.4:
            high = rng.randint(2, 5)
            edges = (left, y + 2, sheet.width - 12, y + 10 + high * (size + 4))
            box(sheet, edges, theme.panel, theme.line, sheet.round)
            for line in range(high):
                code = f"{words.identifier(rng)} = {words.identifier(rng)}({words.number(rng)})"
                place = left + 8, y + 6 + (line + 0.5) * (size + 4)
                text(sheet, place, code, rng.choice(theme.colours), size - 1, family=MONO)
            y += 14 + high * (size + 4)
        y += size


def bullets(sheet: Sheet, edges: Box, size: int) -> float:
    """A list with marks; returns where it ends."""
    rng, y = sheet.rng, edges[1]
    for index in range(rng.randint(2, 6)):
        mark = f"{index + 1}." if size % 2 else "•"
        text(sheet, (edges[0] + size, y + size * 0.7), mark, size=size, anchor="rm")
        inner = (edges[0] + 1.6 * size, y, edges[2], edges[3])
        y = paragraph(sheet, inner, size, rng.randint(3, 20))
    return y + size


def paragraph(sheet: Sheet, edges: Box, size: int, count: int, justified: bool = False) -> float:
    """At least so many words within a box, with links and bold ones; returns where they end."""
    rng, theme = sheet.rng, sheet.theme
    step, space = round(size * 1.45), width_of(sheet, " ", size)
    text_words: list[str] = []
    while len(text_words) < count:
        text_words += words.sentence(rng)
    y, line, line_width = edges[1], [], 0.0
    for each in [*text_words, ""]:
        width = width_of(sheet, each, size)
        if line and (not each or line_width + width > edges[2] - edges[0]):
            spare = edges[2] - edges[0] - line_width + space
            wide = space + (spare / max(1, len(line) - 1) if justified and each else 0)
            x = edges[0]
            for piece in line:
                x += draw_word(sheet, (x, y + step / 2), piece, size) + wide
            y, line, line_width = y + step, [], 0.0
            if y > edges[3]:
                return y
        line.append(each)
        line_width += width + space
    if rng.random() < 0.05:
        box(sheet, (edges[0] - 6, edges[1], edges[0] - 3, y), mix(theme.accent, theme.back, 0.3))
    return y


def draw_word(sheet: Sheet, place: tuple[float, float], piece: str, size: int) -> float:
    """A word, now and then a link or bold; returns its width as a plain one."""
    chance, theme = sheet.rng.random(), sheet.theme
    width = width_of(sheet, piece, size)
    if chance < 0.05:
        text(sheet, place, piece, theme.accent, size)
        under = place[1] + size * 0.45
        box(sheet, (place[0], under, place[0] + width, under + 1), theme.accent)
    elif chance < 0.08:
        text(sheet, place, piece, size=size, slanted=True)
    elif chance < 0.09:
        back = (place[0] - 1, place[1] - size * 0.6, place[0] + width + 1, place[1] + size * 0.6)
        box(sheet, back, mix((255, 230, 0), theme.back, 0.5 * theme.dark))
        text(sheet, place, piece, size=size)
    else:
        text(sheet, place, piece, size=size)
    return width
