"""Compiled programs do not pile up, however many sizes of picture come."""

import types

import jax
import jax.numpy as jnp
import pytest

from jaxcodec.cli.sizes import Sizes


class OfStride:
    """As much of a codec as counts."""

    def __init__(self, stride):
        self.geometry = types.SimpleNamespace(stride=stride)


@pytest.fixture
def traced():
    """A jitted function, and a list that grows by one each time that it is traced anew."""
    traces = []

    @jax.jit
    def function(value):
        traces.append(1)
        return value + 1

    return function, traces


def test_programs_of_a_few_sizes_are_kept(traced):
    function, traces = traced
    sizes, codec = Sizes(), OfStride(16)
    for _ in range(3):
        for side in range(1, 16 * 16 + 1):  # padded, they are 16 sizes
            sizes.used(codec, side, 7)
        function(jnp.zeros(3))
    assert len(traces) == 1


def test_programs_of_many_sizes_are_forgotten(traced):
    function, traces = traced
    sizes, codec = Sizes(), OfStride(16)
    for number in range(100):
        sizes.used(codec, 8, 16 * number + 1)
        function(jnp.zeros(3))
    assert 5 <= len(traces) <= 7


def test_programs_of_all_codecs_count(traced):
    function, traces = traced
    sizes, codecs = Sizes(), [OfStride(16), OfStride(64), OfStride(16)]
    for number in range(12):  # 12 sizes of each stride 16, 3 of stride 64
        for codec in codecs:
            sizes.used(codec, 8, 16 * number + 1)
        function(jnp.zeros(3))
    assert 2 <= len(traces) <= 3
