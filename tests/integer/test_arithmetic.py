import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import integer_networks as reference

from jaxcodec.integer import arithmetic, network

settings.register_profile("compiling", deadline=None)  # the first example of a test compiles
settings.load_profile("compiling")

LIMITS = np.array([-(2**31), -(2**31) + 1, -65537, -65536, -1, 0, 1, 65535, 65536, 2**31 - 1])

int32s = st.integers(-(2**31), 2**31 - 1)
values = st.integers(-32767, 32767)
multipliers = st.integers(0, 2**15 - 1)


def int32(x):
    return jnp.asarray(x, jnp.int32)


@given(st.lists(int32s, min_size=1, max_size=20), multipliers, st.integers(1, 30))
def test_requantise_is_the_rounded_64_bit_product(sums, multiplier, shift):
    sums = np.append(LIMITS, sums)
    expected = reference.rounded(sums.astype(object) * multiplier, shift + 16)
    assert (
        arithmetic.requantise(int32(sums), int32(multiplier), int32(shift)).tolist()
        == expected.tolist()
    )


@given(values, st.integers(-(2**15) + 1, 2**15 - 1), st.integers(0, 30))
def test_multiply_shift_is_the_rounded_product(value, multiplier, shift):
    got = arithmetic.multiply_shift(int32(value), int32(multiplier), int32(shift))
    assert int(got) == reference.rounded(value * multiplier, shift)


@given(int32s, multipliers, st.integers(0, 30), st.integers(-128, 127))
def test_narrow_saturates_and_never_wraps(value, multiplier, shift, zero):
    got = arithmetic.narrow(int32([value]), int32([multiplier]), int32([shift]), int32([zero]))
    own = {"multiplier": multiplier, "shift": shift, "zero": zero}
    assert got.dtype == jnp.int8
    assert got.tolist() == reference.apply({"op": "narrow"}, own, np.array([value]), None).tolist()


@given(st.lists(int32s, min_size=1, max_size=20), st.integers(2**13, 2**15 - 1), st.integers(-4, 4))
def test_rescale_is_the_rounded_product_of_a_limited_value(numbers, multiplier, exponent):
    numbers = np.append(LIMITS, numbers)
    expected = reference.in_steps(numbers.astype(object), (multiplier, exponent))
    assert (
        arithmetic.rescale(int32(numbers), int32([multiplier, exponent])).tolist()
        == expected.tolist()
    )


@given(int32s, st.integers(0, 20))
def test_any_symbol_becomes_a_code(symbol, shift):
    got = arithmetic.symbol_codes(int32([symbol]), int32([shift]))
    assert got.dtype == jnp.int8
    assert got.tolist() == reference.codes(np.array([symbol]), np.array([shift])).tolist()


@given(int32s)
def test_activations_equal_their_reference(value):
    for slope in (0, 328):
        expected = reference.apply({"op": "leaky"}, {"slope": slope}, np.array([value]), None)
        assert arithmetic.leaky(int32([value]), int32(slope)).tolist() == expected.tolist()
    table = np.arange(4096) - 2048
    expected = reference.apply({"op": "look_up"}, {"table": table}, np.array([value]), None)
    assert (
        arithmetic.look_up(int32([value]), jnp.asarray(table, jnp.int16)).tolist()
        == expected.tolist()
    )


@given(
    st.integers(1, 8).flatmap(
        lambda n: st.lists(st.integers(-(2**16), 2**16), min_size=n, max_size=n)
    ),
    st.integers(0, 10_000),
)
def test_interpolation_equals_its_reference_and_meets_the_points(points, quality):
    table = np.array(points, np.int32)[:, None]
    every = [quality, 0, 10_000]
    got = arithmetic.interpolate(jnp.asarray(table), int32(every))
    assert got.ravel().tolist() == reference.interpolated(table, every).ravel().tolist()
    assert got.ravel()[1:].tolist() == [points[0], points[-1]]


@pytest.mark.parametrize(
    ("size", "upsample", "border", "offset"),
    [
        (1, 1, "zeros", False),
        (3, 1, "zeros", True),
        (3, 1, "edge", False),
        (5, 2, "zeros", True),
        (1, 2, "zeros", False),
    ],
)
def test_convolution_equals_its_reference(size, upsample, border, offset):
    rng = np.random.default_rng(0)
    codes = rng.integers(-128, 128, (2, 4, 1, 5), np.int8)
    own = {
        "kernel": rng.integers(-127, 128, (size, size, 5, 3), np.int8),
        "zero": rng.integers(-128, 128, 5, np.int8),
        "bias": rng.integers(-99, 99, upsample**2 * 3, np.int32),
    }
    if offset:
        own["taps"] = rng.integers(-9999, 9999, (size, size, 3), np.int32)
    op = {"op": "conv", "border": border, "upsample": upsample}
    got = jax.jit(lambda arrays: network.run([op], arrays, codes))(
        {f"0/{name}": array for name, array in own.items()}
    )
    wide = {name: array.astype(np.int64) for name, array in own.items()}
    assert np.array_equal(got, reference.convolved(op, wide, codes.astype(np.int64)))


@pytest.mark.parametrize(("code", "weight"), [(127, 127), (-128, 127), (-128, -127), (127, -127)])
def test_products_of_extreme_codes_do_not_saturate(code, weight):
    # Instructions that add pairs of products in 16 bits would; some libraries use them for int8.
    codes, kernel = (
        jnp.full((1, 3, 7, 96), code, jnp.int8),
        jnp.full((3, 3, 96, 64), weight, jnp.int8),
    )
    got = jax.jit(arithmetic.correlate)(codes, kernel)
    assert np.array_equal(got, np.full((1, 1, 5, 64), 9 * 96 * code * weight))


def test_a_value_reaches_thresholds_up_to_its_own():
    assert arithmetic.count_reached(int32([-5, 3, 4, 9]), int32([3, 4, 8])).tolist() == [0, 1, 2, 3]
