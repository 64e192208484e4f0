"""Between symbols and the parts of a file."""

import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import streams, tiles
from jaxcodec.coding import lanes
from jaxcodec.entropy.order import Symbols
from jaxcodec.errors import BitstreamError, CoderError

QUALITY, SIZE = np.array([2500], np.int32), (64, 96)


def drawn(codec) -> tuple[Symbols, tuple]:
    """Symbols of 64 x 96 pixels, a few of them outside of any table, and their side."""
    rng = np.random.default_rng(0)
    latent = rng.integers(-4, 5, codec.latent_shape(SIZE)).astype(np.int32)
    latent[0, 0, 0, 0] = 100_000
    hyper = None
    if "hyper" in codec.order.tables:
        hyper = rng.integers(-4, 5, codec.hyper_shape(SIZE)).astype(np.int32)
    return Symbols(hyper, latent), codec.side(hyper, QUALITY, tiles.run)


@pytest.mark.parametrize("coder", ["host", "lanes"])
@pytest.mark.parametrize("name", ["tiny", "checkerboard", "factorized", "four_step", "normalised"])
def test_symbols_come_back_from_a_stream(name, coder):
    codec = small_codecs.build(name)
    symbols, side = drawn(codec)
    stream = streams.encode(codec, symbols, side, coder)
    assert len(stream.parts) == streams.part_count(codec, coder)
    assert stream.coder == coder and stream.lanes >= 1
    for found, expected in zip(streams.decode(codec, stream, SIZE, QUALITY), symbols, strict=True):
        assert (found is None and expected is None) or np.array_equal(found, expected)


def test_a_coder_of_the_host_has_a_part_for_each_of_the_orders():
    counts = {
        name: streams.part_count(small_codecs.build(name), "host")
        for name in ("factorized", "tiny", "normalised", "checkerboard", "four_step")
    }
    assert counts == {
        "factorized": 1, "tiny": 2, "normalised": 2, "checkerboard": 3, "four_step": 5
    }  # fmt: skip


def test_a_lane_has_a_thousand_symbols_at_least():
    codec = small_codecs.build("tiny")  # 6 channels at a stride of 16
    assert streams.lane_limit(codec, (32, 32)) == 1
    assert streams.lane_limit(codec, (512, 512)) == 4  # of 6,144 symbols
    assert streams.lane_limit(codec, (65_536, 65_536)) == lanes.MAX_LANES


def test_what_is_coded_one_after_the_other_takes_the_lanes_alone():
    codec = small_codecs.build("autoregressive")
    assert streams.choose(codec, None) == streams.choose(codec, "lanes") == "lanes"
    with pytest.raises(CoderError, match="the coder 'host' cannot follow; use 'lanes'"):
        streams.choose(codec, "host")
    with pytest.raises(CoderError, match="psychic"):
        streams.choose(small_codecs.build("tiny"), "psychic")


def test_more_lanes_than_there_can_be_and_damaged_words_are_refused():
    codec = small_codecs.build("tiny")
    symbols, side = drawn(codec)
    stream = streams.encode(codec, symbols, side, "lanes")
    with pytest.raises(BitstreamError, match=f"claims {2 * lanes.MAX_LANES} lanes"):
        streams.decode(codec, stream._replace(lanes=2 * lanes.MAX_LANES), SIZE, QUALITY)
    cut = (stream.parts[0][:-4],)
    with pytest.raises(BitstreamError, match="do not end where they should"):
        streams.decode(codec, stream._replace(parts=cut), SIZE, QUALITY)
