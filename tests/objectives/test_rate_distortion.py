"""The rate-distortion loss."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.objectives import RateDistortion


def test_one_trade_off_is_lambda_255_squared_mse_plus_bpp():
    image, reconstruction = jnp.full((2, 4, 8, 3), 0.5), jnp.stack([jnp.full((4, 8, 3), 0.6), jnp.full((4, 8, 3), 0.5)])
    loss, metrics = RateDistortion(0.01, 0.01)(image, reconstruction, jnp.array([64.0, 32.0]), jnp.zeros(2))
    mse = 255**2 * 0.1**2
    np.testing.assert_allclose(loss, (0.01 * mse + 2 + 1) / 2, rtol=1e-5)
    np.testing.assert_allclose(metrics["bpp"], 1.5)
    np.testing.assert_allclose(metrics["mse_255"], mse / 2, rtol=1e-5)


def test_quality_spans_the_trade_offs_in_the_logarithm():
    objective = RateDistortion(0.001, 0.1)
    np.testing.assert_allclose(objective.trade_off(jnp.array([0.0, 0.5, 1.0])), [0.001, 0.01, 0.1], rtol=1e-5)


def test_balance_weighs_the_qualities_and_leaves_the_middle_alone():
    image = jnp.zeros((1, 2, 2, 3))
    bits = jnp.array([4.0])
    plain, balanced = RateDistortion(0.001, 0.1), RateDistortion(0.001, 0.1, balance=0.5)
    for quality, weight in ((0.0, 10**0.5), (0.5, 1.0), (1.0, 10**-0.5)):
        ratio = balanced(image, image, bits, jnp.array([quality]))[0] / plain(image, image, bits, jnp.array([quality]))[0]
        np.testing.assert_allclose(ratio, weight, rtol=1e-4)


def test_the_starting_gain_minimises_the_high_rate_loss():
    """lambda * step^2 / 36 - log2(step) for each coefficient of three channels is least at the step of the gain."""
    (gain, _) = RateDistortion(0.02, 0.5).starting_gains()
    step = 255 / gain
    loss = lambda s: 0.02 * s**2 / 36 - np.log2(s)  # noqa: E731
    assert loss(step) < min(loss(0.99 * step), loss(1.01 * step))


def test_drawn_qualities_cover_the_range_evenly():
    draw = RateDistortion(1.0, 1.0).draw_quality
    quality = np.sort(draw(jax.random.key(3), 8))
    np.testing.assert_allclose(np.diff(quality), 1 / 8, atol=1e-6)
    assert quality[0] >= 0 and quality[-1] < 1
    assert float(draw(jax.random.key(4), 8)[0]) != float(draw(jax.random.key(3), 8)[0])
