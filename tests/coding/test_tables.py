import numpy as np
import pytest

from jaxcodec.coding.tables import Tables

CDF, STARTS, MINIMUM = [0, 10, 256, 0, 1, 2, 256], [0, 3, 7], [-1, 5]


def build(cdf=CDF, starts=STARTS, minimum=MINIMUM, precision=8):
    return Tables(*(np.array(part, np.int32) for part in (cdf, starts, minimum)), precision)


def test_counts_of_each_table():
    tables = build()
    assert len(tables) == 2
    assert tables.counts(0).tolist() == [10, 246]
    assert tables.counts(1).tolist() == [1, 1, 254]


@pytest.mark.parametrize(
    "wrong",
    [
        {"cdf": [0, 10, 255, 0, 1, 2, 256]},  # does not end at 2^8
        {"cdf": [1, 10, 256, 0, 1, 2, 256]},  # does not start at 0
        {"cdf": [0, 10, 256, 0, 2, 2, 256]},  # an empty interval
        {"starts": [0, 2, 7]},  # a table without values
        {"starts": [0, 3, 6]},  # too short
        {"starts": [0]},
        {"minimum": [0]},
        {"precision": 9},
        {"precision": 25},
    ],
)
def test_arrays_that_are_no_tables_are_refused(wrong):
    with pytest.raises(ValueError, match="not probability tables"):
        build(**wrong)


def test_other_integer_types_are_refused():
    with pytest.raises(ValueError, match="not probability tables"):
        Tables(np.array(CDF), np.array(STARTS, np.int32), np.array(MINIMUM, np.int32), 8)
