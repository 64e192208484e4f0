"""Compiled programs do not pile up, however many sizes of picture come."""

import jax
import jax.numpy as jnp
import pytest

from jaxcodec.cli.sizes import Sizes


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
    sizes = Sizes(16)
    for _ in range(3):
        for side in range(1, 16 * 16 + 1):  # padded, they are 16 sizes
            sizes.used(side, 7)
        function(jnp.zeros(3))
    assert len(traces) == 1


def test_programs_of_many_sizes_are_forgotten(traced):
    function, traces = traced
    sizes = Sizes(16)
    for number in range(100):
        sizes.used(8, 16 * number + 1)
        function(jnp.zeros(3))
    assert 5 <= len(traces) <= 7
