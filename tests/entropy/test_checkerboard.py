"""Coding in two passes."""

import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec.entropy.checkerboard import CheckerboardModel, TwoPasses
from jaxcodec.entropy.order import Symbols

QUALITY = np.array([5000], np.int32)
ODD = np.add.outer(np.arange(6), np.arange(8)) % 2 == 1


def whole(windows, network, *arrays):
    """Runs a network in one piece."""
    del windows
    return network(*arrays)


@pytest.fixture(scope="module")
def codec():
    return small_codecs.build("checkerboard")


@pytest.fixture(scope="module")
def symbols():
    rng = np.random.default_rng(0)
    hyper = rng.integers(-4, 5, (1, 3, 4, 4)).astype(np.int32)
    return Symbols(hyper, rng.integers(-4, 5, (1, 6, 8, 6)).astype(np.int32))


def test_the_order_of_the_model_has_three_parts_that_any_coder_can_follow(codec):
    assert CheckerboardModel.pattern == "checkerboard"
    assert isinstance(codec.order, TwoPasses)
    assert list(codec.order.tables) == ["hyper", "latent", "second"]
    assert not codec.order.sequential


def test_the_first_pass_sees_no_symbol_and_the_second_only_those_of_the_first(codec, symbols):
    side = codec.order.side(codec.integer, symbols.hyper, QUALITY, whole)
    coded = jax.jit(lambda latent: codec.order.coded(codec.integer, latent, *side)[:2])

    def moves(places) -> np.ndarray:
        """Which places are coded under other tables or offsets where symbols of `places` change."""
        changed = symbols.latent + 7 * places[None, ..., None].astype(np.int32)
        (values, tables), (others, other_tables) = coded(symbols.latent), coded(changed)
        differ = np.asarray(tables) != other_tables
        differ |= (np.asarray(values) - symbols.latent) != (np.asarray(others) - changed)
        return differ.any(axis=-1)[0]

    assert not moves(ODD).any()
    moved = moves(~ODD)
    assert moved.any() and not moved[~ODD].any()


def test_parts_hold_each_half_in_raster_order(codec, symbols):
    side = codec.order.side(codec.integer, symbols.hyper, QUALITY, whole)
    parts = codec.order.parts(codec.integer, symbols, side, whole)
    coded = codec.order.coded(codec.integer, symbols.latent, *side)
    for name, places in (("latent", ~ODD), ("second", ODD)):
        np.testing.assert_array_equal(parts[name].values, np.asarray(coded.values)[0][places])
        np.testing.assert_array_equal(parts[name].indices, np.asarray(coded.indices)[0][places])
