"""What refinement gains: refines pictures with several settings, and prints and draws how they
compare.

    python studies/refinement/methods.py --out FILE.jsonl --codec NAME|FILE ... --images DIR [--take
    N] [--crop SIDE]
        [--qualities 20,40,60,80] --settings SETTING ... [--steps 500] [--factor 1] [--batch 8]
    python studies/refinement/methods.py --out FILE.jsonl --report [--at STEP] | --plot FILE.png

A SETTING is a method of `jaxcodec.refine` with changes, as in ssl:a=2.3,tau_max=.5. --take N
refines N pictures at even distances in the folder, --crop the middle of each. Every codec of one
quality adds its one point, and one of a range the points of --qualities. --factor is on top of the
trade-off that a codec has with a picture. --at reports what would have been kept had the run ended
at that step: bits as looked up in the coder's tables, with the header of the unrefined file.

Each picture, point and setting is a line of --out: scores at every look, and the bytes and PSNR of
the real files without and with refinement. What is there is not done again, so the same command
goes on where it was stopped.
"""

import argparse
import collections
import itertools
import json
import pathlib
import time

import numpy as np

import jaxcodec
from jaxcodec import image
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.evaluation.bd import Curve, CurveError, bd_quality, bd_rate
from jaxcodec.refinement import methods
from jaxcodec.runtime import compile_cache

KEY = ("codec", "image", "crop", "quality", "setting", "steps", "factor")
IN_SCHEDULE = ("tau_max", "span")
_DASHES = "-", "--", ":"  # for each ten lines, which have as many colours


def main() -> None:
    """Refines what is missing, then reports or draws."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="FILE.jsonl")
    parser.add_argument("--codec", nargs="+", default=[])
    parser.add_argument("--images", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--take", type=int, metavar="N")
    parser.add_argument("--crop", type=int, metavar="SIDE")
    parser.add_argument(
        "--qualities",
        default="20,40,60,80",
        type=lambda text: [float(part) for part in text.split(",")],
    )
    parser.add_argument("--settings", nargs="+", default=[], metavar="SETTING")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--factor", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--at", type=int, metavar="STEP")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE.png")
    options = parser.parse_args()
    compile_cache.enable()
    done = {tuple(row[name] for name in KEY) for row in _rows(options.out)}
    for setting, name in itertools.product(options.settings, options.codec):
        _refine(setting, name, options, done)
    rows = _rows(options.out)
    if options.report:
        _report(
            [_ended(row, options.at) for row in rows if row["steps"] > options.at]
            if options.at
            else rows
        )
    if options.plot:
        _plot(rows, options.plot)


def _rows(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def parse(setting: str) -> tuple[str, dict]:
    """The method and the changes of a setting's text."""
    method, _, changes = setting.partition(":")
    given = dict(change.split("=", 1) for change in changes.split(",") if change)
    values = {
        name: json.loads(value if value[0] != "." else f"0{value}") for name, value in given.items()
    }
    own = methods.make(method)
    schedule = own.schedule._replace(
        **{name: values.pop(name) for name in IN_SCHEDULE if name in values}
    )
    return method, values | {"schedule": schedule}


def pictures(options) -> dict[str, np.ndarray]:
    """Pixels of the pictures that are taken, by name."""
    paths = image.list_images(options.images)
    count = min(options.take or len(paths), len(paths))
    taken = {}
    for index in range(count):
        path = paths[index * len(paths) // count]
        pixels = image.read(path).pixels
        if options.crop:
            top, left = ((size - options.crop) // 2 for size in pixels.shape[:2])
            pixels = pixels[top : top + options.crop, left : left + options.crop]
        taken[path.name] = pixels
    return taken


def _refine(setting: str, name: str, options, done: set) -> None:
    """Refines all pictures at all points of a codec with one setting, in batches; a line for
    each.
    """
    codec = jaxcodec.load(name)
    points = options.qualities if codec.variable else [None]
    method, changes = parse(setting)
    tasks = []
    for (picture, pixels), quality in itertools.product(pictures(options).items(), points):
        key = (name, picture, options.crop, quality, setting, options.steps, options.factor)
        if key not in done:
            tasks.append((key, pixels))
    tasks.sort(key=lambda task: task[1].shape)
    for _, alike in itertools.groupby(tasks, key=lambda task: task[1].shape):
        alike = list(alike)
        for first in range(0, len(alike), options.batch):
            batch = alike[first : first + options.batch]
            rows = _batch(codec, batch, method, changes, options)
            with options.out.open("a") as out:
                out.writelines(json.dumps(row) + "\n" for row in rows)
            gain = np.mean([_saved(row) for row in rows])
            print(
                f"{setting} {options.steps} {name}: {len(rows)} of {len(tasks)} refined, "
                f"{gain:.2f} %",
                flush=True,
            )


def _batch(codec, batch, method: str, changes: dict, options) -> list[dict]:
    looks = []
    begun = time.perf_counter()
    keys, images = zip(*batch, strict=True)
    qualities = [dict(zip(KEY, key, strict=False))["quality"] for key in keys]
    latents = jaxcodec.refine(
        codec,
        images,
        quality=None if qualities[0] is None else qualities,
        steps=options.steps,
        method=method,
        trade_off_factor=options.factor,
        batch_size=len(images),
        progress=looks.append,
        **changes,
    )
    if any(own.interrupted for own in latents):
        raise KeyboardInterrupt
    seconds = time.perf_counter() - begun
    rows = []
    for place, (key, pixels, own) in enumerate(zip(keys, images, latents, strict=True)):
        plain = _file(
            codec, pixels, jaxcodec.encode(codec, pixels, quality=qualities[place], effort=0)
        )
        refined = (
            _without_file(own, plain)
            if own.plain
            else _file(codec, pixels, jaxcodec.encode(codec, pixels, latents=own))
        )
        curve = [(0, own.start.loss, *own.start)]
        curve += [(look.step, look.relaxed_loss[place], *look.current[place]) for look in looks]
        rows.append(
            dict(zip(KEY, key, strict=False))
            | {
                "trade_off": own.trade_off,
                "found_at": own.found_at,
                "seconds": seconds / len(batch),
            }
            | {
                "start": own.start,
                "best": own.best,
                "plain": plain,
                "refined": refined,
                "curve": curve,
            }
        )
    return rows


def _file(codec, pixels, data: bytes) -> dict:
    return {
        "bpp": 8 * len(data) / pixels[..., 0].size,
        "psnr_db": float(psnr_db(jaxcodec.decode(codec, data), pixels)),
    }


def _without_file(latents, plain: dict) -> dict:
    """The same of latents that no file holds, with about the header of the unrefined file."""
    return {
        "bpp": latents.best.bpp + max(plain["bpp"] - latents.start.bpp, 0),
        "psnr_db": latents.best.psnr_db,
    }


def _ended(row: dict, at: int) -> dict:
    """What a row would be had its run ended at a step; a look is (step, relaxed loss, bits, bpp,
    PSNR, loss).
    """
    looks = [look for look in row["curve"] if look[0] <= at]
    best = min(looks, key=lambda look: look[5])[2:]
    header_bpp = row["plain"]["bpp"] - row["start"][1]
    return row | {
        "curve": looks,
        "best": best,
        "refined": {"bpp": best[1] + header_bpp, "psnr_db": best[2]},
    }


def _saved(row: dict) -> float:
    """What the true loss falls by, in percent of the rate: about the bits saved at the same error.

    Scores are written as (bits, bpp, PSNR, loss).
    """
    return 100 * (row["start"][3] - row["best"][3]) / row["start"][1]


def _groups(rows: list[dict]) -> dict[tuple, list[dict]]:
    groups = collections.defaultdict(list)
    for row in rows:
        codec = "single" if row["quality"] is None else row["codec"]
        groups[codec, row["steps"], row["factor"], row["setting"]].append(row)
    return groups


def _report(rows: list[dict]) -> None:
    columns = (
        "codec",
        "steps",
        "lambda x",
        "setting",
        "files",
        "loss, % of the rate",
        "by point",
        "worse",
        "gap, %",
    )
    columns = *columns, "BD-rate, %", "BD-PSNR, dB", "BD-rates of images"
    print("|", " | ".join(columns), "|")
    print("|" + "---|" * len(columns))
    for (codec, steps, factor, setting), group in sorted(
        _groups(rows).items(), key=lambda item: item[0][:3]
    ):
        points = collections.defaultdict(list)
        for row in group:
            points[row["quality"], row["codec"]].append(_saved(row))
        by_point = ", ".join(
            f"{np.mean(saved):.1f}" for _, saved in sorted(points.items(), key=str)
        )
        worse = sum(row["best"][3] > row["start"][3] for row in group)
        gap = np.mean([abs(row["curve"][-1][1] / row["curve"][-1][5] - 1) for row in group])
        mean = f"{np.mean([_saved(row) for row in group]):.2f}"
        cells = (
            pathlib.Path(codec).stem,
            steps,
            f"{factor:g}",
            setting,
            len(group),
            mean,
            by_point,
            worse,
            f"{100 * gap:.1f}",
        )
        print("|", " | ".join(map(str, (*cells, *_deltas(group), _range(group)))), "|")


def _deltas(group: list[dict]) -> tuple[str, str]:
    """BD-rate and BD-PSNR of the mean curve, refined against unrefined; empty with too few
    points.
    """
    points = collections.defaultdict(list)
    for row in group:
        points[row["quality"], row["codec"]].append(row)
    if len({row["image"] for row in group}) * len(points) != len(group):
        return "", ""
    try:
        refined, plain = (
            Curve(
                *zip(
                    *[
                        [
                            np.mean([row[kind][number] for row in point])
                            for number in ("bpp", "psnr_db")
                        ]
                        for point in points.values()
                    ],
                    strict=True,
                )
            )
            for kind in ("refined", "plain")
        )
        return f"{bd_rate(refined, plain):.2f}", f"{bd_quality(refined, plain):.3f}"
    except CurveError:
        return "", ""


def _range(group: list[dict]) -> str:
    """The largest and the least BD-rate of an image; empty where one has none."""
    each = [
        _deltas([row for row in group if row["image"] == image])[0]
        for image in {row["image"] for row in group}
    ]
    return "{} to {}".format(*(pick(each, key=float) for pick in (max, min))) if all(each) else ""


def _plot(rows: list[dict], path: pathlib.Path) -> None:
    """True loss (relative to its start), surrogate gap, PSNR and bpp over steps, a line a setting:
    means over all rows.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(12, 8), layout="constrained")
    groups = sorted(_groups(rows).items(), key=lambda item: item[0][:3])
    for place, ((_, steps, _, setting), group) in enumerate(groups):
        curves = np.array(
            [row["curve"] for row in group]
        )  # rows x looks x (step, relaxed, bits, bpp, psnr, loss)
        start = np.array([row["start"] for row in group])[:, None]
        at = curves[0, :, 0]
        shown = {
            "true loss, % of its start": 100 * curves[..., 5] / start[..., 3],
            "relaxed over true loss, %": 100 * (curves[..., 1] / curves[..., 5] - 1),
            "PSNR, dB above the start": curves[..., 4] - start[..., 2],
            "bpp, % of the start": 100 * curves[..., 3] / start[..., 1],
        }
        for axis, (title, values) in zip(axes.flat, shown.items(), strict=True):
            axis.plot(
                at,
                values.mean(axis=0),
                label=f"{setting}, {steps}",
                linestyle=_DASHES[place // 10 % len(_DASHES)],
            )
            axis.set(title=title, xlabel="step")
    for axis in axes.flat:
        low, high = np.percentile(
            np.concatenate([line.get_ydata() for line in axis.lines]), [0.5, 95]
        )
        axis.set_ylim(
            low - 0.1 * (high - low), high + 0.1 * (high - low)
        )  # what is far above all others is cut off
        axis.grid(alpha=0.3)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
