"""Programs with windows: a desktop, an application, a dialog, settings; and their parts."""

import math

from tools.screens import documents, programs, tables, words
from tools.screens.sheet import (
    Box,
    Sheet,
    box,
    fill,
    fit,
    gradient,
    hue,
    legible,
    mix,
    part,
    photograph,
    shadow,
    shape,
    text,
    width_of,
)


def desktop(sheet: Sheet) -> None:
    """Windows over each other before a picture, a bar, small icons."""
    rng, theme = sheet.rng, sheet.theme
    if rng.random() < 0.5:
        photograph(sheet)
    else:
        gradient(sheet, hue(rng.random(), 0.3, 0.6), hue(rng.random(), 0.6, 0.6), rng.random())
    side = 3 * sheet.base
    for index in range(sheet.height // (2 * side)):
        x, y = side / 2, side / 2 + index * 2 * side
        icon(sheet, (x, y, x + side, y + side))
        place = x + side / 2, y + side + sheet.base * 0.7
        text(sheet, place, words.phrase(rng, 1, 1), (255, 255, 255), sheet.base - 1, anchor="mm")
    for _ in range(rng.randint(2, 4)):
        wide = round(sheet.width * rng.uniform(0.3, 0.7))
        high = round(sheet.height * rng.uniform(0.3, 0.7))
        left = rng.randint(2 * side, max(2 * side, sheet.width - wide // 2))
        window(sheet, (left, y := rng.randint(0, sheet.height // 2), left + wide, y + high))
    with part(sheet, (0, sheet.height - 1.4 * sheet.row, sheet.width, sheet.height)) as bar:
        fill(bar, theme.panel)
        for x in range(4, bar.width - 6 * sheet.base, round(1.6 * sheet.row)):
            icon(bar, (x, 4, x + bar.height - 8, bar.height - 4))
        text(bar, (bar.width - 6, bar.height / 2), words.date(rng), anchor="rm")


def window(sheet: Sheet, edges: Box) -> None:
    """A window with a title, buttons, a shadow, and something within."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    left, top, right, bottom = edges
    shadow(sheet, edges, rng.choice([8, 16, 24]), rng.uniform(0.2, 0.6))
    box(sheet, (left - 1, top - 1, right + 1, bottom + 1), theme.back, theme.line, sheet.round)
    bar = rng.choice([theme.panel, theme.panel, theme.accent])
    box(sheet, (left, top, right, top + row), bar, radius=max(0, sheet.round - 1))
    centred = rng.random() < 0.5
    middle = top + row / 2
    title = fit(sheet, words.phrase(rng, 1, 4), right - left - 10 * sheet.base)
    place = (left + right) / 2 if centred else left + sheet.base
    text(sheet, (place, middle), title, legible(bar), anchor="mm" if centred else "lm")
    side = sheet.base
    for index, colour in enumerate(((255, 95, 87), (254, 188, 46), (40, 200, 64))):
        x = left + 6 + index * 1.5 * side if centred else right - 6 - (index + 1) * 1.7 * side
        if centred:
            shape(sheet, "round", (x, middle - side / 2, x + side, middle + side / 2), colour)
        else:
            text(sheet, (x + side / 2, middle), "×□–"[index], legible(bar), anchor="mm")
    inner = (
        documents.page,
        programs.code,
        programs.terminal,
        tables.listing,
        tables.spreadsheet,
        settings,
        photograph,
        documents.notes,
    )
    with part(sheet, (left, top + row, right, bottom)) as body:
        rng.choice(inner)(body)


def application(sheet: Sheet) -> None:
    """A window over the whole sheet: menu, tools, a list at the side, a body, a bar below."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.panel)
    x = 8.0
    for _ in range(9):
        x += text(sheet, (x, row / 2), words.phrase(rng, 1, 1)) + sheet.base
    tools = round(row * 1.5)
    for index in range(sheet.width // tools):
        x = 4 + index * tools
        if rng.random() < 0.15:
            box(sheet, (x, row + 4, x + 1, row + tools - 4), theme.line)
        else:
            icon(sheet, (x + 4, row + 4, x + tools - 4, row + tools - 4))
    top, side = row + tools, round(sheet.width * rng.uniform(0.15, 0.3))
    box(sheet, (0, top, sheet.width, top + 1), theme.line)
    chosen = rng.randint(0, 8)
    for index in range((sheet.height - top) // row):
        y = top + 4 + index * row
        if index == chosen:
            box(sheet, (4, y, side - 4, y + row), theme.accent, radius=sheet.round)
        ink = legible(theme.accent) if index == chosen else theme.ink
        icon(sheet, (10, y + 4, 10 + sheet.base, y + 4 + sheet.base))
        with part(sheet, (0, y, side - 6, y + row)) as line:
            text(line, (16 + sheet.base, row / 2), words.phrase(rng, 1, 3), ink)
    bottom = sheet.height - row
    inner = (documents.page, documents.columns, tables.listing, tables.spreadsheet, photograph)
    with part(sheet, (side, top + 1, sheet.width - 12, bottom)) as body:
        rng.choice(inner)(body)
    scroll_bar(sheet, (sheet.width - 12, top + 1, sheet.width, bottom))
    box(sheet, (0, bottom, sheet.width, sheet.height), theme.panel, theme.line)
    text(sheet, (8, bottom + row / 2), " ".join(words.sentence(rng)), theme.faint, sheet.base - 1)


def dialog(sheet: Sheet) -> None:
    """A question with buttons, before a page or a program that is darkened."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    rng.choice([documents.page, programs.code, tables.spreadsheet, photograph])(sheet)
    dim = sheet.image.point(lambda value: round(value * 0.6))
    sheet.image.paste(dim, (0, 0))
    wide = round(sheet.width * rng.uniform(0.5, 0.8))
    left = (sheet.width - wide) // 2
    high = min(sheet.height - 8, row * rng.randint(6, 10))
    top = (sheet.height - high) // 2
    edges = (left, top, left + wide, top + high)
    shadow(sheet, edges, 24, 0.5)
    box(sheet, edges, theme.back, theme.line, sheet.round)
    with part(sheet, (left + row / 2, top + 4, left + wide - row / 2, top + high - 4)) as body:
        icon(body, (0, row / 2, 1.5 * row, 2 * row))
        large = round(sheet.base * 1.3)
        title = fit(body, words.phrase(rng, 2, 6), body.width - 2 * row, large, bold=True)
        text(body, (2 * row, row * 0.8), title, size=large, bold=True)
        room = (2 * row, 1.5 * row, body.width, body.height - 3.5 * row)
        y = documents.paragraph(body, room, sheet.base, rng.randint(8, 40))
        if y + 3 * row < body.height:
            field(body, (2 * row, y + 4, body.width, y + 4 + 1.2 * row), words.path(rng))
        x = float(body.width)
        for index in range(rng.randint(1, 3)):
            name = words.phrase(rng, 1, 2)
            x -= width_of(sheet, name) + 2.5 * row
            button(body, (x, body.height - 1.5 * row), name, index == 0)


def settings(sheet: Sheet) -> None:
    """Tabs, groups of check boxes, choices, sliders, fields and buttons."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.panel)
    x = 6.0
    for index in range(5):
        name = words.phrase(rng, 1, 2)
        wide = width_of(sheet, name) + 2 * sheet.base
        box(sheet, (x, 4, x + wide, row + 5), theme.panel if index else theme.back, theme.line)
        text(sheet, (x + wide / 2, 4 + row / 2), name, anchor="mm")
        x += wide
    box(sheet, (6, row + 4, sheet.width - 6, sheet.height - 6), theme.back, theme.line)
    across = max(1, sheet.width // (20 * sheet.base))
    for column in range(across):
        wide = (sheet.width - 24) / across
        edges = (12 + column * wide, 1.5 * row + 4, 12 + (column + 1) * wide - 8, sheet.height - 10)
        with part(sheet, edges) as group:
            y = 0.0
            while y < group.height:
                text(group, (0, y + row / 2), words.phrase(rng, 1, 3), bold=True)
                y += row
                for _ in range(rng.randint(2, 5)):
                    control(group, y)
                    y += round(1.2 * row)


def control(sheet: Sheet, y: float) -> None:
    """One of the things that a person can set, in a row of the sheet."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    kind, on, side, middle = rng.randint(0, 5), rng.random() < 0.5, sheet.base + 2, y + row / 2
    mark = (2, middle - side / 2, 2 + side, middle + side / 2)
    name = words.phrase(rng, 1, 4)
    if kind == 0:
        box(sheet, mark, theme.accent if on else theme.field, theme.faint, min(2, sheet.round))
        if on:
            points = [(4, middle), (side / 2, mark[3] - 4), (side - 1, mark[1] + 3)]
            sheet.pen.line(points, legible(theme.accent), 2)
        text(sheet, (side + 8, middle), name)
    elif kind == 1:
        shape(sheet, "round", mark, theme.field)
        shape(sheet, "ring", mark, theme.accent if on else theme.faint)
        if on:
            dot = (2 + side * 0.3, mark[1] + side * 0.3, 2 + side * 0.7, mark[1] + side * 0.7)
            shape(sheet, "round", dot, theme.accent)
        text(sheet, (side + 8, middle), name)
    elif kind == 2:
        end = 2 * side + 2
        back = theme.accent if on else theme.line
        box(sheet, (2, mark[1], end, mark[3]), back, radius=side)
        x = end - side if on else 2
        shape(sheet, "round", (x + 1, mark[1] + 1, x + side - 1, mark[3] - 1), (255, 255, 255))
        text(sheet, (end + 8, middle), name)
    elif kind == 3:
        x = sheet.width * rng.uniform(0.1, 0.9)
        box(sheet, (2, middle - 2, sheet.width - 8, middle + 2), theme.line, radius=2)
        box(sheet, (2, middle - 2, x, middle + 2), theme.accent, radius=2)
        shape(sheet, "round", (x - side / 2, mark[1], x + side / 2, mark[3]), theme.accent)
    elif kind == 4:
        field(sheet, (2, y, sheet.width - 8, y + row), rng.choice([name, words.number(rng)]))
    else:
        button(sheet, (2, y), name, on)


def field(sheet: Sheet, edges: Box, label: str) -> None:
    """A place to write in, with the words that are there."""
    box(sheet, edges, sheet.theme.field, sheet.theme.faint, sheet.round)
    with part(sheet, (edges[0] + 2, edges[1] + 2, edges[2] - 2, edges[3] - 2)) as inner:
        if inner.width > 4:
            fill(inner, sheet.theme.field)
            text(inner, (5, inner.height / 2), label)


def button(sheet: Sheet, place: tuple[float, float], name: str, chief: bool) -> float:
    """A button, with a colour where it is the chief one; returns its width."""
    theme, (x, y) = sheet.theme, place
    wide = width_of(sheet, name) + 2 * sheet.base
    back = theme.accent if chief else theme.panel
    box(sheet, (x, y, x + wide, y + sheet.row), back, mix(back, theme.ink, 0.4), sheet.round)
    text(sheet, (x + wide / 2, y + sheet.row / 2), name, legible(back), anchor="mm")
    return wide


def scroll_bar(sheet: Sheet, edges: Box) -> None:
    """A bar that tells how far down one is."""
    left, top, right, bottom = edges
    box(sheet, edges, sheet.theme.panel)
    at = top + (bottom - top) * sheet.rng.uniform(0, 0.7)
    box(sheet, (left + 2, at, right - 2, at + (bottom - top) / 4), sheet.theme.faint, radius=4)


def icon(sheet: Sheet, edges: Box) -> None:
    """Two or three simple shapes, or a letter, in strong colours."""
    rng, theme = sheet.rng, sheet.theme
    left, top, right, bottom = edges
    kinds = ("rounded", "round", "triangle", "diamond", "ring")
    side = max(2.0, right - left)
    if rng.random() < 0.6:
        shape(sheet, rng.choice(kinds[:2]), edges, rng.choice(theme.colours), round(side / 5))
        inner = (left + side / 4, top + side / 4, right - side / 4, bottom - side / 4)
        if rng.random() < 0.5:
            shape(sheet, rng.choice(kinds), inner, rng.choice([(255, 255, 255), theme.accent]))
        else:
            place, size = ((left + right) / 2, (top + bottom) / 2), max(6, round(side * 0.6))
            text(sheet, place, words.letters(rng, 1), (255, 255, 255), size, True, anchor="mm")
    else:
        for level in range(rng.randint(3, 4)):
            y = top + side * (0.15 + 0.22 * level)
            end = left + side * (0.5 + 0.5 * abs(math.sin(level + rng.random())))
            box(
                sheet, (left, y, end, y + max(1, side // 12)), rng.choice([theme.ink, theme.accent])
            )
