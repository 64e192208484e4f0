import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcodec.codec.quality_search import highest_within


def search(sizes, limit, growth=0.02):
    """Runs the search over a table of sizes: (quality, file), and how many files were made."""
    made = []

    def encode(quality):
        made.append(quality)
        return bytes(sizes[quality])

    result = highest_within(limit, encode, growth)
    assert len(made) == len(set(made))
    return result, len(made)


@given(st.lists(st.integers(0, 40), min_size=101, max_size=101), st.integers(0, 4000), st.floats(1e-3, 1))
def test_finds_the_highest_that_fits(steps, limit, growth):
    sizes = [1 + sum(steps[: i + 1]) for i in range(101)]
    (quality, data), made = search(sizes, limit, growth)
    assert made <= 12
    fitting = [q for q in range(101) if sizes[q] <= limit]
    if fitting:
        assert quality == fitting[-1]
        assert len(data) == sizes[quality]
    else:
        assert quality is None
        assert len(data) == sizes[0]


@pytest.mark.parametrize("bend", [0.0, 0.3])
def test_a_curve_like_a_codecs_takes_few_files(bend):
    sizes = [round(3000 * math.exp(0.023 * q + bend * math.sin(q / 30))) for q in range(101)]
    counts = [search(sizes, limit, 0.023)[1] for limit in range(sizes[0], sizes[-1], 97)]
    assert sum(counts) / len(counts) < 5
