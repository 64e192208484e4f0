import numpy as np
import pytest

from jaxcodec.coding.lane_coder import LaneCoder, stream_bytes, stream_words
from jaxcodec.coding.make_tables import gaussian_tables
from jaxcodec.errors import BitstreamError

INDICES = np.zeros(40, np.uint8)


@pytest.fixture(scope="module")
def coder():
    return LaneCoder(gaussian_tables([2.0]))


def test_streams_are_little_endian_words():
    data = stream_bytes(np.array([1, 0x203, 9], np.uint16), 2)
    assert data == b"\x01\x00\x03\x02"
    words, length = stream_words(data)
    assert length == 2
    assert words[:2].tolist() == [1, 0x203]
    assert not words[2:].any()


def test_word_arrays_come_in_few_sizes():
    sizes = {stream_words(bytes(2 * n))[0].size for n in range(0, 100_000, 97)}
    assert len(sizes) < 40
    assert all(stream_words(bytes(2 * n))[0].size <= max(1.25 * n, 256) for n in (1, 1000, 50_000))


def test_half_a_word_is_refused():
    with pytest.raises(BitstreamError, match="damaged"):
        stream_words(b"abc")


@pytest.mark.parametrize("data", [b"", b"\x0b", b"\xff\x00\x00", b"\x00", b"\x00\x01"])
def test_bytes_that_are_no_stream_are_refused(coder, data):
    with pytest.raises(BitstreamError, match="damaged"):
        coder.decode(data, INDICES)


def test_other_lanes_than_the_encoders_are_noticed(coder):
    data = coder.encode(np.arange(40, dtype=np.int32) % 7 - 3, INDICES)
    assert data[0] == 0
    with pytest.raises(BitstreamError, match="damaged"):
        coder.decode(b"\x01" + data[1:], INDICES)
