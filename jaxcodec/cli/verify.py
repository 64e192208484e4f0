"""jaxcodec verify: whether .jxc files hold the symbols that were written, without JAX."""

import argparse
import functools
import json
import pathlib

from jaxcodec.artefact import bundled, codec_file, lookup, verify
from jaxcodec.artefact.codec_file import CodecContent
from jaxcodec.cli import arguments, console
from jaxcodec.coding import container
from jaxcodec.errors import BitstreamError, CodecError
from jaxcodec.files import MAX_PIXELS, read_bytes
from jaxcodec.guard import attempt


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `verify` takes."""
    command.add_argument(
        "inputs",
        type=arguments.name,
        nargs="+",
        metavar="FILE",
        help=".jxc files of codecs whose tables follow from nothing computed: factorized, "
        "normalised and bounded ones; or - for standard input",
    )
    command.add_argument(
        "--codec",
        type=arguments.name,
        metavar="NAME|FILE",
        help="a bundled codec or a codec file (default: the one that wrote each file)",
    )
    command.add_argument(
        "--max-pixels",
        type=arguments.PIXELS,
        default=MAX_PIXELS,
        metavar="N",
        help="refuse files of more pixels than this (default: %(default)s)",
    )
    command.add_argument("--json", action="store_true", help="print one line of JSON for each file")


def run(options: argparse.Namespace) -> int:
    """Decode the symbols of every file and check them; a bad one does not end the others."""
    content_of = functools.lru_cache(maxsize=4)(codec_file.read)
    failed = False
    for name in options.inputs:
        outcome = attempt(_verify, name, options, content_of)
        if isinstance(outcome, CodecError):
            console.complain(outcome, name)
            failed = True
        elif options.json:
            console.say(json.dumps({"file": name, **outcome}))
        else:
            console.say(f"{name}: {outcome['symbols']:,} symbols, as {outcome['codec']} wrote them")
    return 2 if failed else 0


def _verify(name: str, options: argparse.Namespace, content_of) -> dict[str, object]:
    """What there is to say about a file whose symbols are right."""
    if name == console.STANDARD:
        data = console.read_input()
    else:
        data = read_bytes(pathlib.Path(name), BitstreamError)
    if options.codec is None:
        path = lookup.find(container.read_header(data).codec_id)
    else:
        path = bundled.find(options.codec)
    content: CodecContent = content_of(path)
    found = verify.verify(content, data, max_pixels=options.max_pixels)
    return {"symbols": found.symbols, "codec": content.name, "codec_id": content.id}
