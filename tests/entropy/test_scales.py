import numpy as np
import pytest

from jaxcodec.entropy import scales

SCALES = np.geomspace(0.11, 256, 64)
"""The standard deviations of the tables (docs/format.md)."""


@pytest.mark.parametrize(
    ("form", "integers"),
    [
        ("linear", lambda scale: 256 * scale),
        ("log", lambda scale: 256 * 63 * np.log(scale) / np.log(256 / 0.11)),
    ],
)
def test_a_table_begins_halfway_between_two_scales(form, integers):
    """A scale stands as 1/256, its logarithm as 1/256 of the step between tables."""
    halfway = np.sqrt(SCALES[:-1] * SCALES[1:])
    expected = np.ceil(np.round(integers(halfway), 6)).astype(np.int32)
    np.testing.assert_array_equal(scales.thresholds(form), expected)


def test_levels_are_places_among_the_scales_of_the_tables():
    np.testing.assert_allclose(scales.level(np.float32(SCALES)), np.arange(64), atol=1e-3)
    ends = scales.level(np.float32([1e-6, 0.0, 1e6]))
    np.testing.assert_allclose(ends, [0, 0, 63], atol=1e-3)
    # Rounded, they are the tables that thresholds choose.
    between = np.exp(np.random.default_rng(0).uniform(np.log(0.05), np.log(400), 1000))
    integers = np.round(256 * 63 * np.log(between) / np.log(256 / 0.11)).astype(int)
    tables = (integers[:, None] >= scales.thresholds("log")).sum(axis=1)
    level = np.asarray(scales.level(np.float32(between)))
    assert np.abs(level - tables).max() < 0.51
