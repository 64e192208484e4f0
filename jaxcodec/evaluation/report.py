"""The report: one HTML page with curves, tables and pictures to compare.

It needs no other file.
"""

import base64
import io
import itertools
import json
import math
import pathlib
import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from jaxcodec.evaluation import html_tables, plots
from jaxcodec.evaluation.examples import Example, Version
from jaxcodec.evaluation.metrics import PSNR, PictureMetric
from jaxcodec.evaluation.results import Evaluation

MAX_SIDE = 768
"""Pictures are shown up to this many pixels a side; of larger ones the middle."""

_TEMPLATE = pathlib.Path(__file__).with_name("report.html")


def page(evaluation: Evaluation, figures: Sequence[plots.Plot]) -> str:
    """The HTML page of an evaluation; everything it shows lies in it, and it loads nothing.

    Args:
      evaluation: what to show.
      figures: its plots; the legend switches their curves on and off.
    """
    tested = [sweep for sweep in evaluation.sweeps if sweep.coder.name in evaluation.tests]
    parts = {
        "title": html_tables.text(f"Evaluation of {', '.join(evaluation.tests)}"),
        "facts": _facts(evaluation),
        "warnings": "".join(
            f'<p class="worse">{html_tables.text(_sentence(each))}</p>\n'
            for each in evaluation.warnings()
        ),
        "legend": "".join(map(_legend, figures[:1])),
        "plots": "".join(f"<figure>{figure.themed_svg()}</figure>\n" for figure in figures),
        "bd": "".join(html_tables.bd(evaluation, name) for name in evaluation.tests),
        "bd_per_image": "".join(html_tables.bd_per_image(evaluation, sweep) for sweep in tested),
        "means": "".join(
            html_tables.means(sweep, evaluation.metrics) for sweep in evaluation.sweeps
        ),
        "speed": html_tables.speed(evaluation),
        "machine": html_tables.machine(evaluation),
        "settings": html_tables.settings(evaluation),
        "pictures": _script_json(_pictures(evaluation.examples, evaluation.metrics)),
        "metrics": "".join(
            f'<th scope="col">{html_tables.heading(each)}</th>' for each in evaluation.metrics
        ),
        "measurements": _script_json(_measurements(evaluation)),
    }
    return re.sub("@@([a-z_]+)@@", lambda match: parts[match[1]], _TEMPLATE.read_text("utf-8"))


def _facts(evaluation: Evaluation) -> str:
    count, folder, date = len(evaluation.photos), evaluation.folder, evaluation.machine["date"]
    return html_tables.text(f"{count} pictures of {folder}, {date}, on {evaluation.machine['cpu']}")


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _legend(figure: plots.Plot) -> str:
    """A button for each curve that shows or hides it in all plots.

    Curves that are hidden at first are in a fold.
    """
    shown, folded = [], []
    for index, curve in enumerate(figure.curves):
        measured = index < figure.measured
        visible = measured or curve.name in figure.drawn
        line = f"border-top: 3px {'solid' if measured else 'dashed'} {plots.colour(index)}"
        (shown if visible else folded).append(
            f'<button type="button" data-curve="{index}" aria-pressed="{str(visible).lower()}" '
            f'title="{html_tables.text(curve.source)}">'
            f'<span class="swatch" style="{line}"></span>{html_tables.text(curve.name)}</button>\n'
        )
    fold = (
        f"<details><summary>{len(folded)} more published curves</summary>{_row(folded)}</details>"
        if folded
        else ""
    )
    return _row(shown) + fold


def _row(buttons: Sequence[str]) -> str:
    return f'<div class="row">{"".join(buttons)}</div>\n'


def _pictures(examples: Sequence[Example], metrics: Sequence[PictureMetric]) -> list[dict]:
    """The examples, those of one picture together, with pixels as data URIs."""
    pictures = []
    for name, group in itertools.groupby(examples, key=lambda example: example.photo.name):
        cases = list(group)
        original = _middle(cases[0].photo.pixels)
        height, width = original.shape[:2]
        pictures.append(
            {
                "name": name,
                "width": width,
                "height": height,
                "whole": original.shape == cases[0].photo.pixels.shape,
                "original": _data_uri(original),
                "cases": [
                    {
                        "bpp": case.bpp,
                        "versions": [_version(each, metrics) for each in case.versions],
                    }
                    for case in cases
                ],
            }
        )
    return pictures


def _version(version: Version, metrics: Sequence[PictureMetric]) -> dict:
    return {
        "coder": version.coder,
        "point": version.point,
        "bpp": version.bpp,
        "closeness": [
            _closeness(metric, value)
            for metric in metrics
            if (value := version.metrics[metric.key]) is not None
        ],
        "uri": _data_uri(_middle(version.pixels)),
    }


def _closeness(metric: PictureMetric, value: float) -> str:
    """A value as the viewer tells it: "31.20 dB" for PSNR, "MS-SSIM 0.97120"."""
    if metric is PSNR:
        return f"{value:.2f} dB" if math.isfinite(value) else "lossless"
    return f"{metric.label} {html_tables.number(value, metric.digits)} {metric.unit}".strip()


def _middle(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    top, left = max(height - MAX_SIDE, 0) // 2, max(width - MAX_SIDE, 0) // 2
    return pixels[top : top + MAX_SIDE, left : left + MAX_SIDE]


def _data_uri(pixels: np.ndarray) -> str:
    """Pixels, uint8 (height, width, 1 or 3), without loss as a WebP data URI."""
    image = Image.fromarray(
        np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    )
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=True)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _measurements(evaluation: Evaluation) -> list[dict]:
    """Every measurement, as rows of finished text, by coder and operating point."""
    return [
        {
            "coder": sweep.coder.name,
            "point_name": sweep.coder.point_name,
            "points": [
                {
                    "point": f"{point:g}",
                    "rows": [
                        [
                            row.image,
                            f"{row.bytes:,}",
                            html_tables.number(row.bpp, 4),
                            *(
                                html_tables.number(row.metrics[metric.key], metric.digits)
                                for metric in evaluation.metrics
                            ),
                            html_tables.number(1000 * row.encode_seconds, 1),
                            html_tables.number(1000 * row.decode_seconds, 1),
                        ]
                        for row in sweep.at(point)
                    ],
                }
                for point in sweep.coder.points
            ],
        }
        for sweep in evaluation.sweeps
    ]


def _script_json(value) -> str:
    """JSON that can stand inside a <script> element."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")
