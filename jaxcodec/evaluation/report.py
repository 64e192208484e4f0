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

from jaxcodec.evaluation import plots, tables
from jaxcodec.evaluation.examples import Example, Version
from jaxcodec.evaluation.measure import METRICS
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
        "title": tables.text(f"Evaluation of {', '.join(evaluation.tests)}"),
        "facts": _facts(evaluation),
        "warnings": "".join(
            f'<p class="worse">{tables.text(_sentence(each))}</p>\n'
            for each in evaluation.warnings()
        ),
        "legend": "".join(map(_legend, figures[:1])),
        "plots": "".join(f"<figure>{figure.themed_svg()}</figure>\n" for figure in figures),
        "bd": "".join(tables.bd(evaluation, name) for name in evaluation.tests),
        "bd_per_image": "".join(tables.bd_per_image(evaluation, sweep) for sweep in tested),
        "means": "".join(map(tables.means, evaluation.sweeps)),
        "speed": tables.speed(evaluation),
        "machine": tables.machine(evaluation),
        "settings": tables.settings(evaluation),
        "pictures": _script_json(_pictures(evaluation.examples)),
        "metrics": "".join(f'<th scope="col">{tables.heading(each)}</th>' for each in METRICS),
        "measurements": _script_json(_measurements(evaluation)),
    }
    return re.sub("@@([a-z_]+)@@", lambda match: parts[match[1]], _TEMPLATE.read_text("utf-8"))


def _facts(evaluation: Evaluation) -> str:
    count, folder, date = len(evaluation.photos), evaluation.folder, evaluation.machine["date"]
    return tables.text(f"{count} pictures of {folder}, {date}, on {evaluation.machine['cpu']}")


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
            f'title="{tables.text(curve.source)}">'
            f'<span class="swatch" style="{line}"></span>{tables.text(curve.name)}</button>\n'
        )
    fold = (
        f"<details><summary>{len(folded)} more published curves</summary>{_row(folded)}</details>"
        if folded
        else ""
    )
    return _row(shown) + fold


def _row(buttons: Sequence[str]) -> str:
    return f'<div class="row">{"".join(buttons)}</div>\n'


def _pictures(examples: Sequence[Example]) -> list[dict]:
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
                    {"bpp": case.bpp, "versions": list(map(_version, case.versions))}
                    for case in cases
                ],
            }
        )
    return pictures


def _version(version: Version) -> dict:
    return {
        "coder": version.coder,
        "point": version.point,
        "bpp": version.bpp,
        "psnr_db": version.psnr_db if math.isfinite(version.psnr_db) else None,
        "ms_ssim": version.ms_ssim,
        "uri": _data_uri(_middle(version.pixels)),
    }


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
                            tables.number(row.bpp, 4),
                            *(
                                tables.number(row.metrics[metric.key], metric.digits)
                                for metric in METRICS
                            ),
                            tables.number(1000 * row.encode_seconds, 1),
                            tables.number(1000 * row.decode_seconds, 1),
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
