import functools
import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import rans

from jaxcodec.coding import lanes
from jaxcodec.coding.lane_tables import LaneTables, lane_tables
from jaxcodec.coding.lanes import Block
from jaxcodec.coding.make_tables import gaussian_tables, mass_tables
from jaxcodec.coding.tables import Tables

INT32 = np.iinfo(np.int32)
SCALES = np.geomspace(0.11, 64, 16)
SETS = (
    mass_tables([[0.2, 0.5, 0.3], [1.0]], [-1, INT32.max - 5], precision=12),
    gaussian_tables(SCALES),
)
TABLES = lane_tables(*SETS)
TABLE_COUNT = sum(map(len, SETS))
SIZE = 48
"""One size of block, so that the tests compile little; counts vary."""

WIDTH = 8
ROOT = pathlib.Path(__file__).parent.parent.parent

GOLDEN = """
0000 0004 0000 0000 8000 9c40 0000 9c40 0000 0000 8000 0082 460d 0205 0183 0001 0381 4154 af88 caa1 9784 028d
00b9 0119 0101 0195 0291 291b 0082 0180 0346 4982 0189 b207 0088 0204 2099 008c 87fe 01ac 0085 013a 7311 b683
0385 0287 0187 3080 0180 1f80 0880 0280 0002 0000 0000 07cd 0008 0008 07cd 0000 0000 0002 0002 ffff ffff 0005
0003 0002 0001 0002 0002 0001 0002 0003 0005 ffff ffff 0002 0002 0000 0000 07cd 0008
"""  # noqa: E501
"""The words of `golden_case`, in hexadecimal."""


def typical(rng: np.random.Generator, shape, first_table: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Values and table indices, int32, as the Gaussian tables expect them."""
    indices = rng.integers(0, len(SCALES), shape)
    values = np.round(rng.normal(0, SCALES[indices])).astype(np.int32)
    return values, (indices + first_table).astype(np.int32)


def decode(words, length, width, count, blocks: list[Block], tables=TABLES):
    """The values of each block, by the indices and counts in `blocks`; rows one after the other."""
    state = lanes.start(words, length, width, count)
    decoded = []
    for block in blocks:
        if jnp.ndim(block.indices) == 1:
            values, state = lanes.decode_block(tables, state, block.indices, block.count)
        else:
            state, values = jax.lax.scan(
                lambda state, row: lanes.decode_block(tables, state, *row)[::-1],
                state,
                (block.indices, block.count),
            )
        decoded.append(values)
    return decoded, lanes.finish(state)


def assert_round_trip(blocks: list[Block], width: int, count: int, tables=TABLES):
    words, length = map(np.asarray, lanes.encode(tables, blocks, width, count))
    assert words.dtype == np.uint16
    assert (
        length
        <= words.size
        == lanes.word_bound(sum(max(1, block.values.size) for block in blocks), width)
    )
    assert not words[length:].any()
    decoded, finished = decode(words, length, width, count, blocks, tables)
    assert finished
    for values, block in zip(decoded, blocks, strict=True):
        valid = np.arange(block.values.shape[-1]) < np.asarray(block.count)[..., None]
        assert np.array_equal(values, np.where(valid, block.values, 0))
    return words[:length]


values_strategy = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**17), 2**17),
    st.integers(INT32.min, INT32.max),
    st.sampled_from([INT32.min, INT32.max, INT32.max - 5, INT32.max - 6]),
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(values_strategy, st.integers(0, TABLE_COUNT - 1)), max_size=SIZE),
    st.integers(0, SIZE),
    st.sampled_from([1, 2, 4, 8]),
)
def test_any_int32_round_trips_under_any_table(symbols, hyper_count, count):
    values, indices = np.zeros(SIZE, np.int32), np.zeros(SIZE, np.int32)
    for i, symbol in enumerate(symbols):
        values[i], indices[i] = symbol
    hyper_values, hyper_indices = typical(np.random.default_rng(len(symbols)), SIZE)
    blocks = [Block(hyper_values, hyper_indices, hyper_count), Block(values, indices, len(symbols))]
    words = assert_round_trip(blocks, WIDTH, count)
    reference = rans.Decoder(words, count, SETS)
    assert np.array_equal(reference.block(hyper_indices[:hyper_count]), hyper_values[:hyper_count])
    assert np.array_equal(reference.block(indices[: len(symbols)]), values[: len(symbols)])
    assert reference.finished


@pytest.mark.parametrize("size", [0, 1, 2, 7, 301])
@pytest.mark.parametrize(("width", "count"), [(1, 1), (16, 16), (16, 4)])
def test_sizes_and_widths(size, width, count):
    values, indices = typical(np.random.default_rng(size), size)
    assert_round_trip([Block(values, indices, size)], width, count)


def test_rows_are_blocks_of_their_own():
    rng = np.random.default_rng(0)
    values, indices = typical(rng, (9, 20))
    values[4, 3] = 10**6
    counts = np.array([20, 0, 1, 7, 20, 3, 0, 0, 5], np.int32)
    together = assert_round_trip([Block(values, indices, counts)], WIDTH, 4)
    apart = assert_round_trip(
        [Block(*row) for row in zip(values, indices, counts, strict=True)], WIDTH, 4
    )
    assert np.array_equal(together, apart)


def test_the_width_does_not_show_in_the_stream():
    values, indices = typical(np.random.default_rng(0), 100)
    blocks = [Block(values, indices, 100)]
    narrow, wide = (assert_round_trip(blocks, width, 4) for width in (4, 32))
    assert np.array_equal(narrow, wide)


def test_a_thousand_escapes_near_and_far():
    rng = np.random.default_rng(0)
    values = rng.integers(INT32.min, INT32.max, 1000).astype(np.int32) >> rng.integers(0, 31, 1000)
    blocks = [Block(values, rng.integers(0, TABLE_COUNT, 1000), 1000)]
    words = assert_round_trip(blocks, WIDTH, 8)
    reference = rans.Decoder(words, 8, SETS)
    assert np.array_equal(reference.block(blocks[0].indices), values)
    assert reference.finished


@pytest.mark.parametrize("distance", [1, 2, 2**15 - 1, 2**15, 2**31, 2**32 - 1])
@pytest.mark.parametrize("above", [False, True])
def test_escapes_at_every_distance(distance, above):
    minimum = -(2**31) if above else 2**31 - 1
    tables = mass_tables([[1.0]], [minimum])
    value = minimum + distance if above else minimum - distance
    block = Block(np.array([value], np.int32), np.zeros(1, np.int32), 1)
    words = assert_round_trip([block], 1, 1, lane_tables(tables))
    assert rans.Decoder(words, 1, [tables]).block([0]) == [value]


def test_the_rarest_symbols_stay_within_the_bound():
    tables = Tables(
        np.array([0, 1, 2**16], np.int32), np.array([0, 3], np.int32), np.zeros(1, np.int32)
    )
    most_words = lane_tables(tables)
    ones = np.zeros(500, np.int32)
    words = assert_round_trip([Block(ones, ones, 500)], WIDTH, WIDTH, most_words)
    assert len(words) == 500 + 2 * WIDTH
    far = np.full(500, 2**20, np.int32)
    words = assert_round_trip([Block(far, ones, 500)], WIDTH, WIDTH, most_words)
    assert len(words) > 3 * 500


def test_vmap_equals_one_by_one():
    rng = np.random.default_rng(0)
    values, indices = typical(rng, (4, SIZE))
    values[1, 5], values[2, :20] = -(10**9), 5000
    counts, lane_counts = np.array([SIZE, 11, 30, 0]), np.array([1, 2, 8, 4])

    def encode(*arguments):
        return lanes.encode(TABLES, [Block(*arguments[:3])], WIDTH, arguments[3])

    def back(words, length, indices, count, lane_count):
        state = lanes.start(words, length, WIDTH, lane_count)
        values, state = lanes.decode_block(TABLES, state, indices, count)
        return values, lanes.finish(state)

    words, lengths = jax.vmap(encode)(values, indices, counts, lane_counts)
    decoded, finished = jax.vmap(back)(words, lengths, indices, counts, lane_counts)
    assert finished.all()
    for i, count in enumerate(counts):
        alone, length = encode(values[i], indices[i], count, lane_counts[i])
        assert length == lengths[i]
        assert np.array_equal(alone, words[i])
        assert np.array_equal(decoded[i, :count], values[i, :count])


def test_without_jit():
    values, indices = np.array([1, -2, 10**6], np.int32), np.array([2, 9, 3], np.int32)
    words, length = lanes.encode(TABLES, [Block(values, indices, 3)], 2, 2)
    with jax.disable_jit():
        eager, eager_length = lanes.encode(TABLES, [Block(values, indices, 3)], 2, 2)
        (decoded,), finished = decode(words, length, 2, 2, [Block(values, indices, 3)])
    assert finished
    assert np.array_equal(decoded, values)
    assert np.array_equal(words[:length], eager[:eager_length])


def test_encode_and_decode_within_one_jit():
    values, indices = typical(np.random.default_rng(0), SIZE)
    blocks = [Block(values, indices, SIZE)]

    @jax.jit
    def there_and_back(blocks):
        count = lanes.lane_count(1e4 * lanes.cost_bits(TABLES, blocks), limit=WIDTH)
        words, length = lanes.encode(TABLES, blocks, WIDTH, count)
        return count, decode(words, length, WIDTH, count, blocks)

    count, ((decoded,), finished) = there_and_back(blocks)
    assert count == WIDTH
    assert finished
    assert np.array_equal(decoded, values)


def test_words_are_the_same_with_64_bits_enabled():
    code = (
        "import jax; jax.config.update('jax_enable_x64', True)\n"
        "import test_lanes; test_lanes.test_golden_words_encode_and_decode(); "
        "test_lanes.test_vmap_equals_one_by_one()"
    )
    folders = (ROOT, ROOT / "tests", ROOT / "tests" / "coding")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)


def golden_case() -> tuple[list[Block], int]:
    """Symbols of a committed stream, and its lanes, from integers alone."""
    place = np.arange(40, dtype=np.int64)
    indices = (7 * place % TABLE_COUNT).astype(np.int32)
    values = ((place * place * 37 % 11) - 5).astype(np.int32)
    values[[3, 17, 18]] = 1000, -(2**31), 40000
    rows = (
        np.stack([values[::-1], values]),
        np.stack([indices[::-1], indices]),
        np.array([40, 13], np.int32),
    )
    return [Block(values, indices, 40), Block(*rows)], 4


def golden_tables() -> tuple[Tables, LaneTables]:
    """Tables made of integers alone: the counts of each fall to one side."""
    counts = [np.r_[np.full(t + 1, 8), 4096 - 8 * (t + 1)] for t in range(TABLE_COUNT)]
    cdf = np.concatenate([np.r_[0, np.cumsum(count)] for count in counts]).astype(np.int32)
    starts = np.cumsum([0] + [len(count) + 1 for count in counts]).astype(np.int32)
    tables = Tables(cdf, starts, -np.arange(TABLE_COUNT, dtype=np.int32) // 2, precision=12)
    return tables, lane_tables(tables)


def golden_words() -> np.ndarray:
    return np.array([int(word, 16) for word in GOLDEN.split()], np.uint16)


def test_golden_words_encode_and_decode():
    blocks, count = golden_case()
    golden = golden_words()
    words, length = lanes.encode(golden_tables()[1], blocks, WIDTH, count)
    assert np.array_equal(words[:length], golden)
    assert_round_trip(blocks, WIDTH, count, golden_tables()[1])


def test_the_reference_decodes_the_golden_words():
    (first, rows), count = golden_case()
    decoder = rans.Decoder(golden_words(), count, [golden_tables()[0]])
    assert np.array_equal(decoder.block(first.indices), first.values)
    for values, indices, row_count in zip(*rows, strict=True):
        assert np.array_equal(decoder.block(indices[:row_count]), values[:row_count])
    assert decoder.finished


def test_lanes_cost_less_than_half_a_percent_at_any_rate():
    rng = np.random.default_rng(0)
    tables = gaussian_tables(np.geomspace(0.11, 256, 64))
    size = 294_912
    for mean_index in (0.7, 2, 12, 30):
        indices = np.clip(rng.exponential(mean_index, size), 0, 63).astype(np.int32)
        values = np.round(rng.normal(0, np.geomspace(0.11, 256, 64)[indices])).astype(np.int32)
        blocks = [Block(values, indices, size)]
        bits = float(lanes.cost_bits(lane_tables(tables), blocks))
        count = int(lanes.lane_count(bits))
        length = lanes.encode(lane_tables(tables), blocks, lanes.MAX_LANES, count)[1]
        assert 16 * int(length) < 1.005 * bits + lanes.LANE_BITS + 16
        assert count == 1 or bits > 1e4


@pytest.mark.parametrize(
    ("bits", "count"), [(0, 1), (100, 1), (15_999, 1), (16_001, 2), (820_000, 64), (1e9, 1024)]
)
def test_lane_count(bits, count):
    assert lanes.lane_count(bits) == count
    assert lanes.lane_count(bits, limit=4) == min(count, 4)


def test_cost_is_what_the_tables_say():
    values, indices = np.array([0, 1, -1, 70_000, -5]), np.array([0, 0, 1, 0, 0])
    counts = SETS[0].counts(0)
    costs = (
        12
        - np.log2([counts[1], counts[2], SETS[0].counts(1)[1], counts[3], counts[3]])
        + [0, 0, 48, 48, 16]
    )
    assert lanes.cost_bits(TABLES, [Block(values, indices, 5)]) == pytest.approx(
        costs.sum(), rel=1e-6
    )
    assert lanes.cost_bits(
        TABLES, [Block(values, indices, 1), Block(values, indices, 0)]
    ) == pytest.approx(costs[0])


@functools.cache
def damaged_streams() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Streams (n, words) with bits flipped, cut short or random, their lengths, and the indices of
    the sound one.
    """
    rng = np.random.default_rng(0)
    values, indices = typical(rng, 64)
    values[[5, 50]] = 10**8, 300
    words, length = (
        np.asarray(part) for part in lanes.encode(TABLES, [Block(values, indices, 64)], 4, 4)
    )
    streams = np.tile(words[:length], (300, 1))
    lengths = np.full(300, length)
    streams[np.arange(200), rng.integers(0, length, 200)] ^= (1 << rng.integers(0, 16, 200)).astype(
        np.uint16
    )
    lengths[100:200] = rng.integers(0, length, 100)
    streams[200:] = rng.integers(0, 2**16, streams[200:].shape) * (
        rng.random(streams[200:].shape) < 0.7
    )
    return streams, lengths, indices


def test_damaged_words_decode_to_some_symbols_and_most_are_noticed():
    streams, lengths, indices = damaged_streams()

    def attempt(words, length):
        state = lanes.start(words, length, 4, 4)
        values, state = lanes.decode_block(TABLES, state, indices, 64)
        return values, lanes.finish(state)

    values, finished = jax.vmap(attempt)(streams, lengths)
    assert values.shape == (300, 64)
    # A flipped bit of an escape's word changes nothing else; only a checksum of the symbols tells.
    assert finished.mean() < 0.1


@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_streams_shorter_than_their_head_do_not_finish(size):
    for word in (0, 0xFFFF):
        words = np.full(size, word, np.uint16)
        state = lanes.start(words, size, 2, 2)
        values, state = lanes.decode_block(TABLES, state, np.arange(18, dtype=np.uint8), 18)
        assert values.shape == (18,)
        assert not lanes.finish(state)


def test_the_wrong_indices_do_not_finish():
    values, indices = typical(np.random.default_rng(0), SIZE)
    words, length = lanes.encode(TABLES, [Block(values, indices, SIZE)], 2, 2)
    assert not decode(words, length, 2, 2, [Block(values, indices[::-1].copy(), SIZE)])[1]
