"""The report's html_tables."""

import dataclasses
import math
import re

import pytest

from jaxcodec.evaluation import html_tables
from jaxcodec.evaluation.metrics import CVVDP, DEFAULT, PSNR, SSIMULACRA2


@pytest.mark.parametrize(
    ("value", "digits", "sign", "shown"),
    [
        (None, 2, "", "–"),
        (1.005, 1, "", "1.0"),
        (-2.25, 2, "", "−2.25"),
        (3.0, 0, "+", "+3"),
        (math.inf, 2, "", "∞"),
    ],
)
def test_numbers(value, digits, sign, shown):
    assert html_tables.number(value, digits, sign) == shown


def test_text_can_stand_anywhere():
    assert html_tables.text('<a & "b">') == "&lt;a &amp; &quot;b&quot;&gt;"


def test_a_heading_has_its_unit_where_there_is_one():
    assert html_tables.heading(PSNR) == "PSNR, dB"
    assert html_tables.heading(SSIMULACRA2) == "SSIMULACRA 2"
    assert html_tables.heading(CVVDP) == "ColorVideoVDP, JOD"


def cells(table: str) -> list[list[str]]:
    """The cells of the lines of a table, without their tags."""
    lines = re.findall("<tr>(.*?)</tr>", table)
    return [
        [re.sub("<[^>]*>", "", cell) for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", line)]
        for line in lines
    ]


def test_means_have_a_line_a_point(evaluation):
    head, first, last = cells(html_tables.means(evaluation.sweeps[0], DEFAULT))
    assert head[:3] == ["step", "bpp", "PSNR, dB"]
    assert first[:3] == ["1", "0.5000", "30.500"] and first[-2:] == ["100.0", "200.0"]
    assert last[2] == "∞"


def test_speed_is_in_milliseconds_and_megapixels(evaluation):
    _, mine, theirs = cells(html_tables.speed(evaluation))
    assert mine == ["mine", "100.0", "200.0", "0.00", "0.00"]  # 200 pixels in a tenth of a second
    assert theirs[0] == "theirs &amp; others"


def test_deltas_of_curves_that_share_nothing_are_dashes(evaluation):
    head, theirs, paper = cells(html_tables.bd(evaluation, "mine"))
    assert head[:2] == ["anchor", "BD-rate, 0.15 to 1 bpp"]
    assert [f"BD-rate in {name}, 0.15 to 1 bpp" for name in ("MS-SSIM", "SSIM")] == head[5:7]
    assert theirs[0] == "theirs &amp; others" and "(other pictures)" not in theirs[-1]
    assert paper == ["Paper", *["–"] * (4 + len(DEFAULT) - 1), "a source (other pictures)"]


def test_two_thirds_of_the_rate_are_a_delta_of_a_third(evaluation):
    """Against a curve of 3/2 of the rate at equal quality, the BD-rate is -33.3 %."""
    sweeps = []
    for sweep in evaluation.sweeps:
        rows = tuple(
            dataclasses.replace(row, metrics=row.metrics | {"psnr_db": 28.0 + 2 * row.point})
            for row in sweep.measurements
        )
        sweeps.append(dataclasses.replace(sweep, measurements=rows))
    changed = dataclasses.replace(evaluation, sweeps=tuple(sweeps))
    _, line, _ = cells(html_tables.bd(changed, "mine"))
    assert line[3] == "−33.3 %"
    assert 'class="better">−33.3 %' in html_tables.bd(changed, "mine")
    for line in cells(html_tables.bd_per_image(changed, changed.sweeps[0]))[1:]:
        assert line[1] == "−33.3 %"


def test_machine_and_settings(evaluation):
    facts = dict(cells(html_tables.machine(evaluation))[1:])
    assert facts["processor"] == "a &lt;cpu&gt;, 2 cores, 4.0 GiB" and facts["software"] == "jax 1"
    assert cells(html_tables.settings(evaluation))[1] == ["mine", "step 1, 2", "library: zlib"]
