"""Numbers in rows: a spreadsheet, a list of files, a report."""

from tools.screens import words
from tools.screens.sheet import Sheet, box, fill, fit, mix, shape, text


def spreadsheet(sheet: Sheet) -> None:
    """A grid with letters and numbers at its edges, a marked cell, coloured rows."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.field)
    box(sheet, (0, 0, sheet.width, 2 * row), theme.panel)
    first, last = (f"{words.letters(rng, 1)}{rng.randint(1, 99)}" for _ in range(2))
    text(sheet, (8, row / 2), f"fx  =SUM({first}:{last})")
    head = 3 * sheet.base
    box(sheet, (0, 2 * row, head, sheet.height), theme.panel)
    edges, column = [head], 0
    while (x := edges[-1]) < sheet.width or column == 0:
        wide = rng.randint(4, 10) * sheet.base
        kind = rng.choice([words.number, words.number, words.date, words.phrase, words.person])
        text(sheet, (x + wide / 2, 1.5 * row), chr(65 + column % 26), theme.faint, anchor="mm")
        for index in range(sheet.height // row):
            cell(sheet, (x, (index + 2) * row, x + wide, (index + 3) * row), kind(rng), index)
        box(sheet, (x, row, x + 1, sheet.height), theme.line)
        edges.append(x + wide)
        column += 1
    for index in range(sheet.height // row):
        y = (index + 2) * row
        box(sheet, (0, y, sheet.width, y + 1), theme.line)
        text(sheet, (head / 2, y + row / 2), str(index + 1), theme.faint, anchor="mm")
    left, right = rng.choice(list(zip(edges, edges[1:], strict=False)))
    top = rng.randint(3, 12) * row
    for thick in range(2):
        outline = (left + thick, top + thick, right - thick, top + row - thick)
        sheet.pen.rectangle(outline, None, theme.accent)


def cell(sheet: Sheet, edges: tuple[float, float, float, float], label: str, index: int) -> None:
    """What stands in a cell: numbers at the right, words at the left, as far as they fit."""
    theme, rng = sheet.theme, sheet.rng
    if index == 0 or rng.random() < 0.04:
        box(sheet, edges, mix(theme.field, rng.choice(theme.colours), 0.25))
    if rng.random() < 0.1:
        return
    label = fit(sheet, label, edges[2] - edges[0] - 7, bold=index == 0)
    middle = (edges[1] + edges[3]) / 2
    if label[:1].isalpha():
        text(sheet, (edges[0] + 4, middle), label, bold=index == 0)
    else:
        colour = (210, 40, 40) if label.startswith("-") else theme.ink
        text(sheet, (edges[2] - 3, middle), label, colour, anchor="rm")


def listing(sheet: Sheet) -> None:
    """A manager of files or mail: marks, names, sizes, dates, every second row tinted."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.field)
    stops = [0.02, 0.45, 0.62, 0.8]
    chosen = rng.randint(1, 9)
    for index in range(sheet.height // row + 1):
        y, ink = index * row, theme.ink
        if index == chosen:
            box(sheet, (0, y, sheet.width, y + row), theme.accent)
            ink = (255, 255, 255)
        elif index % 2 or index == 0:
            box(sheet, (0, y, sheet.width, y + row), theme.panel)
        x, side = stops[0] * sheet.width, sheet.base
        if index:
            kind = rng.choice(["rounded", "round", "diamond", "triangle"])
            edges = (x, y + (row - side) / 2, x + side, y + (row + side) / 2)
            shape(sheet, kind, edges, rng.choice(theme.colours))
            label = [rng.choice([words.file(rng), words.phrase(rng, 1, 4)]), words.number(rng)]
            label += [words.person(rng), words.date(rng)]
        else:
            label = [words.phrase(rng, 1, 1) + " ▾", *(words.phrase(rng, 1, 1) for _ in range(3))]
        for stop, piece in zip(stops, label, strict=True):
            left = stop * sheet.width + 1.6 * side * (stop == stops[0])
            ends = [edge * sheet.width for edge in (*stops[1:], 1)]
            room = ends[stops.index(stop)] - left - 4
            piece = fit(sheet, piece, room, bold=index == 0)
            text(sheet, (left, y + row / 2), piece, ink, bold=index == 0)


def report(sheet: Sheet) -> None:
    """A table of results under a heading, with few lines, as in a paper or on a web page."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.back)
    text(sheet, (sheet.width / 2, row), words.phrase(rng, 3, 7), bold=True, anchor="mm")
    count = max(2, min(7, sheet.width // (8 * sheet.base)))
    left, wide = sheet.width * 0.04, sheet.width * 0.92 / count
    boxed = rng.random() < 0.5
    rows = max(2, sheet.height // row - 2)
    for index in range(rows):
        y = (index + 2) * row
        if index in (0, 1, rows - 1) or boxed:
            box(sheet, (left, y, left + wide * count, y + 1 + (index == 0)), theme.ink)
        best = rng.randint(1, count)
        for column in range(count):
            place = left + (column + 0.95 * (column > 0)) * wide + 4 * (column == 0), y + row / 2
            plain = column == 0 or index == 0
            label = words.phrase(rng, 1, 1) if plain else f"{rng.uniform(0, 100):.2f}"
            anchor = "rm" if column else "lm"
            text(sheet, place, label, bold=index == 0 or column == best, anchor=anchor)
            if boxed:
                box(sheet, (left + column * wide, y, left + column * wide + 1, y + row), theme.line)
