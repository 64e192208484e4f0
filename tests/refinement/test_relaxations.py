"""Relaxations against their definitions, at their limits, and their gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcodec.errors import RefineError
from jaxcodec.refinement import relaxations

KEY = jax.random.key(0)
STOCHASTIC = ("atanh", "linear", "cosine", "ssl")
TWO_CLASSES = (*STOCHASTIC, "annealing")
VALUES = st.floats(-200, 200, width=32, allow_subnormal=False)  # which XLA takes for zero
PROBABILITIES = {
    "atanh": lambda u: jnp.exp(jnp.stack([-jnp.arctanh(u), -jnp.arctanh(1 - u)])),
    "linear": lambda u: jnp.stack([1 - u, u]),
    "cosine": lambda u: jnp.stack([jnp.cos(jnp.pi * u / 2) ** 2, jnp.sin(jnp.pi * u / 2) ** 2]),
    "ssl": lambda u: jax.nn.sigmoid(
        jnp.stack([-4 / 3 * jnp.log(u / (1 - u)), 4 / 3 * jnp.log(u / (1 - u))])
    ),
}
"""p(floor) and p(ceil), not normalised, as the papers write them."""


def gumbel_softmax(name, value, key, tau):
    """The two-class relaxation as the papers sample it."""
    floor = jnp.floor(value)
    logits = jnp.log(PROBABILITIES[name](value - floor)) / tau
    share = jax.nn.softmax((logits + jax.random.gumbel(key, logits.shape)) / tau, axis=0)
    return floor + share[1]


@pytest.mark.parametrize("name", STOCHASTIC)
@pytest.mark.parametrize("tau", [0.25, 0.6, 1.0])
@pytest.mark.parametrize("fraction", [0.1, 0.45, 0.8])
def test_the_closed_form_has_the_distribution_of_the_gumbel_softmax(name, tau, fraction):
    value = jnp.full(200_000, -3 + fraction)
    ours = relaxations.make(name)(value, jax.random.key(1), tau)
    theirs = gumbel_softmax(name, value, jax.random.key(2), tau)
    # Five standard errors of a mean and of a variance of numbers within one.
    assert abs(ours.mean() - theirs.mean()) < 5 * 0.5 * np.sqrt(2 / value.size)
    assert abs(ours.var() - theirs.var()) < 5 * 0.25 * np.sqrt(2 / value.size)
    np.testing.assert_allclose(
        (ours > -2.5).mean(), (theirs > -2.5).mean(), atol=5 * 0.5 * np.sqrt(2 / value.size)
    )


@pytest.mark.parametrize("name", STOCHASTIC)
def test_the_class_is_drawn_with_the_probability_of_the_paper(name):
    """At temperature 1 the larger share is that of the class drawn."""
    fraction = 0.3
    floor, ceil = PROBABILITIES[name](jnp.float32(fraction))
    drawn = relaxations.make(name)(jnp.full(200_000, 7 + fraction), KEY, 1.0) > 7.5
    np.testing.assert_allclose(
        drawn.mean(), ceil / (floor + ceil), atol=5 * 0.5 / np.sqrt(drawn.size)
    )


def test_ssl_with_slope_one_is_linear():
    value = jnp.linspace(-4, 4, 999)
    np.testing.assert_allclose(
        relaxations.make("ssl", a=1.0)(value, KEY, 0.4),
        relaxations.make("linear")(value, KEY, 0.4),
        rtol=1e-6,
    )


@pytest.mark.parametrize("name, slope", [("cosine", 1.6), ("atanh", 0.63)])
def test_ssl_comes_near_the_other_functions(name, slope):
    """methods/refinement.md: a near 1.6 fits the cosine, near .63 the normalised atanh."""
    u = jnp.linspace(0.02, 0.98, 97)
    floor, ceil = PROBABILITIES[name](u)
    np.testing.assert_allclose(
        jax.nn.sigmoid(slope * jnp.log(u / (1 - u))), ceil / (floor + ceil), atol=0.03
    )


@pytest.mark.parametrize("name", TWO_CLASSES)
@settings(max_examples=40, deadline=None)
@given(value=VALUES, seed=st.integers(0, 1000), tau=st.sampled_from([1e-8, 0.05, 0.5, 1.0]))
def test_two_classes_stay_between_floor_and_ceiling(name, value, seed, tau):
    relaxed = relaxations.make(name)(jnp.float32(value), jax.random.key(seed), tau)
    assert np.floor(value) <= relaxed <= np.floor(value) + 1


@pytest.mark.parametrize("name", relaxations.THREE_CLASSES)
@settings(max_examples=40, deadline=None)
@given(value=VALUES, seed=st.integers(0, 1000), tau=st.sampled_from([1e-8, 0.05, 0.5, 1.0]))
def test_three_classes_stay_within_one_of_the_nearest(name, value, seed, tau):
    relaxed = relaxations.make(name, classes=3)(jnp.float32(value), jax.random.key(seed), tau)
    assert abs(relaxed - np.round(value)) <= 1


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", relaxations.THREE_CLASSES)
def test_cold_it_is_an_integer_and_at_integers_that_one(name, classes):
    relax = relaxations.make(name, classes=classes)
    value = jnp.array([-2.0, 0.0, 5.0, 0.4, -1.7])
    relaxed = relax(value, KEY, 1e-8)
    np.testing.assert_array_equal(relaxed, np.round(relaxed))
    np.testing.assert_array_equal(relaxed[:3], value[:3])


WEIGHTS = {
    "linear": lambda w: np.maximum(1 - 0.98 * np.abs(w), 1e-6) ** 1.5,
    "cosine": lambda w: np.maximum(np.cos(np.pi / 2 * np.clip(0.98 * w, -1, 1)), 1e-6) ** 2,
    "ssl": lambda w: (
        (1 / (1 + (np.clip(1.4 / 1.5 * np.abs(w), 1e-5, 1 - 1e-5) ** -1 - 1) ** -1.4)) ** 1.5
    ),
}
"""Weights of a class by its distance (SGA+, section 3.3), in float64; sigmoid(-a logit u) is 1 / (1
+ (1 / u - 1)^-a).
"""


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("tau", [1.0, 0.6])
def test_shares_of_three_classes_are_those_of_the_paper(name, tau, monkeypatch):
    value = np.array([-1.4, -0.5, 0.0, 0.3, 0.49, 0.8, 5.1])
    drawn = np.array([[0.2], [-0.4], [0.7]])
    monkeypatch.setattr(
        jax.random,
        "gumbel",
        lambda key, shape, dtype: jnp.broadcast_to(jnp.asarray(drawn, dtype), shape),
    )
    relaxed = relaxations.make(name, a=1.4, classes=3)(jnp.asarray(value, jnp.float32), KEY, tau)
    w = np.asarray(jnp.asarray(value, jnp.float32), np.float64) - np.round(value)
    logits = (
        np.log([WEIGHTS[name](w + 1), WEIGHTS[name](w), WEIGHTS[name](w - 1)]) / tau + drawn
    ) / tau
    share = np.exp(logits - logits.max(axis=0))
    expected = np.round(value) + (share[2] - share[0]) / share.sum(axis=0)
    np.testing.assert_allclose(relaxed, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("tau", [1.0, 0.2, 0.05])
def test_annealing_divides_by_the_temperature_once(tau):
    """The softmax of log p / tau, p(floor) and p(ceil) in proportion to exp(-atanh u) and
    exp(-atanh(1 - u)).
    """
    u = np.array([0.02, 0.3, 0.45, 0.5, 0.62, 0.97])
    logits = -np.arctanh([u, 1 - u]) / tau
    expected = 3 + np.exp(logits[1]) / np.exp(logits).sum(axis=0)
    np.testing.assert_allclose(
        relaxations.make("annealing")(jnp.asarray(3 + u), KEY, tau), expected, rtol=1e-4
    )


@pytest.mark.parametrize("a", [4 / 3, 2.3])
def test_the_slope_of_ssl(a, monkeypatch):
    monkeypatch.setattr(
        jax.random, "logistic", lambda key, shape, dtype: jnp.full(shape, 0.3, dtype)
    )
    u, tau = np.array([0.1, 0.45, 0.8]), 0.7
    expected = 1 / (1 + np.exp(-((a * np.log(u / (1 - u)) / tau + 0.3) / tau)))
    np.testing.assert_allclose(
        relaxations.make("ssl", a=a)(jnp.asarray(2 + u), KEY, tau), 2 + expected, rtol=1e-4
    )


def test_three_classes_are_symmetric_about_the_nearest():
    relax = relaxations.make("ssl", classes=3)
    above, below = (
        relax(jnp.full(200_000, sign * 0.3), jax.random.key(3), 0.7) for sign in (1, -1)
    )
    np.testing.assert_allclose(above.mean(), -below.mean(), atol=5 * np.sqrt(2 / above.size))
    np.testing.assert_allclose(above.var(), below.var(), atol=5 * np.sqrt(2 / above.size))


@pytest.mark.parametrize("name", relaxations.NAMES)
@pytest.mark.parametrize("tau", [1e-8, 1e-3, 0.2, 1.0])
def test_gradients_are_finite_everywhere(name, tau):
    value = jnp.array([-3.0, 0.0, 1.0, 0.5, -0.5, 1e-6, 1 - 1e-6, 0.3, 2.7])
    for classes in (2, 3) if name in relaxations.THREE_CLASSES else (2,):
        gradient = jax.grad(
            lambda v, c=classes: relaxations.make(name, classes=c)(v, KEY, tau).sum()
        )(value)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", STOCHASTIC)
def test_warm_gradients_reach_the_value(name):
    value = jnp.linspace(0.05, 0.95, 19)
    gradient = jax.grad(lambda v: relaxations.make(name)(v, KEY, 0.7).sum())(value)
    assert (gradient > 0).all()


def test_soft_round_comes_nearer_to_rounding_and_ends_as_it():
    value = jax.random.uniform(KEY, (1000,), minval=-5, maxval=5)
    relax = relaxations.make("soft_round")
    spread = [
        float(jnp.mean(jnp.abs(relax(value, KEY, tau) - jnp.round(relax(value, KEY, tau)))))
        for tau in (1, 0.3, 0.1)
    ]
    assert spread[0] > spread[1] > spread[2]
    np.testing.assert_array_equal(relax(value, KEY, 0.0), jnp.round(value))
    np.testing.assert_array_equal(jax.grad(lambda v: relax(v, KEY, 0.0).sum())(value), 1)


def test_baselines():
    value = jnp.linspace(-2, 2, 101)
    np.testing.assert_array_equal(relaxations.make("map")(value, KEY, 0.5), value)
    np.testing.assert_array_equal(
        relaxations.make("straight_through")(value, KEY, 0.5), jnp.round(value)
    )
    np.testing.assert_array_equal(
        jax.grad(lambda v: relaxations.make("straight_through")(v, KEY, 0.5).sum())(value), 1
    )
    moved = relaxations.make("noise")(value, KEY, 0.5) - value
    assert jnp.abs(moved).max() <= 0.5 and moved.std() == pytest.approx(1 / np.sqrt(12), rel=0.15)


@pytest.mark.parametrize("name", relaxations.NAMES)
def test_jit_and_vmap_change_nothing(name):
    relax = relaxations.make(name)
    value, keys = jnp.linspace(-3, 3, 64).reshape(4, 16), jax.random.split(KEY, 4)
    each = jnp.stack([relax(v, k, 0.3) for v, k in zip(value, keys, strict=True)])
    np.testing.assert_allclose(
        jax.jit(jax.vmap(relax, (0, 0, None)))(value, keys, 0.3), each, rtol=1e-5, atol=1e-6
    )


def test_what_does_not_exist_is_an_error():
    with pytest.raises(RefineError, match="'wish' is unknown; use one of atanh"):
        relaxations.make("wish")
    with pytest.raises(RefineError, match="map with 3 classes"):
        relaxations.make("map", classes=3)
    with pytest.raises(RefineError, match="ssl with 4 classes"):
        relaxations.make("ssl", classes=4)


def test_the_noise_of_soft_rounding_is_one_step_wide():
    """At a high temperature soft rounding is the identity, and what is left is the uniform noise
    between its two.
    """
    values = jnp.full((20_000,), 3.3)
    added = relaxations.soft_round(values, KEY, jnp.float32(100.0)) - values
    assert -0.502 < added.min() < -0.49 and 0.49 < added.max() < 0.502
    assert abs(float(added.mean())) < 0.01
