"""The report's tables, as HTML."""

import html
import math
from collections.abc import Iterable, Sequence

import numpy as np

from jaxcodec.evaluation import curves
from jaxcodec.evaluation.measure import Sweep
from jaxcodec.evaluation.metrics import PSNR, PictureMetric
from jaxcodec.evaluation.results import Evaluation

_NONE = "–"


def text(value: object) -> str:
    """A value as text that can stand anywhere in a page."""
    return html.escape(str(value))


def number(value: float | None, digits: int, sign: str = "") -> str:
    """A number with so many decimals and a true minus; a dash for None."""
    if value is None:
        return _NONE
    return f"{value:{sign}.{digits}f}".replace("-", "−") if math.isfinite(value) else "∞"


def heading(metric: PictureMetric) -> str:
    """What a column of a metric is called: "PSNR, dB"."""
    return text(f"{metric.label}, {metric.unit}" if metric.unit else metric.label)


def bd(evaluation: Evaluation, test: str) -> str:
    """Bjontegaard deltas of the curve `test` against every other."""
    rows = {
        (row["anchor"], row["metric"], row["rate_range"]): row
        for row in evaluation.comparisons()
        if row["test"] == test
    }
    everything, middle = curves.RATE_RANGES
    psnr, others = PSNR.curve_key, [each for each in evaluation.metrics if each is not PSNR]
    elsewhere = evaluation.elsewhere()
    lines = [
        [
            text(curve.name),
            _delta(rows[curve.name, psnr, middle], "bd_rate"),
            _delta(rows[curve.name, psnr, middle], "bd_psnr_db"),
            _delta(rows[curve.name, psnr, everything], "bd_rate"),
            _delta(rows[curve.name, psnr, everything], "bd_psnr_db"),
            *(_delta(rows.get((curve.name, each.curve_key, middle)), "bd_rate") for each in others),
            text(curve.source)
            + (' <span class="worse">(other pictures)</span>' if curve.name in elsewhere else ""),
        ]
        for curve in evaluation.curves()
        if curve.name != test
    ]
    span = f"{middle[0]:g} to {middle[1]:g} bpp"
    header = (
        "anchor",
        f"BD-rate, {span}",
        f"BD-PSNR, {span}",
        "BD-rate, all rates",
        "BD-PSNR, all rates",
        *(f"BD-rate in {text(each.label)}, {span}" for each in others),
        "source of the anchor",
    )
    return _table(f"{text(test)} against each anchor", header, lines)


def bd_per_image(evaluation: Evaluation, test: Sweep) -> str:
    """BD-rate of a sweep against every other, picture by picture."""
    anchors = [sweep for sweep in evaluation.sweeps if sweep is not test]
    columns = [curves.bd_rate_per_image(test, anchor) for anchor in anchors]
    lines = [
        [
            text(photo.name),
            *(_delta({"bd_rate": column[photo.name]}, "bd_rate") for column in columns),
        ]
        for photo in evaluation.photos
    ]
    header = ("picture", *(f"against {text(anchor.coder.name)}" for anchor in anchors))
    return _table(
        f"BD-rate of {text(test.coder.name)} on each picture, all common rates", header, lines
    )


def means(sweep: Sweep, metrics: Sequence[PictureMetric]) -> str:
    """The mean of every number at every operating point of a sweep."""
    lines = [
        [
            f"{mean['point']:g}",
            number(mean["bpp"], 4),
            *(number(mean[metric.key], max(metric.digits, 3)) for metric in metrics),
            number(1000 * mean["encode_seconds"], 1),
            number(1000 * mean["decode_seconds"], 1),
        ]
        for mean in sweep.means()
    ]
    header = (
        text(sweep.coder.point_name),
        "bpp",
        *map(heading, metrics),
        "encode, ms",
        "decode, ms",
    )
    return _table(f"{text(sweep.coder.name)}: means over the pictures", header, lines)


def speed(evaluation: Evaluation) -> str:
    """Mean times of every coder over all its measurements."""
    megapixels = np.mean([photo.pixels[:, :, 0].size for photo in evaluation.photos]) / 1e6
    lines = []
    for sweep in evaluation.sweeps:
        seconds = [
            np.mean([getattr(row, field) for row in sweep.measurements])
            for field in ("encode_seconds", "decode_seconds")
        ]
        lines.append([
            text(sweep.coder.name),
            *(number(float(1000 * value), 1) for value in seconds),
            *(number(float(megapixels / value), 2) for value in seconds),
        ])  # fmt: skip
    header = (
        "coder",
        "encode, ms a picture",
        "decode, ms a picture",
        "encode, Mpixel/s",
        "decode, Mpixel/s",
    )
    return _table("Wall-clock time, mean over all pictures and operating points", header, lines)


def machine(evaluation: Evaluation) -> str:
    """What it ran on."""
    facts = evaluation.machine
    versions = ", ".join(
        f"{name} {version}" for name, version in facts["versions"].items() if version
    )
    lines = [
        ("processor", text(f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB")),
        ("JAX devices", text(", ".join(facts["devices"]))),
        ("system", text(facts["system"])),
        ("software", text(versions)),
        ("date", text(facts["date"])),
        ("baselines coded at a time", text(evaluation.workers)),
    ]
    return _table("Machine and software", ("what", "which"), lines)


def settings(evaluation: Evaluation) -> str:
    """How every coder was set."""
    lines = [
        (
            text(sweep.coder.name),
            text(
                f"{sweep.coder.point_name} "
                f"{', '.join(f'{point:g}' for point in sweep.coder.points)}"
            ),
            text("; ".join(f"{key}: {value}" for key, value in sweep.coder.settings.items())),
        )
        for sweep in evaluation.sweeps
    ]
    return _table("Settings", ("coder", "operating points", "settings"), lines)


def _delta(row: dict | None, field: str) -> str:
    """A delta with its sign and unit, marked as better or worse; a dash where there is none."""
    value = row[field] if row else None
    if value is None:
        return _NONE
    percent = field == "bd_rate"
    better = value < 0 if percent else value > 0
    shown = f"{number(value, 1, '+')} %" if percent else f"{number(value, 2, '+')} dB"
    return f'<span class="{"better" if better else "worse"}">{shown}</span>'


def _table(caption: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already; the first of each line names it."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, *cells in lines
    )
    return (
        f'<div class="scroll"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )
