"""Bits against encoding time at equal PSNR: jaxcodec at each effort, AVIF at each speed, JPEG XL at
each effort.

    python studies/effort/effort.py --images DIR --out DIR [--codec NAME|FILE] [--take N]
        [--efforts 0,1,2] [--speeds 10,4,0] [--jxl 3,7,9] [--time-limit SECONDS] [--report]

--take N takes N pictures at even distances in the folder. Empty lists leave a codec out. JPEG XL is
measured where imagecodecs is installed.

Each picture at each setting and operating point is a line of DIR/measured.jsonl: bytes, PSNR and
seconds to encode. What is there is not done again, so that the same command goes on where it was
stopped; after --time-limit it stops by itself, at the next line. Settings that take least are done
first. Then, or with --report alone, effort.md and effort.png are written.

Seconds are wall-clock time in a process that has compiled what it needs: the least of up to three
runs, or of one where that takes more than a second. AVIF and JPEG XL take all cores, as jaxcodec
does. Each setting is compared with AVIF at speed 4 (4:4:4, tuned for PSNR) on the pictures at which
both were measured: BD-rate of curves of means over pictures between .15 and 1 bpp, bits at given
PSNRs, and mean seconds at the points whose mean rate lies in that range.
"""

import argparse
import collections
import dataclasses
import functools
import itertools
import json
import pathlib
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy.interpolate import PchipInterpolator

import jaxcodec
from jaxcodec import image
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.evaluation import machine
from jaxcodec.evaluation.bd import Curve, CurveError, bd_rate
from jaxcodec.evaluation.classical import BASELINES
from jaxcodec.runtime import compile_cache
from jaxcodec.targets import effort
from jaxcodec.targets.encode import encode_picture

QUALITIES = (10.0, 35.0, 60.0, 82.0)
AVIF_QUALITIES = (20.0, 35.0, 50.0, 65.0, 80.0)
JXL_DISTANCES = (1.0, 2.0, 3.5, 6.0, 10.0, 15.0)
RANGE = (0.15, 1.0)
PSNRS = (30.0, 33.0, 36.0)
ANCHOR = "AVIF speed 4"
OURS = "jaxcodec"


@dataclasses.dataclass(frozen=True)
class Setting:
    """A codec at a level of effort, and where it is measured.

    encode: pixels and point to bytes. decode: bytes to pixels. warm_up: of pixels, whatever the
      first encoding of a picture of that size in a process has to do besides.
    """

    codec: str
    level: int
    points: tuple[float, ...]
    encode: Callable[[np.ndarray, float], bytes]
    decode: Callable[[bytes], np.ndarray]
    warm_up: Callable[[np.ndarray], None] = lambda pixels: None

    @property
    def name(self) -> str:
        """As the tables have it."""
        return f"{self.codec} {'speed' if self.codec == 'AVIF' else 'effort'} {self.level}"


def main() -> None:
    """Measures what is missing, and reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--codec", default="default")
    parser.add_argument("--take", type=int, metavar="N")
    parser.add_argument("--efforts", type=_levels, default=tuple(range(10)))
    parser.add_argument("--speeds", type=_levels, default=tuple(range(10, -1, -1)))
    parser.add_argument("--jxl", type=_levels, default=tuple(range(3, 10)))
    parser.add_argument("--time-limit", type=float, metavar="SECONDS")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    journal = options.out / "measured.jsonl"
    if not options.report:
        compile_cache.enable()
        _measure(options, journal)
    _report(_rows(journal), options.out)


def _levels(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part)


def _rows(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _measure(options: argparse.Namespace, journal: pathlib.Path) -> None:
    """Adds the lines that are missing, until the time is over."""
    end = time.monotonic() + (options.time_limit or float("inf"))
    paths = image.list_images(options.images)
    if options.take:
        paths = [paths[place * len(paths) // options.take] for place in range(options.take)]
    done = {
        (row["setting"], row["id"] if row["codec"] == OURS else "", row["image"], row["point"])
        for row in _rows(journal)
    }
    codec = jaxcodec.load(options.codec)
    warm = set()
    for setting, path in itertools.product(_settings(codec, options), paths):
        pixels = None
        for point in setting.points:
            own_id = codec.id if setting.codec == OURS else ""
            about = (setting.name, own_id, path.name, point)
            if about in done:
                continue
            if time.monotonic() > end:
                print("the time is over; the same command goes on")
                return
            pixels = image.read(path).pixels[:, :, :3] if pixels is None else pixels
            if (setting.name, pixels.shape) not in warm:
                setting.warm_up(pixels)
                warm.add((setting.name, pixels.shape))
            row = dict(zip(("setting", "id", "image", "point"), about, strict=True))
            row |= {"codec": setting.codec, "level": setting.level} | _row(setting, pixels, point)
            with journal.open("a") as file:
                file.write(json.dumps(row) + "\n")


def _row(setting: Setting, pixels: np.ndarray, point: float) -> dict:
    """Bytes, bpp, PSNR, and seconds of a picture at a point."""
    data, seconds = b"", []
    while len(seconds) < 3 and sum(seconds) < 1:
        start = time.perf_counter()
        data = setting.encode(pixels, point)
        seconds.append(time.perf_counter() - start)
    decoded = setting.decode(data)
    return {
        "bytes": len(data),
        "bpp": 8 * len(data) / pixels[..., 0].size,
        "psnr_db": float(psnr_db(decoded, pixels)),
        "seconds": min(seconds),
    }


def _settings(codec: jaxcodec.Codec, options: argparse.Namespace) -> Iterator[Setting]:
    """Every setting, those of least time first."""
    for speed in options.speeds:
        yield _avif(speed)
    if options.jxl and _has_jxl():
        for level in options.jxl:
            yield _jxl(level)
    for level in options.efforts:
        yield Setting(
            OURS,
            level,
            QUALITIES,
            lambda pixels, point, level=level: jaxcodec.encode(
                codec, pixels, quality=point, effort=level
            ),
            functools.partial(jaxcodec.decode, codec),
            functools.partial(_warm_up, codec, level),
        )


def _warm_up(codec: jaxcodec.Codec, level: int, pixels: np.ndarray) -> None:
    """Compiles what a level needs for pictures of this size, without the time that it takes."""
    jaxcodec.decode(codec, jaxcodec.encode(codec, pixels, effort=min(level, 3)))
    steps = effort.chosen(level).steps
    if steps is None:
        return

    def interrupt(progress):
        raise KeyboardInterrupt

    encode_picture(codec, pixels, effort=level, progress=interrupt)


def _avif(speed: int) -> Setting:
    coder = BASELINES["avif"]
    coder = dataclasses.replace(coder, options=coder.options | {"speed": speed})
    return Setting(
        "AVIF", speed, AVIF_QUALITIES, coder.encode, lambda data: coder.decode(data, 0.0)
    )


def _has_jxl() -> bool:
    try:
        import imagecodecs
    except ImportError:
        available = False
    else:
        available = bool(imagecodecs.JPEGXL.available)
    if not available:
        print("imagecodecs with JPEG XL is not installed; JPEG XL is left out")
    return available


def _jxl(level: int) -> Setting:
    """JPEG XL by imagecodecs; its points are Butteraugli distances."""
    import imagecodecs

    def encode(pixels, point):
        return imagecodecs.jpegxl_encode(pixels, distance=point, effort=level, numthreads=0)

    return Setting("JPEG XL", level, JXL_DISTANCES, encode, imagecodecs.jpegxl_decode)


@dataclasses.dataclass(frozen=True)
class Found:
    """What a setting came to.

    gain: BD-rate over the anchor in percent, or None. bpp: at each of PSNRS, or None. seconds: mean
      of a picture.
    """

    codec: str
    level: int
    pictures: int
    gain: float | None
    bpp: tuple[float | None, ...]
    seconds: float


def _found(rows: list[dict]) -> list[Found]:
    """Each setting beside the anchor, on the pictures at which both were measured."""
    table = collections.defaultdict(dict)
    for row in rows:
        table[row["codec"], row["level"], row["id"] if row["codec"] == OURS else ""][
            row["image"], row["point"]
        ] = row
    anchor = next((own for key, own in table.items() if key[:2] == ("AVIF", 4)), {})
    found = []
    for (codec, level, _), own in sorted(table.items()):
        pictures = _whole(own) & (_whole(anchor) or _whole(own))
        if not pictures:
            continue
        bpp, psnr, seconds = _means(own, pictures)
        curve = Curve(bpp, psnr, f"{codec} {level}")
        gain = None
        if anchor:
            try:
                gain = bd_rate(curve, Curve(*_means(anchor, pictures)[:2], ANCHOR), RANGE)
            except CurveError as problem:
                print(problem)
        inside = [s for s, rate in zip(seconds, bpp, strict=True) if RANGE[0] <= rate <= RANGE[1]]
        found.append(
            Found(
                codec,
                level,
                len(pictures),
                gain,
                tuple(_at(curve, value) for value in PSNRS),
                statistics.fmean(inside or seconds),
            )
        )
    return found


def _whole(own: dict) -> set[str]:
    """The pictures that were measured at every point."""
    points = {point for _, point in own}
    names = {name for name, _ in own}
    return {name for name in names if all((name, point) in own for point in points)}


def _means(own: dict, pictures: set[str]) -> tuple[tuple[float, ...], ...]:
    """Mean bpp, PSNR and seconds at each point."""
    points = sorted({point for _, point in own})
    return tuple(
        tuple(
            statistics.fmean(own[name, point][field] for name in sorted(pictures))
            for point in points
        )
        for field in ("bpp", "psnr_db", "seconds")
    )


def _at(curve: Curve, psnr: float) -> float | None:
    """The rate at a PSNR, between the points."""
    log_rates, quality = curve.points
    if not min(quality) <= psnr <= max(quality):
        return None
    return float(np.exp(PchipInterpolator(quality, log_rates)(psnr)))


def _report(rows: list[dict], out: pathlib.Path) -> None:
    found = _found(rows)
    head = [
        "codec",
        "effort, speed",
        "pictures",
        "s a picture",
        f"BD-rate over {ANCHOR}, %",
        *(f"bpp at {value:g} dB" for value in PSNRS),
    ]
    here = machine.describe()
    lines = [
        f"{here['cpu']}, {here['cores']} cores, {here['date'][:10]}",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    for own in found:
        cells = [
            own.codec,
            str(own.level),
            str(own.pictures),
            f"{own.seconds:.3g}",
            "" if own.gain is None else f"{own.gain:+.1f}",
            *("" if value is None else f"{value:.3f}" for value in own.bpp),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join(lines)
    (out / "effort.md").write_text(text + "\n")
    print(text)
    _plot([own for own in found if own.gain is not None], out / "effort.png")


def _plot(found: list[Found], path: pathlib.Path) -> None:
    """BD-rate over the anchor against seconds, a line for each codec."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for codec, own in itertools.groupby(found, lambda each: each.codec):
        each = sorted(own, key=lambda one: one.level)
        axes.plot([one.seconds for one in each], [one.gain for one in each], "o-", label=codec)
        for one in each:
            axes.annotate(
                str(one.level),
                (one.seconds, one.gain),
                textcoords="offset points",
                xytext=(4, 4),
                fontsize=8,
            )
    axes.set(
        xscale="log",
        xlabel="seconds to encode a picture",
        ylabel=f"bits at equal PSNR over {ANCHOR}, %",
    )
    axes.grid(alpha=0.3)
    if found:
        axes.legend()
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
