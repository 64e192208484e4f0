"""Codes of symbols outside their table, with a range coder of constriction."""

import constriction
import numpy as np
import pytest

from jaxcodec.coding import escape


def test_escapes_cost_about_twice_the_bits_of_the_excess():
    for excess in (1, 2, 100, 2**20, 2**31):
        encoder = constriction.stream.queue.RangeEncoder()
        escape.encode(encoder, np.full(100, excess, np.int64), 0)
        bits = 100 * (2 * excess.bit_length() + 1)
        assert encoder.num_bits() <= bits + 64


def test_many_excesses_round_trip():
    excess = np.arange(1, 150_001) * np.resize([1, -1, -1], 150_000)
    encoder = constriction.stream.queue.RangeEncoder()
    escape.encode(encoder, excess, 2)
    decoder = constriction.stream.queue.RangeDecoder(encoder.get_compressed())
    assert np.array_equal(escape.decode(decoder, len(excess), 2), excess)


@pytest.mark.parametrize("order", [0, 3, 9])
def test_excesses_round_trip(order):
    excess = np.array([1, -1, 2, -2, 511, 512, -513, 2**32, -(2**32)], np.int64)
    encoder = constriction.stream.queue.RangeEncoder()
    escape.encode(encoder, excess, order)
    decoder = constriction.stream.queue.RangeDecoder(encoder.get_compressed())
    assert np.array_equal(escape.decode(decoder, len(excess), order), excess)
