"""Web pages: an article with its header, a shop, a form, numbers at a glance."""

import functools

from tools.screens import charts, documents, interfaces, words
from tools.screens.sheet import Sheet, box, fill, gradient, legible, mix, part, photograph, text


def header(sheet: Sheet) -> int:
    """The line with name, links and a button at the top; returns its height."""
    rng, theme = sheet.rng, sheet.theme
    high = round(sheet.row * rng.uniform(1.5, 2.2))
    back = rng.choice([theme.back, theme.panel, theme.accent, theme.colours[0]])
    ink = legible(back)
    box(sheet, (0, 0, sheet.width, high), back)
    side = high * 0.6
    interfaces.icon(sheet, (8, high * 0.2, 8 + side, high * 0.2 + side))
    name, size = words.syllables(rng).capitalize(), round(sheet.base * 1.4)
    x = 16 + side + text(sheet, (14 + side, high / 2), name, ink, size, bold=True)
    while x < sheet.width * 0.65:
        x += 1.6 * sheet.base
        x += text(sheet, (x, high / 2), words.phrase(rng, 1, 1), ink)
    name = words.phrase(rng, 1, 1)
    interfaces.button(sheet, (sheet.width - 9 * sheet.base, (high - sheet.row) / 2), name, True)
    box(sheet, (0, high, sheet.width, high + 1), theme.line)
    return high + 1


def site(sheet: Sheet) -> None:
    """A header, a large picture or gradient with a title, text beside a list of links."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.back)
    top = header(sheet)
    large = round(sheet.height * rng.choice([0, 0.25, 0.4]))
    with part(sheet, (0, top, sheet.width, top + large)) as banner:
        if rng.random() < 0.5:
            photograph(banner)
        else:
            gradient(banner, theme.accent, rng.choice(theme.colours), rng.random())
        size = rng.randint(18, 36)
        place = banner.width / 2, banner.height / 2
        text(banner, place, words.phrase(rng, 2, 5), (255, 255, 255), size, True, anchor="mm")
    top += large
    side = sheet.width * 0.7
    with part(sheet, (0, top, side, sheet.height)) as body:
        documents.page(body)
    for index in range((sheet.height - top) // row + 1):
        y = top + (index + 0.8) * row
        text(sheet, (side + 8, y), words.phrase(rng, 1, 4), theme.accent if index else theme.ink)


def shop(sheet: Sheet) -> None:
    """Cards in rows, each with a picture, a name, a price and a button."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, mix(theme.back, theme.panel, 0.5))
    y, gap = header(sheet) + 8, rng.choice([6, 10, 16])
    count = max(1, sheet.width // (sheet.base * rng.choice([11, 13, 17])))
    wide = (sheet.width - gap * (count + 1)) / count
    high = round(wide * rng.uniform(0.5, 0.9)) + 4 * row
    while y < sheet.height:
        for column in range(count):
            left = gap + column * (wide + gap)
            box(sheet, (left, y, left + wide, y + high), theme.field, theme.line, sheet.round)
            with part(sheet, (left + 1, y + 1, left + wide - 1, y + high - 4 * row)) as picture:
                paint = functools.partial(gradient, one=theme.accent, slope=1)
                if rng.random() < 0.6:
                    photograph(picture)
                else:
                    paint(picture, other=rng.choice(theme.colours))
            with part(sheet, (left + 4, y + high - 4 * row, left + wide - 4, y + high - 4)) as card:
                fill(card, theme.field)
                text(card, (4, row * 0.6), words.phrase(rng, 1, 4), bold=True)
                stars = rng.randint(1, 5)
                text(
                    card,
                    (4, row * 1.5),
                    "★" * stars + "☆" * (5 - stars),
                    (245, 170, 20),
                    family="DejaVuSans",
                )
                price = f"{rng.choice('$€£')}{rng.randint(1, 999)}.{rng.randint(0, 99):02d}"
                text(card, (card.width - 4, row * 1.5), price, theme.accent, anchor="rm")
                interfaces.button(card, (4, row * 2.4), words.phrase(rng, 1, 2), rng.random() < 0.6)
        y += high + gap


def form(sheet: Sheet) -> None:
    """Names with fields below each other on a card, with a button at the end."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    gradient(sheet, theme.panel, mix(theme.panel, theme.accent, rng.random() * 0.5), rng.random())
    top = header(sheet)
    wide = sheet.width * rng.uniform(0.55, 0.95)
    left = (sheet.width - wide) / 2
    edges = (left, top + row / 2, left + wide, sheet.height - row / 2)
    box(sheet, edges, theme.back, theme.line, sheet.round)
    with part(sheet, (left + row, edges[1] + 4, edges[2] - row, edges[3] - 4)) as card:
        title = round(sheet.base * 1.6)
        text(card, (0, row), words.phrase(rng, 2, 4), size=title, bold=True)
        y, beside = 2.0 * row, rng.random() < 0.4
        while y < card.height - 3 * row:
            name = words.phrase(rng, 1, 3)
            label = rng.choice([words.person, words.date, words.address, words.number])(rng)
            text(card, (0, y + row / 2), name, theme.faint if rng.random() < 0.5 else theme.ink)
            if beside:
                interfaces.field(card, (card.width * 0.4, y, card.width, y + row), label)
            else:
                interfaces.field(card, (0, y + row, card.width, y + 2.1 * row), label)
            if rng.random() < 0.2:
                wrong = " ".join(words.sentence(rng)[:6])
                y += row
                text(
                    card,
                    (0, y + (1 if beside else 2.1) * row),
                    wrong,
                    (215, 40, 40),
                    sheet.base - 1,
                )
            y += (1.5 if beside else 2.5) * row
        interfaces.button(card, (0, card.height - 1.5 * row), words.phrase(rng, 1, 2), True)


def dashboard(sheet: Sheet) -> None:
    """Tiles with large numbers, small lines and bars, and a chart."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.panel)
    top, gap = header(sheet), 8
    across, down = max(1, sheet.width // 200), max(1, (sheet.height - top) // 150)
    wide = (sheet.width - gap * (across + 1)) / across
    high = (sheet.height - top - gap * (down + 1)) / down
    for index in range(across * down):
        left = gap + index % across * (wide + gap)
        y = top + gap + index // across * (high + gap)
        box(sheet, (left, y, left + wide, y + high), theme.field, theme.line, sheet.round)
        with part(sheet, (left + 6, y + 4, left + wide - 6, y + high - 4)) as tile:
            fill(tile, theme.field)
            text(tile, (2, row * 0.6), words.phrase(rng, 1, 3), theme.faint)
            if rng.random() < 0.3:
                with part(tile, (0, row, tile.width, tile.height)) as body:
                    charts.chart(body)
                continue
            large = rng.randint(18, 34)
            text(tile, (2, row * 1.2 + large / 2), words.number(rng), size=large, bold=True)
            colour, count = rng.choice(theme.colours), rng.randint(8, 30)
            values = [rng.random() for _ in range(count)]
            low, room = tile.height - 4, max(4, tile.height - 1.5 * row - large)
            step = tile.width / count
            if rng.random() < 0.5:
                for k, value in enumerate(values):
                    box(tile, (k * step, low - value * room, (k + 0.7) * step, low), colour)
            else:
                points = [(k * step, low - value * room) for k, value in enumerate(values)]
                tile.pen.line(points, colour, rng.choice([1, 2]))
