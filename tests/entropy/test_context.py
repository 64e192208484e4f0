"""Context: what each place sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.entropy import context

HEIGHT, WIDTH, CHANNELS, FEATURES = 5, 6, 2, 3
PATTERNS = tuple(context.TAPS)


def decoded_before(pattern, place, other):
    """Whether `other` is decoded before `place`, from the order of decoding alone."""
    if pattern == "autoregressive":
        return other < place
    return sum(place) % 2 == 1 and sum(other) % 2 == 0


@pytest.fixture(scope="module", params=PATTERNS)
def case(request):
    """A pattern, its masked convolution with random parameters everywhere, and symbols."""
    layer = context.MaskedConv(FEATURES, request.param)
    rng = np.random.default_rng(0)
    params = {
        "kernel": rng.normal(size=(5, 5, CHANNELS, FEATURES)).astype(np.float32),
        "bias": rng.normal(size=FEATURES).astype(np.float32),
    }
    symbols = rng.integers(-9, 9, (2, HEIGHT, WIDTH, CHANNELS)).astype(np.float32)
    return request.param, layer, params, symbols


def test_the_convolution_equals_a_loop_over_places(case):
    pattern, layer, params, symbols = case
    expected = np.zeros((2, HEIGHT, WIDTH, FEATURES))
    for place in np.ndindex(HEIGHT, WIDTH):
        expected[:, *place] = params["bias"]
        for other in np.ndindex(HEIGHT, WIDTH):
            row, column = other[0] - place[0] + 2, other[1] - place[1] + 2
            if 0 <= row < 5 and 0 <= column < 5 and decoded_before(pattern, place, other):
                expected[:, *place] += symbols[:, *other] @ params["kernel"][row, column]
    got = layer.apply({"params": params}, symbols)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_a_symbol_is_seen_only_by_those_decoded_after(case):
    pattern, layer, params, symbols = case
    apply = jax.jit(layer.apply)
    before = apply({"params": params}, symbols)
    for place in np.ndindex(HEIGHT, WIDTH):
        changed = symbols.copy()
        changed[:, *place] += 1
        sees = np.any(apply({"params": params}, changed) != before, axis=(0, 3))
        for other in zip(*np.nonzero(sees), strict=True):
            assert decoded_before(pattern, other, place)


def test_what_the_pattern_hides_is_zero_at_the_start_and_stays_so(case):
    pattern, layer, _, symbols = case
    params = layer.init(jax.random.key(0), symbols)
    gradients = jax.grad(lambda params: jnp.sum(layer.apply(params, symbols) ** 2))(params)
    visible = np.zeros((5, 5), bool)
    visible[tuple(np.transpose(context.TAPS[pattern]))] = True
    assert visible.sum() == 12
    for kernel in (params["params"]["kernel"], gradients["params"]["kernel"]):
        np.testing.assert_array_equal(np.any(kernel != 0, axis=(2, 3)), visible)


def test_places_without_context_get_the_bias_alone():
    layer = context.MaskedConv(FEATURES, "checkerboard")
    symbols = jnp.ones((1, 4, 5, CHANNELS))
    params = {"kernel": jnp.ones((5, 5, CHANNELS, FEATURES)), "bias": jnp.arange(1.0, 4.0)}
    output = np.asarray(layer.apply({"params": params}, symbols))[0]
    even = np.add.outer(np.arange(4), np.arange(5)) % 2 == 0
    np.testing.assert_array_equal(output[even], np.broadcast_to([1, 2, 3], (even.sum(), 3)))
    assert (output[~even] > 3).all()
    np.testing.assert_array_equal(context.sees_context("checkerboard", 4, 5)[..., 0], ~even)


def test_windows_are_in_raster_order_of_the_taps():
    symbols = jnp.arange(1, 26).reshape(1, 5, 5, 1)
    for pattern, expected in (
        ("autoregressive", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("checkerboard", [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]),
    ):
        seen = context.windows(symbols, pattern)
        np.testing.assert_array_equal(seen[0, 2, 2], expected)
        assert seen.dtype == symbols.dtype
    np.testing.assert_array_equal(context.windows(symbols, "autoregressive")[0, 0, 0], 0)
