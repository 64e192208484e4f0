"""Compiling networks for inference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.runtime import compilation


@pytest.fixture
def options(monkeypatch):
    """The real options, forgotten afterwards."""
    compilation.options.cache_clear()
    yield compilation.options
    compilation.options.cache_clear()


def test_a_compiled_function_is_the_function_at_the_top_and_within_transformations():
    power = compilation.compiled(
        lambda x, exponent: x**exponent, "power", static_argnames="exponent"
    )
    x = np.arange(3.0)
    for transformation in (lambda function: function, jax.jit, jax.vmap):
        result = transformation(lambda x: power(x, exponent=2))(x)
        np.testing.assert_array_equal(result, [0, 1, 4])
    assert jax.grad(lambda x: power(x, exponent=2))(3.0) == 6


def test_arguments_in_containers_are_seen_to_be_traced():
    total = compilation.compiled(lambda tree: tree["a"] + tree["b"], "total")
    assert jax.jit(lambda a: total({"a": a, "b": 2}))(1) == 3


def test_options_that_this_xla_does_not_know_are_left_out(options, monkeypatch):
    monkeypatch.setattr(
        compilation,
        "_CPU_OPTIONS",
        {"xla_cpu_enable_fast_math": False, "xla_cpu_no_such_option": "1"},
    )
    assert options() == {"xla_cpu_enable_fast_math": False}
    assert compilation.compiled(jnp.negative, "negative")(1) == -1


def test_other_back_ends_have_no_options(options, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert options() == {}
