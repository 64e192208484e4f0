"""What stands in the pictures: words, names, numbers, drawn from lists and syllables."""

import random
import string

_TEXT = """
a about above account across action add after again air all also an and answer any apply archive
are area as at away back balance bar base be because before below best between blue board book
both box branch bridge build button by calendar call can cancel card case change chapter chart
city class clear close cloud code colour column common copy cost could country course create
current data date day delete design detail device did different do document does done down draft
draw each early east edit effect end energy enter error even every example export factor far field
figure file filter find first five folder for form found four free from front full garden general
get give glass go good great green group hand harbour has have header help her here high him
history home hour house how image import in index input into invoice is island it item its key
kind know land language large last later layer left less letter level library light like line link
list little local long look machine mail make many map market matter may mean measure menu message
method might minute mode model month more morning mountain move much music must name near network
never new next night no north not note now number object of off office often old on once one only
open option or order other our out over own page paper part path pause people percent person photo
picture place plan play point power press print private problem process product profile project
public quality question queue quick range rate read recent record red report request reset result
return river road room row rule run sample save scale school search second section see select send
series server session set settings several share she shop show side sign simple since size small
so some source south space speed stage standard start state station status step still stop store
street study style submit such sum surface system table tag take target task team test text than
that the their them then there these they thing think this those three through time title to today
together tool total town track trade train travel tree turn two type under unit until up update
upload use user value version very view voice was watch water way we weather week well were west
what when where which while white who whole why will window winter with without word work world
would write year yellow yes yesterday you young your zone
"""
LIST = _TEXT.split()
"""Plain English words."""

_NAMES = "Ada Amir Bea Carlos Chen Dana Emil Fatima Grace Hugo Ines Jonas Kofi Lena Mei Nora Omar"
FIRST = _NAMES.split()
FOREIGN = ("αβγδεηκλμνοπρστω", "абвгдежзиклмнопрстуя", "äöüéèñçåøßáíóúžšč")
PUNCTUATION = [""] * 12 + [",", ",", ";", ":"]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ENDINGS = ("py", "txt", "png", "json", "md", "csv", "pdf", "html", "log", "cpp", "h", "rs", "zip")


def syllables(rng: random.Random) -> str:
    """A word that no language has."""
    pairs = (rng.choice("bcdfghjklmnprstvwz") + rng.choice("aeiouy") for _ in range(2))
    return "".join(pairs) + rng.choice(["", "n", "r", "st", "lo", "mer", "ting", "x"])


def word(rng: random.Random) -> str:
    """Mostly of the list, some of syllables, a few in foreign letters."""
    kind = rng.random()
    if kind < 0.75:
        return rng.choice(LIST)
    if kind < 0.97:
        return syllables(rng)
    return "".join(rng.choices(rng.choice(FOREIGN), k=rng.randint(2, 8)))


def phrase(rng: random.Random, least: int = 1, most: int = 3) -> str:
    """Some words, the first with a capital."""
    words = [word(rng) for _ in range(rng.randint(least, most))]
    return " ".join([words[0].capitalize(), *words[1:]])


def sentence(rng: random.Random) -> list[str]:
    """The words of a sentence with its commas, numbers and full stop."""
    words = [word(rng) + rng.choice(PUNCTUATION) for _ in range(rng.randint(4, 18))]
    if rng.random() < 0.3:
        words.insert(1, number(rng))
    if rng.random() < 0.1:
        words[-1] = f"({words[-1].rstrip(',;:')})"
    return [words[0].capitalize(), *words[1:-1], words[-1].rstrip(",;:") + rng.choice("....?!")]


def number(rng: random.Random) -> str:
    """As they are written: counts, decimals, percent, money, negative ones."""
    forms = (
        lambda: f"{rng.randint(0, 999)}",
        lambda: f"{rng.randint(1000, 9_999_999):,}",
        lambda: f"{rng.uniform(-100, 1000):.2f}",
        lambda: f"{rng.uniform(0, 100):.1f} %",
        lambda: f"{rng.choice('$€£')}{rng.uniform(1, 5000):,.2f}",
        lambda: f"{rng.uniform(-1, 1):.4f}",
        lambda: f"{rng.uniform(1, 10):.2f}e{rng.randint(-9, 9):+03d}",
    )
    return rng.choice(forms)()


def date(rng: random.Random) -> str:
    """A day, a day with the hour, or an hour."""
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1998, 2030)
    hour = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
    iso = f"{year}-{month:02d}-{day:02d}"
    return rng.choice([iso, f"{iso} {hour}", hour, f"{day} {MONTHS[month - 1]} {year}"])


def person(rng: random.Random) -> str:
    """First and last name."""
    return f"{rng.choice(FIRST)} {syllables(rng).capitalize()}"


def identifier(rng: random.Random) -> str:
    """A name in a program."""
    words = [rng.choice(LIST) for _ in range(rng.randint(1, 3))]
    kind = rng.random()
    if kind < 0.6:
        return "_".join(words)
    if kind < 0.9:
        return words[0] + "".join(each.capitalize() for each in words[1:])
    return "_".join(words).upper()


def path(rng: random.Random) -> str:
    """A file with the folders that it lies in."""
    folders = "/".join(rng.choice(LIST) for _ in range(rng.randint(0, 3)))
    return f"{folders}/{file(rng)}".lstrip("/")


def file(rng: random.Random) -> str:
    """A file's name."""
    return f"{identifier(rng)}.{rng.choice(ENDINGS)}"


def digest(rng: random.Random) -> str:
    """Hexadecimal digits."""
    return "".join(rng.choices("0123456789abcdef", k=rng.choice([7, 8, 12, 16, 40])))


def address(rng: random.Random) -> str:
    """Of a web page."""
    return f"https://{syllables(rng)}.{rng.choice(['org', 'net', 'io'])}/{path(rng)}"


def letters(rng: random.Random, count: int) -> str:
    """Some capitals."""
    return "".join(rng.choices(string.ascii_uppercase, k=count))
