import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcodec.errors import CodecFileError
from jaxcodec.integer import arithmetic, network, quantise
from jaxcodec.integer.quantise import Builder, Codes, Span
from jaxcodec.transforms import operations
from jaxcodec.transforms.operations import Activate, Conv, Modulate, Residual, Shuffle

UNIT = 1 / 1024


@given(st.floats(1e-12, 1 - 1e-6))
def test_fixed_point_is_within_its_last_bit(ratio):
    multiplier, shift = quantise.fixed_point(np.array(ratio), 0, 46)
    assert 0 <= multiplier < 2**15
    assert abs(multiplier * 2.0**-shift - ratio) <= max(ratio * 2**-14, 2.0**-46)


def test_a_ratio_beyond_15_bits_is_refused():
    with pytest.raises(CodecFileError, match="other photographs"):
        quantise.fixed_point(np.array([0.2, 0.3]), 17, 46)


@pytest.mark.parametrize(
    ("border", "upsample", "offset"),
    [("zeros", 1, None), ("edge", 1, None), ("zeros", 1, 0.37), ("zeros", 2, 0.37)],
)
def test_one_convolution_is_its_float_self_up_to_rounding_at_every_place(border, upsample, offset):
    rng = np.random.default_rng(0)
    # Large weights and an exact input leave the rounding of weights alone, half a unit of 1/127 of
    # the largest.
    op = Conv(
        rng.normal(size=(3, 3, 5, 4)).astype(np.float32),
        rng.normal(size=4).astype(np.float32),
        border,
        upsample,
        None if offset is None else np.full(5, offset, np.float32),
    )
    symbols = rng.integers(-3, 4, (1, 4, 5, 5), np.int32)
    builder = Builder()
    codes = quantise.symbols_to_codes(builder, symbols)
    quantise.chain(builder, [op], {(0,): Span(np.full(5, -3), np.full(5, 3))}, {}, codes, UNIT)
    got = network.run(builder.spec, builder.arrays, jnp.asarray(symbols)) * UNIT
    expected = operations.run([op], jnp.asarray(symbols, jnp.float32), jnp.zeros(1))
    bound = np.abs(op.kernel).max() / 254 * np.abs(symbols).sum(axis=-1).max() * 9 + 2 * UNIT
    assert np.abs(got - expected).max() < bound
    assert np.abs(got - expected).max() < 0.03 * np.abs(expected).max()


def test_operations_between_convolutions_are_their_float_selves_to_a_thousandth():
    rng = np.random.default_rng(0)
    modulate = Modulate(
        rng.normal(0, 0.5, (3, 8)).astype(np.float32), rng.normal(size=(3, 8)).astype(np.float32)
    )
    ops = [modulate, Activate("silu"), Shuffle(2), Activate("leaky_relu"), Activate("relu")]
    builder = Builder()
    for op in ops:
        quantise.between(builder, op, UNIT)
    x = rng.integers(-8192, 8192, (3, 2, 2, 8), np.int32)
    quality = np.array([0, 2500, 10_000], np.int32)
    got = network.run(builder.spec, builder.arrays, jnp.asarray(x), jnp.asarray(quality)) * UNIT
    expected = operations.run(
        ops, jnp.asarray(x, jnp.float32) * UNIT, jnp.asarray(quality / 1e4, jnp.float32)
    )
    assert np.abs(got - expected).max() < 0.001 * 32


def test_a_residual_keeps_the_unit_of_what_it_is_added_to():
    rng = np.random.default_rng(0)

    def layer(i, o):
        return Conv(
            rng.normal(0, i**-0.5, (1, 1, i, o)).astype(np.float32), np.zeros(o, np.float32)
        )

    ops = [
        layer(4, 8),
        Residual((layer(8, 6), Activate("leaky_relu"), layer(6, 8))),
        Residual((layer(8, 8),)),
        layer(8, 3),
    ]
    x = rng.integers(-20, 21, (1, 6, 6, 4), np.int32)
    spans = {}

    def see(path, value):
        flat = np.asarray(value).reshape(-1, value.shape[-1])
        spans[path] = Span(np.minimum(flat.min(axis=0), 0), np.maximum(flat.max(axis=0), 0))
        return value

    expected = operations.run(ops, jnp.asarray(x, jnp.float32), jnp.zeros(1), see)
    builder = Builder()
    bound = quantise.chain(builder, ops, spans, {}, quantise.symbols_to_codes(builder, x), UNIT)
    got = network.run(builder.spec, builder.arrays, jnp.asarray(x))
    assert np.abs(got * UNIT - expected).max() < 0.03 * np.abs(expected).max()
    assert (np.abs(got) <= bound).all()


def test_an_output_without_weights_keeps_its_bias():
    op = Conv(np.zeros((1, 1, 2, 3), np.float32), np.array([0, 1.5, -100], np.float32))
    builder = Builder()
    codes = quantise.symbols_to_codes(builder, np.ones((1, 2), np.int32))
    quantise.chain(builder, [op], {(0,): Span(np.zeros(2), np.ones(2))}, {}, codes, UNIT)
    got = network.run(builder.spec, builder.arrays, jnp.ones((1, 1, 1, 2), jnp.int32))
    assert np.abs(got * UNIT - op.bias).max() <= UNIT


def test_sums_that_could_exceed_32_bits_are_refused():
    many = 140_000
    op = Conv(np.ones((1, 1, many, 1), np.float32), np.zeros(1, np.float32))
    with pytest.raises(CodecFileError, match="32 bits"):
        quantise.convolve(Builder(), op, Codes(np.ones(many), np.zeros(many, np.int64)))


def test_the_bound_of_sums_is_reached_by_the_worst_codes_and_never_exceeded():
    rng = np.random.default_rng(0)
    op = Conv(rng.normal(size=(3, 3, 6, 4)).astype(np.float32), np.zeros(4, np.float32))
    builder = Builder()
    _, bound = quantise.convolve(builder, op, Codes(np.ones(6), np.zeros(6, np.int64)))
    kernel = builder.arrays["0/kernel"]
    for output in range(4):
        worst = np.where(kernel[..., output] > 0, -128, 127).astype(np.int8)[None]
        sums = arithmetic.correlate(jnp.asarray(worst), jnp.asarray(kernel))[0, 0, 0, output]
        assert 0.98 * bound[output] < abs(int(sums)) <= bound[output]


def test_wide_symbols_are_shifted_and_rare_ones_clipped():
    builder = Builder()
    symbols = np.zeros((100_000, 3), np.int32)
    symbols[::2, 0], symbols[::2, 1], symbols[1:, 2], symbols[0, 2] = 100, 500, 33, 150
    codes = quantise.symbols_to_codes(builder, symbols)
    assert builder.arrays["0/shift"].tolist() == [0, 2, 0]
    assert codes.unit.tolist() == [1, 4, 1]
    # 127 * 32 = 4064 would clip 5000, which is 78.125 * 64.
    codes = quantise.symbols_to_codes(Builder(), np.array([[5000, 127], [0, -127]], np.int32))
    assert codes.unit.tolist() == [64, 1]


def test_a_network_that_calibration_saw_at_zero_only_is_still_one():
    """A run of a few steps may have hyper-symbols that are all zero; its networks are to work for
    others, roughly.
    """
    rng = np.random.default_rng(0)
    first, last = (
        Conv(
            rng.normal(size=(5, 5, 8, 8)).astype(np.float32),
            rng.normal(size=8).astype(np.float32) * scale,
        )
        for scale in (0, 1)
    )
    ops, zeros = [first, Activate("relu"), last], np.zeros((1, 4, 4, 8), np.int32)
    flat = Span(np.zeros(8), np.zeros(8))
    builder = Builder()
    codes = quantise.symbols_to_codes(builder, zeros)
    quantise.chain(builder, ops, {(place,): flat for place in range(3)}, {}, codes, UNIT)
    got = network.run(builder.spec, builder.arrays, jnp.asarray(zeros)) * UNIT
    np.testing.assert_allclose(got, np.broadcast_to(last.bias, got.shape), atol=2 * UNIT)
