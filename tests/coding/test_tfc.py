import numpy as np
import pytest

from jaxcodec.coding.host import RangeCoder
from jaxcodec.coding.make_tables import gaussian_tables, mass_tables
from jaxcodec.coding.tables import Tables
from jaxcodec.coding.tfc import TfcCoder
from jaxcodec.errors import BitstreamError, CoderError

SCALES = np.geomspace(0.11, 256, 64)
FINE = Tables(
    np.array([0, 1, 2**17], np.int32), np.array([0, 3], np.int32), np.zeros(1, np.int32), 17
)

needs_tfc = (
    "tensorflow-compression-ops is not installed here (.ci/tfc runs these tests in an "
    "environment that has it)"
)


def test_tables_too_fine_are_refused():
    with pytest.raises(CoderError, match="at most 16 bits and this codec has 17"):
        TfcCoder(FINE)


@pytest.fixture(scope="module")
def coder():
    pytest.importorskip("tensorflow_compression_ops", reason=needs_tfc)
    return TfcCoder(gaussian_tables(SCALES))


@pytest.fixture(scope="module")
def symbols() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    indices = np.clip(rng.exponential(12, (40, 500)), 0, 63).astype(np.uint8)
    return np.round(rng.normal(0, SCALES[indices])).astype(np.int32), indices


def test_symbols_round_trip_as_with_the_coder_of_the_host(coder, symbols):
    host = RangeCoder(coder.tables)
    ours, theirs = (c.decode(c.encode(*symbols), symbols[1]) for c in (coder, host))
    assert np.array_equal(ours, symbols[0])
    assert np.array_equal(ours, theirs)
    assert len(coder.encode(*symbols)) == pytest.approx(len(host.encode(*symbols)), rel=0.002)


@pytest.mark.parametrize("value", [500_000, -(2**20), 2**31 - 1, -(2**31)])
def test_symbols_outside_their_table_round_trip(coder, value):
    indices = np.arange(64)
    values = np.full(64, value, np.int32)
    assert np.array_equal(coder.decode(coder.encode(values, indices), indices), values)


def test_all_distances_from_a_table_round_trip(coder):
    narrow = TfcCoder(mass_tables([[1.0]], [2**31 - 1]))
    values = np.append(2**31 - 1 - np.arange(300), [-(2**31), 0, 2**30]).astype(np.int32)
    indices = np.zeros(len(values), np.uint8)
    assert np.array_equal(narrow.decode(narrow.encode(values, indices), indices), values)


def test_tables_of_few_bits_and_shifted_ranges(coder):
    other = TfcCoder(mass_tables([[0.25, 0.5, 0.25], [0.9, 0.1]], [100, -7], precision=8))
    values, indices = np.array([100, 101, 102, -7, -6, 0], np.int32), np.array([0, 0, 0, 1, 1, 1])
    assert np.array_equal(other.decode(other.encode(values, indices), indices), values)


def test_damaged_bytes_give_symbols_or_a_clear_error(coder, symbols):
    """Among them those of escapes, on which the package's own would run forever."""
    rng = np.random.default_rng(0)
    values = np.where(rng.random(64) < 0.2, 10**6, symbols[0][0, :64])
    indices, raised = symbols[1][0, :64], 0
    sound = np.frombuffer(coder.encode(values, indices), np.uint8)
    for _ in range(500):
        data = sound.copy()
        data[rng.integers(0, len(data), 3)] = rng.integers(0, 256, 3)
        try:
            assert coder.decode(
                data[: rng.integers(1, 2 * len(data))].tobytes(), indices
            ).shape == (64,)
        except BitstreamError as problem:
            assert "damaged" in str(problem)
            raised += 1
    assert raised
