"""Files that fill a size."""

import dataclasses

import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import pictures
from jaxcodec.image import Picture
from jaxcodec.targets import matching


@pytest.fixture(scope="module")
def codec():
    return small_codecs.build("tiny")


@pytest.fixture(scope="module")
def source(codec, photo):
    return pictures.prepare(codec, Picture(np.ascontiguousarray(photo[100:164, 200:296])), None)


@dataclasses.dataclass(frozen=True)
class File:
    """A file that is nothing but its data."""

    data: bytes


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [((90, 100, 110), 100, (100, True)), ((110, 120), 100, (110, False)), ((5,), 5, (5, True))],
)
def test_the_fullest_is_the_largest_within_the_limit_or_else_the_smallest(sizes, limit, expected):
    fit = matching.fullest([File(bytes(size)) for size in sizes], limit)
    assert (len(fit.encoded.data), fit.fits) == expected


@pytest.mark.parametrize(
    ("size", "limit", "pixel_count", "full"),
    [
        (10_000, 10_000, 10**6, True),
        (9_970, 10_000, 10**6, True),  # three thousandths
        (9_969, 10_000, 10**6, False),
        (988, 1_000, 10**4, True),  # 12 bytes, of a small picture
        (988, 1_000, 10**6, False),
    ],
)
def test_a_file_is_full_within_a_few_thousandths_or_bytes(size, limit, pixel_count, full):
    assert matching.is_full(size, limit, pixel_count) == full


@pytest.mark.parametrize(
    ("size", "limit", "pixel_count", "close"),
    [
        (9_950, 10_000, 10**6, True),
        (9_949, 10_000, 10**6, False),
        (976, 1_000, 10**4, True),
        (975, 1_000, 10**4, False),
        (9_900, 10_000, 10**4, True),
    ],
)
def test_what_is_promised_of_a_rate(size, limit, pixel_count, close):
    assert matching.close_enough(size, limit, pixel_count) == close


def test_a_size_between_the_extremes_is_filled_and_kept_to(codec, source):
    smallest, largest = (
        len(matching.at_extreme(codec, source, index).data) for index in (5768, -5768)
    )
    assert smallest < largest
    for limit in (smallest + (largest - smallest) // 8, smallest + (largest - smallest) // 2):
        fit = matching.to_size(codec, source, limit)
        assert fit.fits and matching.close_enough(len(fit.encoded.data), limit, source.pixel_count)


def test_less_than_any_file_has_is_met_by_the_smallest_and_does_not_fit(codec, source):
    fit = matching.to_size(codec, source, 20)
    assert not fit.fits
    assert len(fit.encoded.data) <= 1.2 * len(matching.at_extreme(codec, source, 5768).data)


def test_a_bit_that_is_worth_more_makes_a_smaller_file(codec, source):
    analysis = pictures.analyse(codec, source, 5000)
    sizes = [
        len(matching.file_at(codec, source, 5000, analysis, 0, tau).data)
        for tau in (0.0, matching.WORTHS[-1])
    ]
    assert sizes[1] < sizes[0]
    assert all(np.diff(matching.WORTHS) > 0)
    limit = (sizes[0] + sizes[1]) // 2
    files = matching.shaved(codec, source, 5000, analysis, 0, limit)
    assert matching.fullest(files, limit).fits
