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
