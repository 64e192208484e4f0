"""Both forms of every kernel agree: the serial one, which runs on a CPU, and the parallel one of
other devices.
"""

import jax
import numpy as np
import pytest

from jaxcodec.coding import lane_kernels, lanes
from jaxcodec.coding.lane_distributions import Component, Mixture, OneTable, distribution
from jaxcodec.coding.lane_kernels import FLAG, LOW
from jaxcodec.coding.lane_tables import lane_tables
from jaxcodec.coding.lanes import Block
from jaxcodec.coding.make_tables import gaussian_tables

SCALES = np.geomspace(0.11, 64, 16)
TABLES = lane_tables(gaussian_tables(SCALES))
SIZE = 61


@pytest.fixture(scope="module")
def symbols() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 16, SIZE).astype(np.int32)
    return np.round(rng.normal(0, SCALES[indices])).astype(np.int32), indices


def mixture_with(indices) -> Mixture:
    """Mixtures of each table with two others."""
    components = [(indices, 0, 16_000), (indices[::-1], 3, 768), (np.roll(indices, 1), -2, 16_000)]
    return Mixture(
        tuple(
            Component(index, *np.broadcast_arrays(*rest, index)[:2]) for index, *rest in components
        )
    )


def forms(kernel, *arguments):
    serial, parallel = jax.jit(kernel.serial)(*arguments), jax.jit(kernel.parallel)(*arguments)
    jax.tree.map(np.testing.assert_array_equal, serial, parallel)
    jax.tree.map(np.testing.assert_array_equal, serial, jax.jit(kernel)(*arguments))
    return serial


@pytest.mark.parametrize("count", [0, 1, 8, 37, SIZE])
@pytest.mark.parametrize("in_use", [1, 2, 8])
@pytest.mark.parametrize("mixes", [False, True])
def test_coding(symbols, mixes, count, in_use):
    values, indices = symbols
    under = distribution(TABLES, mixture_with(indices) if mixes else indices)
    minimum, size = under.window(TABLES)
    position = np.clip(values - minimum, 0, size)
    intervals = under.interval(TABLES, position)
    start = np.full(8, LOW, np.uint32)
    states, emitted = forms(lane_kernels.encode, start, in_use, intervals, count)
    out = np.zeros(SIZE + 1, np.uint16)
    end, words = forms(lane_kernels.place, out, 0, 1, emitted)
    assert int(end) == int((emitted >= FLAG).sum())
    decode = jax.jit(lane_kernels.decode.serial), jax.jit(lane_kernels.decode.parallel)
    for pointer, idle, found in (
        form(TABLES, words, 0, states, in_use, under, count) for form in decode
    ):
        assert pointer == end
        assert np.array_equal(idle, start)
        assert np.array_equal(found[:count], position[:count])


@pytest.mark.parametrize("flags", [np.zeros(5, bool), np.ones(1, bool), np.arange(SIZE) % 3 == 1])
def test_rank(flags):
    total, ranks = forms(lane_kernels.rank, flags)
    assert total == flags.sum()
    assert np.array_equal(np.asarray(ranks)[flags], np.arange(total))


@pytest.mark.parametrize(("start", "stride"), [(0, 1), (9, -1), (1, 2)])
def test_place(start, stride):
    words = np.array([7, FLAG | 1, FLAG | 2, 0, FLAG | 3], np.uint32)
    end, out = forms(lane_kernels.place, np.full(11, 9, np.uint16), start, stride, words)
    assert end == start + 3 * stride
    expected = np.full(10, 9)
    expected[[start, start + stride, start + 2 * stride]] = 1, 2, 3
    assert np.array_equal(out[:-1], expected)


def test_streams_are_the_same_from_a_device_without_the_serial_form(symbols, monkeypatch):
    values, indices = symbols
    values = np.where(np.arange(SIZE) % 20 == 7, 10**6 * values, values)
    blocks = [Block(values, indices, SIZE), Block(values, mixture_with(indices), SIZE)]
    words, length = lanes.encode(TABLES, blocks, 8, 4)
    monkeypatch.setattr(
        lane_kernels.Kernel, "__call__", lambda self, *arguments: self.parallel(*arguments)
    )
    jax.clear_caches()
    same, same_length = lanes.encode(TABLES, blocks, 8, 4)
    state = lanes.start(words, length, 8, 4)
    for block in blocks:
        decoded, state = lanes.decode_block(TABLES, state, block.indices, SIZE)
        assert np.array_equal(decoded, values)
    assert lanes.finish(state)
    monkeypatch.undo()
    jax.clear_caches()
    assert length == same_length
    assert np.array_equal(words, same)


@pytest.mark.skipif(
    jax.__version_info__ < (0, 6), reason="JAX 0.5 lowers both forms and picks one when it runs"
)
def test_an_accelerator_gets_the_parallel_form():
    def decode(words, pointer, states, indices):
        return lane_kernels.decode(TABLES, words, pointer, states, 8, OneTable(indices), SIZE)

    arguments = (
        np.zeros(9, np.uint16),
        np.int32(0),
        np.zeros(8, np.uint32),
        np.zeros(SIZE, np.int32),
    )
    traced = jax.jit(decode).trace(*arguments)
    for platform, name in (
        ("cpu", "_serial_decode"),
        ("cuda", "_parallel_decode"),
        ("tpu", "_parallel_decode"),
    ):
        text = traced.lower(lowering_platforms=(platform,)).as_text(debug_info=True)
        other = {"_serial_decode", "_parallel_decode"} - {name}
        assert f"{name}.<locals>.step" in text
        assert not any(f"{form}.<locals>.step" in text for form in other)
