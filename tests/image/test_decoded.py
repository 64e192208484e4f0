"""What the readers of single formats share."""

import pytest

from jaxcodec.image.decoded import Refused, check_size


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((0, 5), "0 x 5 pixels, which is no picture"),
        ((11, 10), "11 x 10 pixels, beyond the limit of 100 pixels"),
        ((65_536, 1), "65535 a side"),
    ],
)
def test_sizes_that_cannot_be_are_refused_with_the_remedy(size, words):
    with pytest.raises(Refused, match=words):
        check_size(*size, 100 if size != (65_536, 1) else 10**6)


def test_sizes_at_the_limit_are_taken():
    check_size(10, 10, 100)
    check_size(65_535, 1, 65_535)
