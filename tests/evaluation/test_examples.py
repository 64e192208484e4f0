import numpy as np
import pytest

from jaxcodec.evaluation import examples
from jaxcodec.evaluation.measure import Photo, Sweep, measure


@pytest.fixture
def photos(photo):
    return [
        Photo(f"{column}", photo[80:120, column : column + 48]) for column in range(200, 250, 10)
    ]


def sweep(coder, photos):
    return Sweep(
        coder, tuple(measure(coder, photo, point) for point in coder.points for photo in photos)
    )


def test_pictures_are_spread_over_the_list(photos, coarse):
    sweeps = [sweep(coarse(points=(64.0,)), photos)]
    assert [example.photo.name for example in examples.choose(photos, sweeps, 3)] == [
        "200",
        "220",
        "240",
    ]
    assert len(examples.choose(photos, sweeps, 99)) == 5
    assert examples.choose(photos, sweeps, 0) == []


def test_the_first_coder_comes_nearest_to_the_rates(photos, coarse, monkeypatch):
    first = sweep(coarse(), photos)
    rates = {row.point: row.bpp for row in first.measurements if row.image == "200"}
    monkeypatch.setattr(examples, "RATES", (1.01 * rates[64.0], 0.99 * rates[16.0]))
    shown = examples.choose(photos, [first], 1)
    assert [example.versions[0].point for example in shown] == [64.0, 16.0]
    assert [example.bpp for example in shown] == [rates[64.0], rates[16.0]]


def test_the_others_take_the_cheapest_file_that_is_not_smaller(photos, coarse):
    first, other = (
        sweep(coarse("first", (40.0,)), photos),
        sweep(coarse("other", (90.0, 3.0)), photos),
    )
    example = examples.choose(photos, [first, other], 1)[0]
    ours, theirs = example.versions
    assert (ours.coder, theirs.coder) == ("first", "other")
    assert theirs.point == 40.0  # found between the points of its sweep
    assert theirs.bpp == ours.bpp
    np.testing.assert_array_equal(theirs.pixels, ours.pixels)
    error = np.mean((ours.pixels.astype(float) - photos[0].pixels) ** 2)
    assert ours.metrics["psnr_db"] == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)


def test_a_coder_that_cannot_reach_the_rate_shows_what_comes_nearest(photos, coarse):
    first = sweep(coarse("first", (16.0,)), photos)
    below, above = (
        sweep(coarse("below", (90.0, 60.0)), photos),
        sweep(coarse("above", (8.0, 4.0)), photos),
    )
    versions = examples.choose(photos, [first, below, above], 1)[0].versions
    assert [version.point for version in versions] == [16.0, 60.0, 8.0]
