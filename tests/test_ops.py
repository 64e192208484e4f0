"""Operations with gradients of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import ops


@pytest.mark.parametrize(
    ("x", "direction", "passes"),
    [(2.0, 1.0, True), (2.0, -1.0, True), (0.5, -1.0, True), (0.5, 1.0, False)],
)
def test_lower_bound_lets_a_bounded_value_come_back(x, direction, passes):
    # A gradient below zero means that descent raises x.
    gradient = jax.grad(lambda v: direction * ops.lower_bound(v, 1.0))(x)
    assert gradient == (direction if passes else 0.0)
    assert ops.lower_bound(x, 1.0) == max(x, 1.0)


def test_descent_leaves_the_bound_where_the_plain_maximum_stays_stuck():
    def distance(bound):
        return jax.grad(lambda v: (bound(v, 1.0) - 3.0) ** 2)

    x = plain = jnp.float32(-0.2)
    for _ in range(100):
        x = x - 0.05 * distance(ops.lower_bound)(x)
        plain = plain - 0.05 * distance(jnp.maximum)(plain)
    assert abs(x - 3.0) < 1e-2
    assert plain == jnp.float32(-0.2)


def test_reverse_gradient_is_the_identity_with_a_gradient_turned_round():
    x, factor = jnp.array([[1.0, -2.0], [0.5, 3.0]]), jnp.array([[0.5], [2.0]])

    def loss(x, factor):
        return jnp.sum(ops.reverse_gradient(x, factor) ** 3)

    for function in (loss, jax.jit(loss)):
        np.testing.assert_array_equal(function(x, factor), jnp.sum(x**3))
        by_x, by_factor = jax.grad(function, (0, 1))(x, factor)
        np.testing.assert_allclose(by_x, -factor * 3 * x**2, rtol=1e-6)
        np.testing.assert_array_equal(by_factor, jnp.zeros_like(factor))
    each = jax.vmap(jax.grad(lambda row: loss(row, 0.25)))(x)
    np.testing.assert_allclose(each, -0.75 * x**2, rtol=1e-6)


def test_reverse_gradient_keeps_float64():
    with jax.enable_x64(True):
        x = jnp.array([1.0, 1.0 / 3])
        assert ops.reverse_gradient(x, 1.0).dtype == np.float64
        gradient = jax.grad(lambda x: jnp.sum(ops.reverse_gradient(x, 0.1) ** 2))(x)
        np.testing.assert_allclose(gradient, -0.2 * x, rtol=1e-15)


def test_round_straight_through_rounds_with_the_gradient_of_the_identity():
    x = jnp.array([-1.5, -0.4, 0.5, 1.5, 2.6])
    np.testing.assert_array_equal(ops.round_straight_through(x), jnp.round(x))
    np.testing.assert_array_equal(jax.vmap(jax.grad(ops.round_straight_through))(x), jnp.ones(5))


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_depth_to_space_undoes_space_to_depth(factor):
    x = jax.random.normal(jax.random.key(0), (2, 2 * factor, 3 * factor, 5))
    packed = ops.space_to_depth(x, factor)
    assert packed.shape == (2, 2, 3, 5 * factor**2)
    np.testing.assert_array_equal(
        packed[1, 1, 2, 5 * (factor + 1) : 5 * (factor + 2)], x[1, factor + 1, 2 * factor + 1]
    )
    np.testing.assert_array_equal(ops.depth_to_space(packed, factor), x)


def test_interpolation_meets_its_points_and_is_linear_between():
    table = jnp.array([[0.0, 1.0], [2.0, 5.0], [10.0, 5.0]])
    quality = jnp.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.7])
    expected = [[0, 1], [1, 3], [2, 5], [6, 5], [10, 5], [10, 5]]
    assert jnp.allclose(ops.interpolate_points(table, quality), jnp.array(expected, jnp.float32))
    assert jnp.allclose(ops.interpolate_points(table[:1], quality), jnp.tile(table[:1], (6, 1)))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_depthwise_correlates_each_channel_with_its_own_kernel(size):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 4, 5, 3)), rng.normal(size=(size, size, 3))
    expected, reach = np.zeros_like(x), size // 2
    for b, row, column, channel in np.ndindex(x.shape):
        for down, across in np.ndindex(size, size):
            r, c = row + down - reach, column + across - reach
            if 0 <= r < 4 and 0 <= c < 5:
                expected[b, row, column, channel] += (
                    kernel[down, across, channel] * x[b, r, c, channel]
                )
    found = ops.depthwise(jnp.float32(x), jnp.float32(kernel))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # It is linear in both, so that slopes follow from it.
    weight = rng.normal(size=x.shape)

    def weighed(x, kernel):
        return jnp.sum(ops.depthwise(x, kernel) * weight)

    given = jnp.float32(x), jnp.float32(kernel)
    for slope, value in zip(jax.grad(weighed, (0, 1))(*given), given, strict=True):
        assert slope.shape == value.shape
        assert jnp.vdot(slope, value) == pytest.approx(np.sum(expected * weight), abs=1e-3)
