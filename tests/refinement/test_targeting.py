"""Targets of a refinement: which iterates count, and where the controller moves the trade-off."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.refinement import targeting
from jaxcodec.refinement.carry import Batch, State, Trace
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.problem import Measurement

PIXELS = 8 * 4


def aimed(bits: float = np.nan, distance: float = np.nan) -> Batch:
    """An image of 8 x 4 pixels with a trade-off of .5 and a target."""
    padded = PaddedImage(None, None, jnp.int32(8), jnp.int32(4))
    return Batch(padded, 0.5, None, None, jnp.float32(bits), jnp.float32(distance))


def measured(bits: float, distance: float) -> Measurement:
    return Measurement(None, None, jnp.float32(bits), jnp.float32(distance), jnp.float32(np.nan))


def test_without_a_target_all_count():
    each, value = aimed(), measured(64, 3)
    assert targeting.loss_of(each, value) == 0.5 * 3 + 64 / PIXELS
    assert targeting.counted_loss(each, value) == targeting.loss_of(each, value)
    assert targeting.is_near(each, value)


@pytest.mark.parametrize(
    ("share", "near", "counts"),
    [(0.99, False, False), (1.0, True, True), (1.03, True, True), (1.2, False, True), (1.3, 0, 0)],
)
def test_of_bits_what_is_hardly_below_counts_and_what_can_be_spared(share, near, counts):
    each, value = aimed(bits=1000), measured(1000 * share, 3)
    assert bool(targeting.is_near(each, value)) == near
    assert np.isfinite(targeting.counted_loss(each, value)) == counts


@pytest.mark.parametrize(
    ("share", "near", "counts"),
    [(1.01, False, False), (0.99, True, True), (0.96, True, True), (0.8, False, True), (0.7, 0, 0)],
)
def test_of_error_what_is_not_above_counts(share, near, counts):
    each, value = aimed(distance=20), measured(64, 20 * share)
    assert bool(targeting.is_near(each, value)) == near
    assert np.isfinite(targeting.counted_loss(each, value)) == counts


def state(log_shift: float = 0.0) -> State:
    return State(None, None, jnp.float32(0), jnp.float32(0), jnp.float32(log_shift))


def factor(each: Batch, bits: float, distance: float, steps: int = 100, shift: float = 0.0):
    """What the trade-off is multiplied with after 20 steps that cost as much."""
    now = state(shift)
    for _ in range(20):
        now = targeting.control(now, each, steps, jnp.float32(bits), jnp.float32(distance))
    return float(jnp.exp(targeting.log_factor(now)))


def test_too_few_bits_or_too_much_error_raise_the_trade_off():
    assert factor(aimed(bits=1000), 900, 3) > 1.1 > 0.9 > factor(aimed(bits=1000), 1100, 3)
    assert factor(aimed(distance=20), 64, 22) > 1.1 > 0.9 > factor(aimed(distance=20), 64, 18)
    assert factor(aimed(), 900, 3) == 1
    assert factor(aimed(bits=1000), 900, 3) > factor(aimed(bits=1000), 900, 3, steps=10_000)


def test_it_is_bounded_and_waits_for_the_first_evaluation():
    assert factor(aimed(bits=1e9), 1, 3) == pytest.approx(np.exp(2))
    assert factor(aimed(bits=1000), 900, 3, shift=np.nan) == 1


def test_the_shift_is_that_of_the_relaxation():
    trace = Trace(None, None, jnp.array([np.nan, 110.0, 130.0]), jnp.array([np.nan, 2.0, 4.0]))
    value = measured(100, 6)
    np.testing.assert_allclose(
        targeting.log_shift_of(aimed(bits=1), trace, value), np.log(1.2), rtol=1e-5
    )
    np.testing.assert_allclose(
        targeting.log_shift_of(aimed(distance=1), trace, value), np.log(0.5), rtol=1e-5
    )
    shifted = factor(aimed(bits=1000), 1000 * 1.2, 3, shift=np.log(1.2))
    assert shifted == pytest.approx(factor(aimed(bits=1000), 1000, 3), rel=1e-3)
