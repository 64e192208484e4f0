"""What programmers see: an editor, a terminal, changes of a file."""

import random

from tools.screens import words
from tools.screens.sheet import MONO, Sheet, box, fill, mix, part, text, width_of

_KEYWORDS = "def class return if else for while import from const let fn match async await new"
KEYWORDS = _KEYWORDS.split()
Tokens = list[tuple[str, int]]
"""Pieces of a line, each with a number: which of the theme's colours, -1 for ink, -2 for faint."""


def editor(sheet: Sheet) -> None:
    """Tabs, files at the side, numbered lines of coloured code, a bar below."""
    rng, theme, row = sheet.rng, sheet.theme, sheet.row
    fill(sheet, theme.back)
    side = rng.choice([0, 0, sheet.width // 5, sheet.width // 4])
    top = rng.choice([0, row])
    with part(sheet, (0, 0, side, sheet.height)) as files:
        fill(files, theme.panel)
        for index in range(files.height // row + 1):
            depth = rng.randint(1, 3) * sheet.base
            if index == 4:
                box(files, (0, index * row, files.width, (index + 1) * row), theme.line)
            name = rng.choice(["▸ " + rng.choice(words.LIST), words.file(rng)])
            colour = rng.choice([theme.ink, theme.faint, theme.colours[0]])
            text(files, (depth, (index + 0.5) * row), name, colour)
    if top:
        with part(sheet, (side, 0, sheet.width, row)) as tabs:
            file_tabs(tabs)
    with part(sheet, (side, top, sheet.width, sheet.height - row)) as body:
        code(body)
    with part(sheet, (0, sheet.height - row, sheet.width, sheet.height)) as bar:
        fill(bar, theme.accent)
        label = (
            f"{words.identifier(rng)}  Ln {rng.randint(1, 999)}, Col {rng.randint(1, 99)}  UTF-8"
        )
        text(bar, (8, row / 2), label, (255, 255, 255), sheet.base - 1)


def file_tabs(sheet: Sheet) -> None:
    """Names of open files in a row, the first of them in front."""
    fill(sheet, sheet.theme.panel)
    x = 0.0
    while x < sheet.width:
        name = words.file(sheet.rng)
        wide = width_of(sheet, name) + 3 * sheet.base
        if x == 0:
            box(sheet, (x, 0, x + wide, sheet.height), sheet.theme.back)
            box(sheet, (x, 0, x + wide, 2), sheet.theme.accent)
        text(sheet, (x + sheet.base, sheet.height / 2), name)
        x += wide
        box(sheet, (x, 0, x + 1, sheet.height), sheet.theme.line)


def code(sheet: Sheet) -> None:
    """Lines of a program with their numbers, one of them current."""
    rng, theme = sheet.rng, sheet.theme
    fill(sheet, theme.back)
    size = rng.choice([9, 10, 11, 12, 13, 14, 16, 18])
    step, wide = round(size * 1.45), width_of(sheet, "m", size, MONO)
    left, first, depth = round(5 * wide), rng.randint(1, 700), 0
    current = rng.randint(0, max(1, sheet.height // step))
    for index in range(sheet.height // step + 1):
        y = index * step
        if index == current:
            box(sheet, (0, y, sheet.width, y + step), theme.panel)
        number = str(first + index)
        text(
            sheet, (left - wide, y + step / 2), number, theme.faint, size, False, False, MONO, "rm"
        )
        tokens = statement(rng)
        for level in range(depth):
            box(
                sheet,
                (left + 4 * wide * level, y, left + 4 * wide * level + 1, y + step),
                theme.line,
            )
        draw_tokens(sheet, (left + 4 * wide * depth, y + step / 2), tokens, size)
        opens = tokens and tokens[-1][0] in (":", " {")
        depth = min(5, depth + 1) if opens else max(0, depth - rng.choice([0, 0, 0, 1, 2]))
    if rng.random() < 0.4:
        with part(sheet, (sheet.width - 60, 0, sheet.width, sheet.height)) as small:
            for y in range(0, small.height, 3):
                x = rng.randint(2, 12)
                colour = mix(rng.choice(theme.colours), theme.back, 0.4)
                box(small, (x, y, x + rng.randint(3, 40), y + 1), colour)


def statement(rng: random.Random) -> Tokens:
    """The tokens of a line of some language."""
    name = words.identifier
    value = rng.choice([(words.number(rng), 1), (f'"{words.phrase(rng)}"', 2), (name(rng), -1)])
    forms = (
        [],
        [(f"# {' '.join(words.sentence(rng))}", -2)],
        [
            (rng.choice(KEYWORDS) + " ", 0),
            (name(rng), 3),
            ("(", -1),
            (name(rng), 4),
            (")", -1),
            (":", -1),
        ],
        [(rng.choice(KEYWORDS) + " ", 0), (name(rng), -1), (" < ", 5), value, (" {", -1)],
        [(name(rng), -1), (" = ", 5), value],
        [
            (name(rng), -1),
            (" = ", 5),
            (name(rng), 3),
            ("(", -1),
            value,
            (", ", -1),
            (name(rng), 4),
            (")", -1),
        ],
        [
            (name(rng), 4),
            (".", -1),
            (name(rng), 3),
            ("[", -1),
            value,
            ("]", -1),
            (" += ", 5),
            ("1", 1),
        ],
        [("return ", 0), (name(rng), -1), (" * ", 5), value],
        [
            ("<", 5),
            (name(rng), 6),
            (" " + name(rng), 4),
            ("=", 5),
            (f'"{name(rng)}"', 2),
            ("/>", 5),
        ],
    )
    return list(rng.choice(forms))


def draw_tokens(sheet: Sheet, place: tuple[float, float], tokens: Tokens, size: int) -> None:
    """Tokens in a row, each in its colour."""
    theme, x = sheet.theme, place[0]
    for piece, which in tokens:
        colour = theme.colours[which] if which >= 0 else (theme.ink, theme.faint)[-1 - which]
        text(sheet, (x, place[1]), piece, colour, size, which == 0, which == -2, MONO)
        x += width_of(sheet, piece, size, MONO)


def terminal(sheet: Sheet) -> None:
    """Commands and what they print: lists of files, logs, tables, bars of progress."""
    rng, theme = sheet.rng, sheet.theme
    back = rng.choice([theme.back, (0, 0, 0), (12, 12, 12), (48, 10, 36)])
    fill(sheet, back)
    ink = rng.choice([(230, 230, 230), (51, 255, 51), (200, 200, 200)])
    ink = theme.ink if back == theme.back else ink
    size = rng.choice([9, 10, 11, 12, 13, 14, 16])
    step, bright = round(size * 1.3), ((85, 255, 85), (85, 140, 255), (255, 85, 85), (255, 215, 0))
    prompt = f"{words.syllables(rng)}@{words.syllables(rng)}:~$ "
    lines: list[tuple[str, str]] = []
    while len(lines) < sheet.height // step + 1:
        lines += command_output(rng, prompt)
    for index, (head, tail) in enumerate(lines):
        y = (index + 0.5) * step
        colour = rng.choice(theme.colours if back == theme.back else bright)
        used = text(sheet, (4, y), head, colour, size, head == prompt, False, MONO)
        text(sheet, (4 + used, y), tail, ink, size, family=MONO)


def command_output(rng: random.Random, prompt: str) -> list[tuple[str, str]]:
    """A command with its lines, each a coloured head and a plain tail."""
    command = (prompt, f"{rng.choice(words.LIST)} --{rng.choice(words.LIST)} {words.path(rng)}")
    line = rng.choice([file_line, log_line, progress_line, commit_line, number_line])
    return [command, *(line(rng) for _ in range(rng.randint(2, 12)))]


def file_line(rng: random.Random) -> tuple[str, str]:
    """A file in a long list."""
    owner, size, day = rng.choice(words.FIRST).lower(), rng.randint(0, 9_999_999), words.date(rng)
    return "", f"-rw-r--r-- 1 {owner:8s} {size:8d} {day:>16s} {words.file(rng)}"


def log_line(rng: random.Random) -> tuple[str, str]:
    """A level and a message."""
    level = rng.choice(["[INFO] ", "[WARN] ", "[ERROR] ", "ok  ", "FAIL  "])
    return level, " ".join(words.sentence(rng))


def progress_line(rng: random.Random) -> tuple[str, str]:
    """A bar of blocks."""
    percent = rng.randint(0, 100)
    bar = "█" * (percent // 5) + "░" * (20 - percent // 5)
    return f"{percent:3d}% ", f"{bar} {words.number(rng)}"


def commit_line(rng: random.Random) -> tuple[str, str]:
    """A hash and its subject."""
    return words.digest(rng)[:8] + " ", " ".join(words.sentence(rng))


def number_line(rng: random.Random) -> tuple[str, str]:
    """Six numbers in columns."""
    return "", "  ".join(f"{words.number(rng):>12s}" for _ in range(6))


def changes(sheet: Sheet) -> None:
    """Two versions of a file, with green and red lines."""
    rng, theme = sheet.rng, sheet.theme
    fill(sheet, theme.back)
    size = rng.choice([10, 11, 12, 13, 14])
    step, kind = round(size * 1.5), " "
    for index in range(sheet.height // step + 1):
        y = index * step
        same = " " if kind == "@" else kind
        kind = rng.choice([same] * 6 + list("  ++--@"))
        tint = {"+": (40, 200, 90), "-": (240, 70, 80), "@": theme.accent, " ": theme.back}[kind]
        box(sheet, (0, y, sheet.width, y + step), mix(theme.back, tint, 0.2))
        box(sheet, (0, y, 5 * size, y + step), mix(theme.back, tint, 0.35))
        for column in range(2):
            place = (2.2 + 2.4 * column) * size, y + step / 2
            text(sheet, place, str(index + 40), theme.faint, size - 1, False, False, MONO, "rm")
        if kind == "@":
            label = (
                f"@@ -{rng.randint(1, 900)},7 +{rng.randint(1, 900)},9 @@ {words.identifier(rng)}"
            )
            text(sheet, (5.5 * size, y + step / 2), label, theme.faint, size, family=MONO)
            continue
        text(sheet, (5.5 * size, y + step / 2), kind, size=size, family=MONO)
        draw_tokens(
            sheet, (6.5 * size + rng.choice([0, 2, 4]) * size, y + step / 2), statement(rng), size
        )
