"""jaxcodec compare: how far two pictures are apart."""

import argparse
import json
import os
import pathlib
from typing import Any

from jaxcodec.cli import arguments, console
from jaxcodec.coding.container import MAGIC
from jaxcodec.errors import BitstreamError, ImageError
from jaxcodec.files import read_bytes


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `compare` takes."""
    for name in ("first", "second"):
        command.add_argument(
            name, type=arguments.path, metavar="FILE", help="a picture, or a .jxc file"
        )
    command.add_argument(
        "--metrics",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="of those of `jaxcodec eval`, psnr always (default: all that can be had)",
    )
    command.add_argument("--lpips", metavar="DIR", help="the weights of LPIPS")
    command.add_argument(
        "--codec",
        type=arguments.name,
        metavar="NAME|FILE",
        help="also the distances that this codec induces: between its pictures of both (D_r), "
        "between its latents (D_in), and from each to its own (D_s)",
    )
    command.add_argument(
        "--quality",
        type=arguments.QUALITY,
        metavar="Q",
        help="of the codec, 0 to 100 (default: 50; a codec of one quality takes none)",
    )
    command.add_argument("--json", action="store_true", help="print one line of JSON")


def run(options: argparse.Namespace) -> int:
    """Print a line for each metric and distance."""
    from jaxcodec.distortions import lpips
    from jaxcodec.evaluation import metrics
    from jaxcodec.runtime import compile_cache

    if options.lpips:
        os.environ[lpips.FOLDER] = options.lpips
    if options.metrics is None:
        chosen = [metric for metric in metrics.METRICS if metric.missing() is None]
    else:
        chosen = metrics.choose(options.metrics)
    compile_cache.enable()
    first, second = (_pixels(path) for path in (options.first, options.second))
    if first.shape[:2] != second.shape[:2]:
        sizes = [f"{pixels.shape[1]} x {pixels.shape[0]}" for pixels in (first, second)]
        raise ImageError(
            f"{options.first} has {sizes[0]} pixels and {options.second} has {sizes[1]}; give two "
            "pictures of one size"
        )
    if options.metrics is not None:
        _check_sides(chosen, first.shape[:2], options)
    found: dict[str, Any] = metrics.values(chosen, first, second)
    digits = {metric.key: metric.digits for metric in chosen}
    if options.codec is not None:
        found |= _of_codec(options.codec, options.quality, first, second)
    if options.json:
        console.say(json.dumps({name: _finite(value) for name, value in found.items()}))
        return 0
    width = max(map(len, found))
    for name, value in found.items():
        text = "too small" if value is None else f"{value:.{digits.get(name, 5)}f}"
        console.say(f"{name:<{width}}  {text}")
    return 0


def _check_sides(chosen, size: tuple[int, ...], options: argparse.Namespace) -> None:
    """Raises ImageError where a metric that was named has no value for pictures of a size."""
    for metric in chosen:
        if metric.name in options.metrics and min(size) < metric.least_side:
            raise ImageError(
                f"{options.first} has {size[1]} x {size[0]} pixels and {metric.label} takes "
                f"{metric.least_side} a side; leave {metric.name} out"
            )


def _pixels(path: pathlib.Path):
    """The colours of a picture, or of what a .jxc file decodes to, uint8 (h, w, 3)."""
    import numpy as np

    import jaxcodec
    from jaxcodec import image

    if path.suffix.lower() == ".jxc" or _begins(path) == MAGIC:
        data = read_bytes(path, BitstreamError)
        pixels = jaxcodec.decode(jaxcodec.codec_of(data), data)
    else:
        pixels = image.read(path).pixels
    if pixels.shape[-1] in (2, 4):
        console.say(f"jaxcodec: {path}: its transparency is not compared", to_errors=True)
        pixels = pixels[..., :-1]
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _begins(path: pathlib.Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC))
    except OSError as problem:
        raise ImageError(f"cannot read {path}: {problem.strerror}") from problem


def _of_codec(name: str, quality: float | None, first, second) -> dict[str, float]:
    """The distances that a codec induces, root mean squares."""
    import jaxcodec
    from jaxcodec.analysis.distances import distances

    of = distances(jaxcodec.load(name), quality, whole_pixels=True)
    a, b = first[None], second[None]
    found = {
        "D_e": of.euclidean(a, b),
        "D_r": of.reconstruction(a, b),
        "D_in": of.inner(a, b),
        "D_s_first": of.own(a),
        "D_s_second": of.own(b),
    }
    return {name: float(value[0]) for name, value in found.items()}


def _finite(value: float | None) -> float | None:
    """A number that JSON has; null for one that is infinite or does not exist."""
    return value if value is not None and abs(value) < float("inf") else None
