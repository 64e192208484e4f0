import dataclasses
import json

import numpy as np
import pytest

from jaxcodec.evaluation import curves
from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.curves import MeanCurve
from jaxcodec.evaluation.measure import Measurement, Sweep
from jaxcodec.evaluation.metrics import BUTTERAUGLI, DEFAULT, METRICS, PSNR, SSIMULACRA2

MS_SSIM, SSIM = (
    next(each for each in METRICS if each.name == name) for name in ("ms_ssim", "ssim")
)

BPP, PSNR_DB = (0.1, 0.2, 0.4, 0.8, 1.6), (26.0, 28.5, 31.2, 34.4, 38.0)


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
        for point, rate, quality in zip(coder.points, BPP, PSNR_DB, strict=False)
        for name, times, less in (("a", 1, 0), ("b", 2, 2))
    ]
    return Sweep(coder, tuple(rows))


def curve(name, bpp=BPP, **values):
    """A curve of that PSNR, and of more metrics or another PSNR."""
    return MeanCurve(name, "", bpp, {"psnr_db": PSNR_DB} | values)


@pytest.fixture
def coder(coarse):
    return coarse(points=(1.0, 2.0, 3.0, 4.0, 5.0))


def test_the_curve_of_a_sweep_has_its_means(coder):
    curve = curves.of_sweep(sweep(coder))
    np.testing.assert_allclose(curve.bpp, 1.5 * np.array(BPP))
    np.testing.assert_allclose(curve.values["psnr_db"], np.array(PSNR_DB) - 1)
    np.testing.assert_allclose(curve.quality(MS_SSIM), 10)
    np.testing.assert_allclose(curve.quality(SSIM), -10 * np.log10(0.2))


def test_a_quality_that_a_picture_lacks_is_not_in_the_curve(coder):
    curve = curves.of_sweep(sweep(coder, ms_ssim=None))
    assert curve.quality(MS_SSIM) == ()
    assert curve.points(MS_SSIM) == []


def test_points_leave_out_infinite_quality():
    curve = MeanCurve("x", "", (2.0, 1.0), {"psnr_db": (np.inf, 30.0)})
    assert curve.points(PSNR) == [(1.0, 30.0)]


def test_deltas_for_every_metric_and_range():
    ms_ssim = tuple(1 - 10 ** (-quality / 20) for quality in PSNR_DB)
    anchor = MeanCurve("anchor", "", BPP, {"psnr_db": PSNR_DB, "ms_ssim": ms_ssim})
    test = dataclasses.replace(anchor, name="test", bpp=tuple(0.8 * rate for rate in BPP))
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


def test_a_metric_in_its_own_unit_has_deltas_too():
    score = tuple(2 * quality for quality in PSNR_DB)
    anchor, test = curve("a", ssimulacra2=score), curve("b", ssimulacra2=[q + 3 for q in score])
    row = next(row for row in curves.compare(test, anchor) if row["metric"] == "ssimulacra2")
    assert row["bd_rate"] < 0 and row["bd_ssimulacra2"] == pytest.approx(3)


def test_less_is_more_where_lower_values_are_better():
    """Equal distances at 4/5 of the rate are 20 % less, and a smaller distance is a gain."""
    distance = tuple(10 / quality for quality in PSNR_DB)
    anchor = curve("a", butteraugli=distance)
    cheaper = curve("b", tuple(0.8 * rate for rate in BPP), butteraugli=distance)
    closer = curve("c", butteraugli=tuple(each - 0.01 for each in distance))
    assert curves.compare(cheaper, anchor, [BUTTERAUGLI])[0]["bd_rate"] == pytest.approx(-20)
    row = curves.compare(closer, anchor, [BUTTERAUGLI])[0]
    assert row["bd_rate"] < 0 and row["bd_butteraugli"] == pytest.approx(0.01)


def test_only_the_metrics_that_were_measured_are_compared():
    anchor = curve("a", ssimulacra2=PSNR_DB, butteraugli=PSNR_DB)
    metrics = {row["metric"] for row in curves.compare(anchor, anchor, [PSNR, SSIMULACRA2])}
    assert metrics == {"psnr_db", "ssimulacra2"} and BUTTERAUGLI not in DEFAULT


def test_a_metric_that_one_curve_lacks_is_left_out():
    rows = curves.compare(curve("a", ms_ssim=(0.9,) * 5), curve("b"))
    assert {row["metric"] for row in rows} == {"psnr_db"}


def test_curves_that_share_nothing_say_so():
    rows = curves.compare(curve("a"), curve("b", psnr_db=tuple(q + 50 for q in PSNR_DB)))
    assert rows[0]["bd_rate"] is None
    assert "share no range of quality" in rows[0]["problem"]


def test_a_single_point_is_no_curve():
    rows = curves.compare(MeanCurve("one", "", (0.5,), {"psnr_db": (32.0,)}), curve("b"))
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
    values = {"psnr_db": (26.0, 34.0), "ms_ssim": (0.9, 0.99)}
    assert curves.read_published(path) == [
        MeanCurve("X", "a paper", (0.1, 1.0), {"psnr_db": (26.0, 34.0)}, "Kodak"),
        MeanCurve("Y", "a paper", (0.1, 1.0), values, "Kodak"),
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
    assert all(each.points(PSNR) for each in published)


def test_published_curves_hold_for_the_pictures_that_their_file_names():
    curve = MeanCurve("Paper", "a source", (0.5, 1.0), {"psnr_db": (20, 25)}, "Kodak (24 images)")
    kodak = {
        f"kodim{number:02}.png": (768, 512) if number % 5 else (512, 768) for number in range(1, 25)
    }
    assert curves.holds_for(curve, kodak)
    assert not curves.holds_for(dataclasses.replace(curve, data_set="Tecnick"), kodak)
    assert not curves.holds_for(dataclasses.replace(curve, data_set=""), kodak)
    assert not curves.holds_for(curve, dict(list(kodak.items())[:12]))
    assert not curves.holds_for(curve, kodak | {"more.png": (768, 512)})
    assert not curves.holds_for(curve, kodak | {"kodim01.png": (384, 256)})
