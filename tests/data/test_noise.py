"""Crops of noise: uniform, repeatable, and one stream however many processes share it."""

import numpy as np
import pytest

from jaxcodec.data.noise import uniform_batches, uniform_crops
from jaxcodec.errors import DataError


def taken(count, **settings):
    batches = uniform_batches(**{"batch_size": 4, "crop": 32, "seed": 3} | settings)
    return [next(batches)["image"] for _ in range(count)]


def test_every_value_is_as_likely_and_no_two_samples_tell_of_each_other():
    samples = np.concatenate(taken(8)).astype(np.float64)
    counts = np.bincount(samples.astype(int).ravel(), minlength=256)
    expected = samples.size / 256
    assert np.sum((counts - expected) ** 2 / expected) < 255 + 5 * np.sqrt(2 * 255)
    for axis in (0, 1, 2, 3):
        pairs = [np.take(samples, places, axis) for places in ([0, 1], [1, 0])]
        assert abs(np.corrcoef(pairs[0].ravel(), pairs[1].ravel())[0, 1]) < 0.05


def test_they_follow_from_seed_and_position():
    first, second = taken(2)
    assert (first != second).mean() > 0.99
    np.testing.assert_array_equal(first, taken(1)[0])
    assert (first != taken(1, seed=4)[0]).mean() > 0.99
    batches = uniform_batches(batch_size=4, crop=32, seed=3)
    batches.set_state({"next_index": 1})
    np.testing.assert_array_equal(next(batches)["image"], second)


def test_processes_share_one_stream():
    whole = np.concatenate(taken(2))
    parts = [taken(2, process_index=index, process_count=2) for index in range(2)]
    joined = np.concatenate([part for both in zip(*parts, strict=True) for part in both])
    np.testing.assert_array_equal(joined, whole)
    with pytest.raises(DataError, match="a batch of 4 cannot be divided among 3 processes"):
        uniform_batches(batch_size=4, crop=32, seed=3, process_count=3)


def test_those_of_validation_are_others():
    crops = uniform_crops(32, 4, 3)
    assert crops.shape == (4, 32, 32, 3) and crops.dtype == np.uint8
    np.testing.assert_array_equal(crops, uniform_crops(32, 4, 3))
    assert (crops != taken(1)[0]).mean() > 0.99
