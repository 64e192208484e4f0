"""Rank correlations: those of SciPy, with intervals that hold what they promise."""

import numpy as np
import pytest
from scipy import stats

from jaxcodec.analysis.correlation import quantile_bins, spearman
from jaxcodec.errors import CodecError


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    return x, x + rng.normal(size=200)


def test_rho_is_scipys_and_inside_its_interval(points):
    x, y = points
    found = spearman(x, y)
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.low < found.rho < found.high and 0.1 < found.high - found.low < 0.25
    assert spearman(np.exp(x), y) == found, "ranks alone count"
    assert spearman(x, y) == found and spearman(x, y, seed=1) != found
    assert str(found).startswith("+0.") and "[" in str(found)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    rng, inside = np.random.default_rng(1), 0
    for trial in range(100):
        x, y = rng.normal(size=(2, 60))
        found = spearman(x, y, draws=200, seed=trial)
        inside += found.low <= 0 <= found.high
    assert 88 <= inside <= 100


def test_points_of_one_picture_stay_together(points):
    """Ten copies of each picture say no more than one."""
    x, y = (each[:40] for each in points)
    alone = spearman(x, y)
    groups = np.repeat(np.arange(40), 10)
    copied = spearman(np.repeat(x, 10), np.repeat(y, 10), groups)
    apart = spearman(np.repeat(x, 10), np.repeat(y, 10))
    width = alone.high - alone.low
    assert copied.rho == pytest.approx(alone.rho, abs=1e-12)
    assert copied.high - copied.low == pytest.approx(width, rel=0.15)
    assert apart.high - apart.low < width / 2


def test_within_bins_what_the_bin_explains_is_gone():
    rng = np.random.default_rng(2)
    contrast = rng.uniform(size=500)
    x, y = (10 * contrast + rng.normal(size=500) for _ in range(2))
    plain = spearman(x, y)
    bins = quantile_bins(contrast, 20)
    within = spearman(x, y, bins=bins)
    assert plain.rho > 0.8 and abs(within.rho) < 0.15
    assert np.bincount(bins).tolist() == [25] * 20
    np.testing.assert_array_equal(np.sort(np.argsort(contrast)[:25]), np.flatnonzero(bins == 0))


def test_within_bins_it_is_the_mean_of_theirs(points):
    x, y = points
    bins = np.repeat([0, 1], [50, 150])
    parts = [stats.spearmanr(x[bins == each], y[bins == each]).statistic for each in (0, 1)]
    assert spearman(x, y, bins=bins).rho == pytest.approx(0.25 * parts[0] + 0.75 * parts[1])


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([1, 2], [1, 2], "ranks of 2 and 2 points"),
        ([1, 2, 3], [1, 2], "ranks of 3 and 2 points"),
        ([1, 1, 1], [1, 2, 3], "a constant has no rank"),
    ],
)
def test_what_has_no_correlation_is_one_sentence(x, y, words):
    with pytest.raises(CodecError, match=words):
        spearman(x, y)
