"""The table of metrics."""

import numpy as np
import pytest

from jaxcodec import distortions
from jaxcodec.evaluation import metrics
from jaxcodec.evaluation.coder import EvaluationError


def test_names_keys_and_curves_are_all_different():
    for attribute in ("name", "key", "curve_key", "label"):
        found = [getattr(metric, attribute) for metric in metrics.METRICS]
        assert len(set(found)) == len(found)


def test_every_distortion_of_the_package_is_a_metric_and_four_are_measured_by_default():
    assert {metric.name for metric in metrics.METRICS} == {
        *distortions.metric_names(),
        "ssimulacra2",
        "butteraugli",
        "cvvdp",
    }
    assert [metric.key for metric in metrics.DEFAULT] == [
        "psnr_db",
        "ms_ssim",
        "ssim",
        "ssimulacra2",
    ]
    assert metrics.choose(None) == metrics.DEFAULT


def test_psnr_is_always_among_them_and_first():
    assert [metric.name for metric in metrics.choose(["ssim"])] == ["psnr", "ssim"]
    assert [metric.name for metric in metrics.choose(["ssim", "psnr"])] == ["psnr", "ssim"]
    assert metrics.choose([]) == (metrics.PSNR,)


def test_a_metric_that_does_not_exist_is_named():
    with pytest.raises(
        EvaluationError, match="there is no metric 'vmaf'; choose from psnr, ms_ssi"
    ):
        metrics.choose(["psnr", "vmaf"])


@pytest.mark.parametrize("metric", metrics.METRICS, ids=lambda metric: metric.name)
def test_curves_rise_with_closeness_whatever_the_direction(metric):
    worse, better = (0.9, 0.95) if metric.higher_is_better else (0.95, 0.9)
    assert metric.to_curve(better) > metric.to_curve(worse)


def test_closeness_is_in_decibels_for_distortions():
    psnr, ms_ssim = metrics.METRICS[:2]
    assert psnr.to_curve(31.5) == 31.5 and psnr.curve_key == "psnr_db"
    assert ms_ssim.to_curve(0.99) == pytest.approx(20) and ms_ssim.curve_key == "ms_ssim_db"


def test_pictures_that_are_too_small_have_no_value(photo):
    original, decoded = photo[:9, :40], photo[:9, :40] ^ 4
    found = metrics.values(metrics.DEFAULT, original, decoded)
    assert list(found) == [metric.key for metric in metrics.DEFAULT]
    assert found["psnr_db"] == pytest.approx(10 * np.log10(255**2 / 16), abs=1e-3)
    assert found["ms_ssim"] is None and found["ssim"] is None
    assert 0 < found["ssimulacra2"] < 100


def test_results_can_tell_all_of_them():
    about = metrics.BUTTERAUGLI.about()
    assert about["name"] == "butteraugli" and about["higher_is_better"] is False
