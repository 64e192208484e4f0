"""The rate controller against sequences worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.errors import RateError
from jaxcodec.objectives.controller import TargetDecay, create

FLAT = TargetDecay(steps=0)
ONE = jnp.zeros(2, jnp.int32)  # both images of a batch have the first target


def run(controller, noisy, quantised):
    """The parameter that each step took, and the state after the last, for batches of two images of
    one target.
    """
    state, taken = controller.init(), []
    for one, other in zip(noisy, quantised, strict=True):
        taken.append(float(state.parameter_bpp[0]))
        parameter, state = controller.update(jnp.asarray(one), jnp.asarray(other), ONE, state)
        np.testing.assert_array_equal(parameter, state.parameter_bpp)
    return taken, state


NOISY = [[0.5, 0.3], [0.4, 0.4], [0.35, 0.25]]
QUANTISED = [[0.3, 0.1], [0.35, 0.25], [0.3, 0.2]]
SHIFTS = [0.2, 0.1, 0.05]  # mean of the batch under noise, less mean of the batch rounded


def test_a_fixed_parameter_stays():
    taken, state = run(
        create((0.25,), strategy="fixed", beta=(1.0,), parameter_bpp=(0.41,)), NOISY, QUANTISED
    )
    np.testing.assert_allclose(taken, [0.41] * 3, rtol=1e-6)
    np.testing.assert_allclose(state.shift_bpp, [SHIFTS[-1]], rtol=1e-5)
    assert create((0.25,), strategy="fixed", beta=(1.0,)).init().parameter_bpp == np.float32(0.25)


def test_an_adaptive_parameter_is_the_target_and_the_last_shift():
    taken, state = run(create((0.25,), strategy="adaptive", beta=(1.0,)), NOISY, QUANTISED)
    np.testing.assert_allclose(taken, [0.25, 0.45, 0.35], rtol=1e-6)
    np.testing.assert_allclose(state.parameter_bpp, [0.30], rtol=1e-6)


def test_a_strange_batch_cannot_make_the_parameter_vanish():
    _, state = run(create((0.25,), strategy="adaptive", beta=(1.0,)), [[0.1, 0.1]], [[0.9, 0.9]])
    np.testing.assert_allclose(state.parameter_bpp, [0.025], rtol=1e-6)


@pytest.mark.parametrize(
    ("smoothing", "expected"),
    [
        ("none", [0.25, 0.45, 0.35, 0.30]),
        # .99 * .45 + .01 * .25 = .448; .99 * .35 + .01 * .448 = .35098; .99 * .3 + .01 * .35098 =
        # .3005098
        ("printed", [0.25, 0.448, 0.35098, 0.3005098]),
        # .99 * .25 + .01 * .45 = .252; .99 * .252 + .01 * .35 = .25298; .99 * .25298 + .01 * .3 =
        # .2534502
        ("decay", [0.25, 0.252, 0.25298, 0.2534502]),
    ],
)
def test_smoothing_as_printed_and_as_meant(smoothing, expected):
    controller = create(
        (0.25,), strategy="general", beta=(1.0,), smoothing=smoothing, alpha=0.99, decay=FLAT
    )
    taken, state = run(controller, NOISY, QUANTISED)
    np.testing.assert_allclose([*taken, float(state.parameter_bpp[0])], expected, rtol=1e-5)


def test_targets_of_half_a_bit_and_less_come_down_from_above():
    """Equation 6.14, by hand."""
    decay = TargetDecay(steps=100, base=50.0, limit_bpp=3.0, below_bpp=0.5)
    targets = jnp.array([0.06, 0.5, 0.75])
    # .06 * 50 = 3 and .5 * 50 = 25, cut to 3; .06 * sqrt(50) = .424264 and .5 * sqrt(50) = 3.5355,
    # cut to 3
    np.testing.assert_allclose(decay(targets, 0), [3.0, 3.0, 0.75], rtol=1e-6)
    np.testing.assert_allclose(decay(targets, 50), [0.424264, 3.0, 0.75], rtol=1e-5)
    np.testing.assert_allclose(decay(targets, 90), [0.06 * 50**0.1, 0.5 * 50**0.1, 0.75], rtol=1e-5)
    for step in (100, 1000):
        np.testing.assert_allclose(decay(targets, step), targets, rtol=1e-6)


def test_defaults_are_those_of_the_thesis():
    """Equations 6.14 to 6.20: r_max 3, b 50, 150,000 steps, targets of at most .5; alpha .99, as it
    is meant.
    """
    assert TargetDecay() == (150_000, 50.0, 3.0, 0.5)
    made = create((0.25,), beta=(30_000.0,))
    assert (made.strategy, made.smoothing, made.alpha, made.decay) == (
        "general",
        "decay",
        0.99,
        TargetDecay(),
    )
    assert (made.tolerance, made.beta_rate, made.parameter_bpp) == (0.0, 0.005, None)
    np.testing.assert_allclose(made.init().parameter_bpp, [3.0])  # .25 * 50, cut


def test_the_general_parameter_follows_the_decay_and_the_shift():
    decay = TargetDecay(steps=2, base=4.0, limit_bpp=3.0, below_bpp=0.5)
    controller = create((0.25,), strategy="general", beta=(1.0,), smoothing="none", decay=decay)
    taken, state = run(controller, NOISY, QUANTISED)
    np.testing.assert_allclose(taken, [1.0, 0.5 + 0.2, 0.25 + 0.1], rtol=1e-6)
    np.testing.assert_allclose(state.parameter_bpp, [0.25 + 0.05], rtol=1e-6)


@pytest.mark.parametrize("strategy", ["fixed", "adaptive", "general"])
def test_scanned_it_is_the_same_as_in_a_loop(strategy):
    controller = create(
        (0.25, 1.0), strategy=strategy, beta=(2.0, 3.0), tolerance=0.1, decay=TargetDecay(steps=7)
    )
    rng = np.random.default_rng(0)
    noisy = jnp.asarray(rng.uniform(0.2, 1.2, (20, 4)), jnp.float32)
    quantised = noisy - jnp.asarray(rng.uniform(0, 0.2, (20, 4)), jnp.float32)
    which = jnp.asarray(rng.integers(0, 2, (20, 4)), jnp.int32)

    def step(state, inputs):
        parameter, state = controller.update(*inputs, state)
        return state, parameter

    scanned, parameters = jax.jit(
        lambda state: jax.lax.scan(step, state, (noisy, quantised, which))
    )(controller.init())
    state = controller.init()
    for index in range(20):
        parameter, state = controller.update(noisy[index], quantised[index], which[index], state)
        np.testing.assert_allclose(parameter, parameters[index], rtol=1e-5)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-5), scanned, state
    )


def test_each_target_has_a_state_of_its_own():
    controller = create((0.25, 1.0), strategy="adaptive", beta=(1.0, 1.0), tolerance=0.01)
    noisy, quantised = jnp.array([0.4, 1.3, 0.5]), jnp.array([0.3, 1.0, 0.3])
    parameter, state = controller.update(noisy, quantised, jnp.array([0, 1, 0]), controller.init())
    np.testing.assert_allclose(parameter, [0.25 + 0.15, 1.0 + 0.3], rtol=1e-5)
    _, later = controller.update(noisy, quantised, jnp.array([1, 1, 1]), state)
    for field in ("parameter_bpp", "shift_bpp", "beta", "squared_deviation", "settled"):
        before, after = getattr(state, field), getattr(later, field)
        assert before[0] == after[0], field
        assert before[1] != after[1], field


def test_beta_rises_while_the_rates_spread_and_falls_when_they_are_close():
    def after(quantised, steps=200):
        controller = create(
            (0.5,), strategy="adaptive", beta=(1000.0,), tolerance=0.05, beta_rate=0.02
        )
        state = controller.init()
        for _ in range(steps):
            _, state = controller.update(quantised, quantised, ONE, state)
        return float(state.beta[0]), float(state.squared_deviation[0])

    wide, squared = after(jnp.array([0.6, 0.4]))
    assert wide > 5_000
    np.testing.assert_allclose(squared, 0.04, rtol=1e-4)
    close, squared = after(jnp.array([0.505, 0.495]))
    assert close < 200
    np.testing.assert_allclose(squared, 1e-4, rtol=1e-3)
    as_asked, _ = after(jnp.array([0.525, 0.475]))
    np.testing.assert_allclose(as_asked, 1000, rtol=0.01)
    # It has bounds, 64 times the start and a 64th of it.
    assert after(jnp.array([2.0, 0.1]), steps=300)[0] == pytest.approx(64_000, rel=1e-3)
    assert after(jnp.array([0.5, 0.5]), steps=300)[0] == pytest.approx(1000 / 64, rel=1e-3)


def test_beta_waits_until_the_target_has_decayed():
    controller = create(
        (0.25,), beta=(1000.0,), tolerance=0.05, decay=TargetDecay(steps=100, base=4.0)
    )
    state = controller.init()
    for _ in range(100):
        _, state = controller.update(jnp.array([0.9, 0.7]), jnp.array([0.9, 0.7]), ONE, state)
    assert (state.beta[0], state.squared_deviation[0], state.settled[0]) == (1000, 0, 0)
    for _ in range(50):
        _, state = controller.update(jnp.array([0.26, 0.24]), jnp.array([0.26, 0.24]), ONE, state)
    np.testing.assert_allclose(state.squared_deviation, 0.04**2, rtol=1e-3)
    np.testing.assert_allclose(state.beta, 1000 * 0.8 ** (50 * 0.005), rtol=1e-3)


def test_a_beta_without_tolerance_stays():
    _, state = run(create((0.25,), beta=(7.0,), decay=FLAT), NOISY, QUANTISED)
    assert state.beta == 7


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"targets": (), "beta": ()}, "no targets"),
        ({"targets": (0.0,), "beta": (1.0,)}, "targets"),
        ({"targets": (0.5,), "beta": (1.0, 2.0)}, "beta"),
        ({"targets": (0.5,), "beta": (1.0,), "parameter_bpp": (-1.0,)}, "parameter_bpp"),
        ({"targets": (0.5,), "beta": (1.0,), "strategy": "best"}, "'best'"),
        ({"targets": (0.5,), "beta": (1.0,), "smoothing": "much"}, "'much'"),
        ({"targets": (0.5,), "beta": (1.0,), "alpha": 1.0}, "alpha"),
        ({"targets": (0.5,), "beta": (1.0,), "tolerance": -0.1}, "tolerance"),
    ],
)
def test_settings_that_cannot_work_are_named(settings, named):
    with pytest.raises(RateError, match=named):
        create(settings.pop("targets"), **settings)
