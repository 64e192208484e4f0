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
