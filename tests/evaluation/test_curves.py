import dataclasses
import json

import numpy as np
import pytest

from jaxcodec.evaluation import curves
from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.curves import MeanCurve
from jaxcodec.evaluation.measure import Measurement, Sweep

BPP, PSNR = (0.1, 0.2, 0.4, 0.8, 1.6), (26.0, 28.5, 31.2, 34.4, 38.0)


def sweep(coder, scale=1.0, ms_ssim=0.9):
    """Two pictures; the second takes twice the bits and 2 dB less."""
    rows = [
        Measurement(
            name,
            point,
            100,
            scale * times * rate,
            {"psnr_db": quality - less, "ms_ssim": ms_ssim, "ssim": 0.8},
            0.1,
            0.2,
        )
        for point, rate, quality in zip(coder.points, BPP, PSNR, strict=False)
        for name, times, less in (("a", 1, 0), ("b", 2, 2))
    ]
    return Sweep(coder, tuple(rows))


@pytest.fixture
def coder(coarse):
    return coarse(points=(1.0, 2.0, 3.0, 4.0, 5.0))


def test_the_curve_of_a_sweep_has_its_means(coder):
    curve = curves.of_sweep(sweep(coder))
    np.testing.assert_allclose(curve.bpp, 1.5 * np.array(BPP))
    np.testing.assert_allclose(curve.psnr_db, np.array(PSNR) - 1)
    np.testing.assert_allclose(curve.quality_db("ms_ssim_db"), 10)
    np.testing.assert_allclose(curve.quality_db("ssim_db"), -10 * np.log10(0.2))


def test_a_quality_that_a_picture_lacks_is_not_in_the_curve(coder):
    curve = curves.of_sweep(sweep(coder, ms_ssim=None))
    assert curve.quality_db("ms_ssim_db") == ()
    assert curve.points("ms_ssim_db") == []


def test_points_leave_out_infinite_quality():
    curve = MeanCurve("x", "", (2.0, 1.0), (np.inf, 30.0))
    assert curve.points("psnr_db") == [(1.0, 30.0)]


def test_deltas_for_every_metric_and_range():
    ms_ssim = tuple(1 - 10 ** (-quality / 20) for quality in PSNR)
    anchor = MeanCurve("anchor", "", BPP, PSNR, ms_ssim)
    test = MeanCurve("test", "", tuple(0.8 * rate for rate in BPP), PSNR, ms_ssim)
    rows = curves.compare(test, anchor)
    assert [(row["metric"], row["rate_range"]) for row in rows] == [
        ("psnr_db", None),
        ("psnr_db", (0.15, 1.0)),
        ("ms_ssim_db", None),
        ("ms_ssim_db", (0.15, 1.0)),
    ]
    for row in rows:
        assert row["bd_rate"] == pytest.approx(-20)
        assert row["test"] == "test" and row["anchor"] == "anchor" and row["problem"] is None
    assert rows[0]["bd_psnr_db"] > 0.5 and rows[2]["bd_ms_ssim_db"] > 0.25


def test_a_metric_that_one_curve_lacks_is_left_out():
    rows = curves.compare(MeanCurve("a", "", BPP, PSNR, (0.9,) * 5), MeanCurve("b", "", BPP, PSNR))
    assert {row["metric"] for row in rows} == {"psnr_db"}


def test_curves_that_share_nothing_say_so():
    rows = curves.compare(
        MeanCurve("a", "", BPP, PSNR), MeanCurve("b", "", BPP, tuple(q + 50 for q in PSNR))
    )
    assert rows[0]["bd_rate"] is None
    assert "share no range of quality" in rows[0]["problem"]


def test_a_single_point_is_no_curve():
    rows = curves.compare(MeanCurve("one", "", (0.5,), (32.0,)), MeanCurve("b", "", BPP, PSNR))
    assert rows[0]["bd_rate"] is None
    assert "fewer than two points" in rows[0]["problem"]


def test_bd_rate_of_each_picture(coder):
    assert curves.bd_rate_per_image(sweep(coder, 1.1), sweep(coder)) == pytest.approx(
        {"a": 10, "b": 10}
    )


def test_published_curves(tmp_path):
    path = tmp_path / "published.json"
    codec = {"source": "a paper", "bpp": [0.1, 1], "psnr_db": [26, 34], "encode_time_s": [1, 2]}
    path.write_text(
        json.dumps(
            {"dataset": "Kodak", "codecs": {"X": codec, "Y": codec | {"ms_ssim": [0.9, 0.99]}}}
        )
    )
    assert curves.read_published(path) == [
        MeanCurve("X", "a paper", (0.1, 1.0), (26.0, 34.0), data_set="Kodak"),
        MeanCurve("Y", "a paper", (0.1, 1.0), (26.0, 34.0), (0.9, 0.99), data_set="Kodak"),
    ]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"codecs": {"X": {"bpp": [1], "psnr_db": [30]}}}', '{"codecs": {"X": 3}}'],
)
def test_a_file_of_another_form_is_refused(tmp_path, content):
    path = tmp_path / "published.json"
    path.write_text(content)
    with pytest.raises(EvaluationError, match="published.json does not hold published curves"):
        curves.read_published(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EvaluationError, match="nowhere.json"):
        curves.read_published(tmp_path / "nowhere.json")


def test_every_published_curve_of_the_reference_is_read(shared_dir):
    published = curves.read_published(shared_dir / "reference" / "published_rd_kodak.json")
    assert len(published) == 32
    assert all(curve.points("psnr_db") for curve in published)


def test_published_curves_hold_for_the_pictures_that_their_file_names():
    curve = MeanCurve("Paper", "a source", (0.5, 1.0), (20, 25), data_set="Kodak (24 images)")
    kodak = {
        f"kodim{number:02}.png": (768, 512) if number % 5 else (512, 768) for number in range(1, 25)
    }
    assert curves.holds_for(curve, kodak)
    assert not curves.holds_for(dataclasses.replace(curve, data_set="Tecnick"), kodak)
    assert not curves.holds_for(dataclasses.replace(curve, data_set=""), kodak)
    assert not curves.holds_for(curve, dict(list(kodak.items())[:12]))
    assert not curves.holds_for(curve, kodak | {"more.png": (768, 512)})
    assert not curves.holds_for(curve, kodak | {"kodim01.png": (384, 256)})
