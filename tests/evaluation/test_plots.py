import io
import re
from xml.etree import ElementTree

import pytest
from PIL import Image

from jaxcodec.evaluation import plots
from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.curves import MeanCurve

MEASURED = MeanCurve(
    "mine & yours",
    "here",
    (0.2, 0.5, 1.0),
    {"psnr_db": (28, 32, 36), "ms_ssim": (0.9, 0.95, 0.99), "ssim": (0.8, 0.9, 0.95)},
)
HIDDEN = MeanCurve("hidden", "a paper", (0.2, 0.5), {"psnr_db": (29, 33)})
SHOWN = MeanCurve("shown", "a paper", (0.2, 0.5), {"psnr_db": (30, 34)})


def draw(*curves, measured=1, drawn=("shown",)):
    return plots.draw(curves, measured, drawn)


def test_a_plot_for_each_quality_that_all_measured_curves_have():
    assert [plot.metric.curve_key for plot in draw(MEASURED, HIDDEN)] == [
        "psnr_db",
        "ms_ssim_db",
        "ssim_db",
    ]
    poorer = MeanCurve("poorer", "here", (0.2, 0.5), {"psnr_db": (28, 32)})
    assert [plot.metric.curve_key for plot in draw(MEASURED, poorer, measured=2)] == ["psnr_db"]


def test_drawn_curves_come_first_so_that_their_colours_are_their_own():
    plot = draw(MEASURED, HIDDEN, SHOWN)[0]
    assert [curve.name for curve in plot.curves] == ["mine & yours", "shown", "hidden"]


def test_files_show_the_drawn_curves_only():
    plot = draw(MEASURED, HIDDEN, SHOWN)[0]
    svg = plot.render("svg").decode()
    assert "shown" in svg and "mine &amp; yours" in svg and "hidden" not in svg
    assert Image.open(io.BytesIO(plot.render("png"))).size == (1080, 720)


def test_equal_plots_are_equal_bytes():
    assert draw(MEASURED, SHOWN)[0].render("svg") == draw(MEASURED, SHOWN)[0].render("svg")


def test_the_svg_of_a_page_has_every_curve_and_the_pages_colours():
    svgs = [plot.themed_svg() for plot in draw(MEASURED, HIDDEN, SHOWN)]
    ids = [re.findall(r'id="([^"]+)"', svg) for svg in svgs]
    assert {"psnr_db-curve0", "psnr_db-curve1", "psnr_db-curve2"} <= set(ids[0])
    assert "ms_ssim_db-curve0" in ids[1] and "ms_ssim_db-curve1" not in ids[1]
    assert not set(ids[0]) & set(ids[1])
    assert "currentColor" in svgs[0] and "var(--line)" in svgs[0]
    for svg in svgs:
        ElementTree.fromstring(svg)
        links = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
        assert links and {a or b for a, b in links} <= set(re.findall(r'id="([^"]+)"', svg))


def test_infinite_qualities_are_not_drawn():
    plot = draw(MeanCurve("x", "", (0.5, 1.0, 2.0), {"psnr_db": (30, 34, float("inf"))}))[0]
    assert plot.render("png").startswith(b"\x89PNG")


def test_a_name_is_no_formula():
    plot = draw(MeanCurve(r"$\nothing", "", (0.5, 1.0), {"psnr_db": (30, 34)}))[0]
    assert r"$\nothing" in plot.render("svg").decode()


def test_curves_to_draw_must_exist():
    assert plots.visible([HIDDEN, SHOWN], ["hidden"]) == {"hidden"}
    assert plots.visible(
        [HIDDEN, MeanCurve(plots.DRAWN[0], "", (1,), {"psnr_db": (30,)})], None
    ) == {plots.DRAWN[0]}
    with pytest.raises(
        EvaluationError, match="no published curve is called 'other'; choose from hidden, shown"
    ):
        plots.visible([HIDDEN, SHOWN], ["other"])
