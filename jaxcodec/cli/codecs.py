"""jaxcodec codecs: what is bundled."""

import argparse
import dataclasses
import json

from jaxcodec.artefact import bundled
from jaxcodec.cli import console


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `codecs` takes."""
    command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print a line for each bundled codec, with the name "default" where it is that."""
    infos = bundled.available()
    if options.json:
        console.say(json.dumps([dataclasses.asdict(info) for info in infos], default=str))
        return 0
    width = max((len(info.name) for info in infos), default=0)
    for info in infos:
        low, high = info.bpp_range
        size = f"{info.size_bytes / 1e6:.1f} MB"
        console.say(
            f"{info.name:<{width}}  {low:.2f} to {high:.2f} bpp  {size:>7}  {info.id}  "
            + info.description
            + "".join(f"  ({alias})" for alias in info.aliases)
        )
    return 0
