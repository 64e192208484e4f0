import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxcodec.coding import sections
from jaxcodec.errors import BitstreamError


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_alpha_round_trips(alpha):
    assert np.array_equal(sections.unpack_alpha(sections.pack_alpha(alpha), *alpha.shape), alpha)


def test_an_opaque_picture_has_next_to_no_alpha():
    assert len(sections.pack_alpha(np.full((512, 768), 255, np.uint8))) < 200


@pytest.mark.parametrize("size", [0, 1, 3000, sections.MAX_ICC_BYTES])
def test_icc_round_trips(size):
    profile = np.resize(np.random.default_rng(0).integers(0, 256, 1000, np.uint8), size).tobytes()
    assert sections.unpack_icc(sections.pack_icc(profile)) == profile


@pytest.mark.parametrize("size", [1, 7])
def test_alpha_of_another_size_raises(size):
    with pytest.raises(BitstreamError, match="alpha channel"):
        sections.unpack_alpha(sections.pack_alpha(np.zeros((1, size), np.uint8)), 2, 3)


@given(st.binary(max_size=50))
def test_arbitrary_bytes_raise(data):
    with pytest.raises(BitstreamError, match="alpha channel"):
        sections.unpack_alpha(b"\xff" + data, 2, 3)


def test_damaged_sections_raise():
    data = sections.pack_icc(bytes(100))
    for damaged in (b"", data[:-1], data + b"x", b"no stream"):
        with pytest.raises(BitstreamError, match="ICC profile"):
            sections.unpack_icc(damaged)


def test_a_profile_that_grows_beyond_the_limit_raises():
    with pytest.raises(BitstreamError, match="ICC profile"):
        sections.unpack_icc(sections.pack_icc(bytes(sections.MAX_ICC_BYTES + 1)))
