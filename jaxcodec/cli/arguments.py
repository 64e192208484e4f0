"""Parsing of arguments: one sentence for each error, and options of several commands."""

import argparse
import difflib
import math
import pathlib
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from jaxcodec.cli import console
from jaxcodec.coding.container import CODERS
from jaxcodec.errors import CodecError
from jaxcodec.files import MAX_PIXELS
from jaxcodec.targets.effort import DEFAULT, LEVELS

_HIGHEST_BPP = 1e6  # above what the header alone takes of a picture of one pixel


class UsageError(CodecError):
    """Arguments that the command does not take."""


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError with one sentence, with options between file names."""

    def __init__(self, **settings: Any):
        super().__init__(**settings, allow_abbrev=False)

    def print_help(self, file: Any = None) -> None:
        """Print it as everything else is printed, so that a reader that has gone is noticed."""
        console.say(self.format_help().rstrip())

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(f"{message} ({self.prog} --help shows what it takes)")

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """The options in `arguments`; raises UsageError."""
        self.check_names(arguments)
        if "--" in arguments:  # which argparse does not take between other arguments
            end = arguments.index("--")
            names = [
                f"./{name}" if name.startswith("-") and name != "-" else name
                for name in arguments[end + 1 :]
            ]
            arguments = arguments[:end] + names
        return self.parse_intermixed_args(arguments)

    def check_names(self, arguments: list[str]) -> None:
        """That the parser has every option that is named; raises UsageError with the nearest."""
        for argument in arguments:
            if argument == "--":
                return
            name = argument.split("=")[0]
            if name.startswith("--") and name not in self._option_string_actions:
                self.error(f"there is no option {name}{nearest(name, self._option_string_actions)}")


def nearest(word: str, words: Iterable[str]) -> str:
    """A question about the nearest of `words`, to append to a message.

    Empty where none is near.
    """
    near = difflib.get_close_matches(word, list(words), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def path(text: str) -> pathlib.Path:
    """The type of an argument that names a file or a folder."""
    return pathlib.Path(name(text))


def name(text: str) -> str:
    """The type of an argument that may not be empty, as a variable that was never set leaves it."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name was given; give a file or a folder")
    return text


def number(
    described: str, valid: Callable[[float], bool], kind: type = float
) -> Callable[[str], float]:
    """The type of an argument that is a number, with a sentence about which make sense."""

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and valid(value)):
            raise argparse.ArgumentTypeError(f"{text!r} makes no sense; give {described}")
        return value

    return parse


BPP = number("bits per pixel, a number above 0", lambda value: 0 < value <= _HIGHEST_BPP)
BYTES = number("a whole number of bytes above 0", lambda value: value > 0, int)
PSNR = number("dB, a number above 0 and below 100", lambda value: 0 < value < 100)
MS_SSIM = number("a number above 0 and below 1", lambda value: 0 < value < 1)
QUALITY = number("a number from 0 to 100", lambda value: 0 <= value <= 100)
PIXELS = number("a whole number of pixels above 0", lambda value: value > 0, int)
STEPS = number(
    "a whole number of steps above 0, or leave --refine out for an encode without refinement",
    lambda value: value > 0,
    int,
)


EFFORT = number("a whole number from 0 to 9", lambda value: 0 <= value < len(LEVELS), int)


def add_files(
    command: argparse.ArgumentParser,
    inputs: str,
    output: str,
    kept: str = "a.jpg becomes a.jpg.jxc",
    codec: str | None = "default",
) -> None:
    """IN and OUT, and the options of every command that makes files of files.

    `kept` is an example for --keep-suffix. `codec` is taken without --codec; None stands for the
    one that wrote each file.
    """
    command.add_argument("inputs", type=name, nargs="+", metavar="IN", help=inputs)
    command.add_argument("output", type=name, metavar="OUT", help=output)
    command.add_argument(
        "--codec",
        type=name,
        default=codec,
        metavar="NAME|FILE",
        help="a bundled codec or a codec file "
        f"(default: {codec or 'the one that wrote each file, found by its id'})",
    )
    add_allow_import(command)
    command.add_argument(
        "--recursive", action="store_true", help="take the sub-folders of folders, too"
    )
    command.add_argument(
        "--keep-suffix",
        action="store_true",
        help=f"keep the suffix of the image in the name of the output: {kept}",
    )
    existing = command.add_mutually_exclusive_group()
    existing.add_argument("--force", action="store_true", help="overwrite outputs that exist")
    existing.add_argument(
        "--skip-existing", action="store_true", help="pass over inputs whose output exists"
    )
    command.add_argument(
        "--max-pixels",
        type=PIXELS,
        default=MAX_PIXELS,
        metavar="N",
        help="refuse images of more pixels than this (default: %(default)s)",
    )
    command.add_argument(
        "--no-compile-cache",
        action="store_true",
        help="do not keep compiled programs in the user's cache folder",
    )
    command.add_argument("--json", action="store_true", help="print one line of JSON for each file")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def add_encoding(command: argparse.ArgumentParser) -> None:
    """What both commands have that compress."""
    tried = command.add_mutually_exclusive_group()
    tried.add_argument(
        "--effort",
        type=EFFORT,
        metavar="E",
        help="0 (fastest) to 9 (smallest file, minutes); from 3 on the latents of each image are "
        f"refined (default: {DEFAULT})",
    )
    tried.add_argument(
        "--refine",
        type=STEPS,
        metavar="STEPS",
        help="instead, optimise the latents of each image for so many refinement steps; Ctrl-C "
        "ends that with the best so far",
    )
    command.add_argument("--strip", action="store_true", help="leave out EXIF, XMP and resolution")
    command.add_argument("--no-icc", action="store_true", help="leave out the colour profile")
    command.add_argument(
        "--keep-hidden-colour",
        action="store_true",
        help="keep the colour of pixels that are wholly transparent",
    )
    command.add_argument(
        "--coder",
        choices=CODERS,
        help="entropy coder (default: host on a CPU, lanes elsewhere, and where a codec needs it)",
    )


def add_allow_import(command: argparse.ArgumentParser) -> None:
    """--allow-import, for commands that read a codec or a run.

    These may name code from outside the package.
    """
    command.add_argument(
        "--allow-import",
        type=name,
        action="append",
        default=[],
        metavar="MODULE",
        help="let the codec's networks come from this Python module, which you trust",
    )


def add_output_file(command: argparse.ArgumentParser) -> None:
    """OUT.codec, and whether it may be overwritten."""
    command.add_argument("output", type=path, metavar="OUT.codec", help="the codec file to write")
    command.add_argument("--force", action="store_true", help="overwrite a codec file that exists")
