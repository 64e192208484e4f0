"""Coding by wavefronts."""

import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec.entropy.autoregressive import AutoregressiveModel, ByWavefronts
from jaxcodec.entropy.order import Symbols

QUALITY = np.array([5000], np.int32)


def whole(windows, network, *arrays):
    """Runs a network in one piece."""
    del windows
    return network(*arrays)


@pytest.fixture(scope="module")
def codec():
    return small_codecs.build("autoregressive")


def test_the_order_of_the_model_is_for_lanes_alone(codec):
    assert AutoregressiveModel.pattern == "autoregressive"
    assert isinstance(codec.order, ByWavefronts)
    assert codec.order.sequential and not codec.order.parallel
    assert list(codec.order.tables) == ["hyper", "latent"]


def test_what_is_coded_of_a_place_depends_on_nothing_after_it(codec):
    """Symbols change at place (2, 3): those before in raster order, and those of the same row two
    or more columns before, are coded under the same tables.
    """
    rng = np.random.default_rng(0)
    hyper = rng.integers(-4, 5, (1, 3, 4, 4)).astype(np.int32)
    latent = rng.integers(-4, 5, (1, 6, 8, 6)).astype(np.int32)
    side = codec.order.side(codec.integer, hyper, QUALITY, whole)
    coded = jax.jit(lambda latent: codec.order.coded(codec.integer, latent, *side)[:2])
    changed = latent.copy()
    changed[0, 2, 3] += 7
    (values, tables), (other_values, other_tables) = coded(latent), coded(changed)
    moved = (np.asarray(tables) != other_tables).any(axis=-1)[0]
    offset = ((np.asarray(values) - latent) != (other_values - changed)).any(axis=-1)[0]
    rows, columns = np.nonzero(moved | offset)
    seen = {(2, 4), (2, 5)} | {(row, column) for row in (3, 4) for column in range(1, 6)}
    found = set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert found and found <= seen


def test_a_block_is_a_wavefront_and_counts_its_places(codec):
    latent = np.zeros((1, 4, 4, 6), np.int32)
    hyper = np.zeros((1, 2, 2, 4), np.int32)
    side = codec.order.side(codec.integer, hyper, QUALITY, whole)
    part = codec.order.parts(codec.integer, Symbols(hyper, latent), side, whole)["latent"]
    # c + 3 r of 4 x 4 places: 13 wavefronts, of which every third has two.
    assert part.values.shape == (13, 2 * 6)
    counts = np.bincount(np.add.outer(3 * np.arange(4), np.arange(4)).ravel())
    np.testing.assert_array_equal(part.counts, 6 * counts)
