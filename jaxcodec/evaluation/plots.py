"""Rate-distortion plots."""

import dataclasses
import io
import itertools
import re
from collections.abc import Collection, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.curves import MeanCurve
from jaxcodec.evaluation.metrics import DEFAULT, PictureMetric

DRAWN = ("VTM intra (9.1)", "BPG 4:4:4", "mean-scale hyperprior (CompressAI)", "ELIC")
"""The published curves that are drawn unless the caller says otherwise, as far as they are
there.
"""

COLOURS = (
    "#e4572e",
    "#3a86d8",
    "#2a9d6f",
    "#a667c9",
    "#c9930a",
    "#17a2b8",
    "#d14a8b",
    "#7a8a1e",
    "#8d6e63",
    "#7d8597",
)
"""Of the curves in turn, legible on light and on dark ground."""

_MEASURED = {"marker": "o", "markersize": 3.5, "linewidth": 1.8}
_PUBLISHED = {"linestyle": "--", "linewidth": 1.1}
_INK, _GRID = (
    "#222223",
    "#dddddf",
)  # no other colour is one of these, so that a page can put its own in their place
_THEMED = {_INK: "currentColor", _GRID: "var(--line)"}
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _GRID,
}


@dataclasses.dataclass(frozen=True)
class Plot:
    """Curves of one quality over rate.

    Attributes:
      metric: whose values they show.
      curves: the measured curves, the first under test, and then the published ones.
      measured: how many are measured.
      drawn: the names of the published curves that are visible at first.
    """

    metric: PictureMetric
    curves: tuple[MeanCurve, ...]
    measured: int
    drawn: frozenset[str]

    def render(self, suffix: str) -> bytes:
        """The plot as a "png" or "svg" file, with the drawn curves only."""
        visible = [
            index < self.measured or curve.name in self.drawn
            for index, curve in enumerate(self.curves)
        ]
        return self._save(self._figure(visible, legend=True), suffix, facecolor="white")

    def themed_svg(self) -> str:
        """An <svg> element for a page, with all curves, in the page's own colours.

        The curve of number N is the element with id METRIC-curveN, METRIC as curves call it. The
        page defines --line; text takes the current colour.
        """
        svg = self._save(
            self._figure([True] * len(self.curves), legend=False), "svg", transparent=True
        ).decode()
        for colour_here, themed in _THEMED.items():
            svg = svg.replace(colour_here, themed)
        svg = re.sub(r'(id="|xlink:href="#|url\(#)', rf"\g<1>{self.metric.curve_key}-", svg)
        return svg[svg.index("<svg") :]

    def _save(self, figure: Figure, suffix: str, **options) -> bytes:
        file = io.BytesIO()
        metadata = {"Date": None} if suffix == "svg" else None
        with matplotlib.rc_context(_STYLE | {"svg.hashsalt": self.metric.curve_key}):
            figure.savefig(file, format=suffix, dpi=150, metadata=metadata, **options)
        return file.getvalue()

    def _figure(self, visible: Sequence[bool], *, legend: bool) -> Figure:
        with matplotlib.rc_context(_STYLE):
            figure = Figure((7.2, 4.8), layout="constrained")
            axes = figure.add_subplot()
            for index, curve in enumerate(self.curves):
                if visible[index] and (points := curve.points(self.metric)):
                    style = _MEASURED if index < self.measured else _PUBLISHED
                    label = curve.name.replace("$", r"\$")  # a dollar would begin a formula
                    axes.plot(
                        *zip(*points, strict=False),
                        label=label,
                        gid=f"curve{index}",
                        color=colour(index),
                        **style,
                    )
            self._frame(axes)
            if legend:
                axes.legend(loc="lower right", fontsize=8, frameon=False)
        return figure

    def _frame(self, axes) -> None:
        """Show the rates of the first curve, and the measured points within.

        At least up to 1.2 bpp, at most up to 2.
        """
        right = min(2.0, max(1.2, 1.05 * max(self.curves[0].bpp)))
        measured = itertools.chain(
            *(curve.points(self.metric) for curve in self.curves[: self.measured])
        )
        shown = [quality for rate, quality in measured if rate <= right]
        if shown:
            margin = 0.04 * (max(shown) - min(shown)) + 0.01
            axes.set_ylim(min(shown) - margin, max(shown) + margin)
        axes.set(xlim=(0, right), xlabel="bits per pixel", ylabel=self.metric.axis)
        axes.grid(True)
        axes.spines[["top", "right"]].set_visible(False)


def colour(index: int) -> str:
    """The colour of the curve of that number, #rrggbb."""
    return COLOURS[index % len(COLOURS)]


def visible(published: Sequence[MeanCurve], names: Sequence[str] | None) -> frozenset[str]:
    """The names of the published curves to draw: these, or `DRAWN` as far as they are there.

    Raises:
      EvaluationError: one of these does not exist.
    """
    known = {curve.name for curve in published}
    for name in names or ():
        if name not in known:
            raise EvaluationError(
                f"no published curve is called {name!r}; choose from {', '.join(sorted(known))}"
            )
    return frozenset(known.intersection(DRAWN if names is None else names))


def draw(
    curves: Sequence[MeanCurve],
    measured: int,
    drawn: Collection[str],
    metrics: Sequence[PictureMetric] = DEFAULT,
) -> list[Plot]:
    """A plot for each metric that all measured curves have.

    Args:
      curves: the measured curves, the first under test, and then the published ones.
      measured: how many are measured.
      drawn: the names of the published curves that are visible at first.
      metrics: which to plot.
    """
    # The visible ones come right after the measured ones, so that they get colours of their own.
    ordered = (
        *curves[:measured],
        *sorted(curves[measured:], key=lambda curve: curve.name not in drawn),
    )
    return [
        Plot(metric, ordered, measured, frozenset(drawn))
        for metric in metrics
        if all(curve.points(metric) for curve in curves[:measured])
    ]
