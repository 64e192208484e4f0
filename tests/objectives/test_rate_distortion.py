"""The rate-distortion loss."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import distortions
from jaxcodec.distortions import ms_ssim
from jaxcodec.errors import TrainingError
from jaxcodec.objectives import Forward, RateDistortion, create


def loss_and_metrics(objective, image, reconstruction, bits, quality):
    """The loss of a pass over images that are given."""
    forward = Forward(image, quality, reconstruction, bits, jnp.zeros_like(bits))
    return objective.loss({}, forward, jax.random.key(0), ())


def test_one_trade_off_is_lambda_255_squared_mse_plus_bpp():
    image, reconstruction = (
        jnp.full((2, 4, 8, 3), 0.5),
        jnp.stack([jnp.full((4, 8, 3), 0.6), jnp.full((4, 8, 3), 0.5)]),
    )
    loss, metrics = loss_and_metrics(
        RateDistortion(0.01, 0.01), image, reconstruction, jnp.array([64.0, 32.0]), jnp.zeros(2)
    )
    mse = 255**2 * 0.1**2
    np.testing.assert_allclose(loss, (0.01 * mse + 2 + 1) / 2, rtol=1e-5)
    np.testing.assert_allclose(metrics["bpp"], 1.5)
    np.testing.assert_allclose(metrics["mse_255"], mse / 2, rtol=1e-5)


def test_the_loss_and_its_metrics_in_float64():
    """Three images that are not square, at three qualities, each metric a mean over images."""
    rng = np.random.default_rng(0)
    image, reconstruction = rng.uniform(size=(2, 3, 4, 6, 3))
    bits, quality = np.array([12.0, 40.0, 77.0]), np.array([0.1, 0.6, 0.9])
    trade_off = 0.002 * 50**quality  # to .1
    mse = np.array([np.mean((255 * image[i] - 255 * reconstruction[i]) ** 2) for i in range(3)])
    weight = (trade_off / np.sqrt(0.002 * 0.1)) ** -0.5
    arrays = [jnp.asarray(array, jnp.float32) for array in (image, reconstruction, bits, quality)]
    objective = RateDistortion(0.002, 0.1, balance=0.5)
    loss, metrics = loss_and_metrics(objective, *arrays)
    expected = {
        "loss": np.mean(weight * (trade_off * mse + bits / 24)),
        "bpp": np.mean(bits / 24),
        "mse_255": np.mean(mse),
        "psnr_db": np.mean(10 * np.log10(255**2 / mse)),
    }
    image, reconstruction, bits, quality = arrays
    forward = Forward(image, quality, reconstruction, bits, jnp.zeros_like(bits))
    validated = objective.validate({}, forward, objective.init())
    assert set(metrics) == set(expected) == set(validated)
    for name, value in expected.items():
        np.testing.assert_allclose(metrics[name], value, rtol=1e-5, err_msg=name)
        np.testing.assert_array_equal(metrics[name], validated[name])
    assert loss == metrics["loss"]


def test_the_gradients_of_distortion_and_rate_in_float64():
    rng = np.random.default_rng(1)
    image, reconstruction = rng.uniform(size=(2, 2, 4, 6, 3))
    trade_off = np.array([0.001, 0.1])

    def loss_of(reconstruction, bits):
        return loss_and_metrics(
            RateDistortion(0.001, 0.1),
            jnp.asarray(image),
            reconstruction,
            bits,
            jnp.array([0.0, 1.0]),
        )[0]

    of_image, of_bits = jax.grad(loss_of, argnums=(0, 1))(jnp.asarray(reconstruction), jnp.ones(2))
    expected = trade_off[:, None, None, None] * 2 * 255**2 * (reconstruction - image) / 72 / 2
    np.testing.assert_allclose(of_image, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(of_bits, [1 / 24 / 2] * 2, rtol=1e-5)


def test_images_without_an_error_have_a_finite_psnr():
    _, metrics = loss_and_metrics(
        RateDistortion(0.01, 0.01),
        jnp.ones((1, 4, 4, 3)),
        jnp.ones((1, 4, 4, 3)),
        jnp.ones(1),
        jnp.zeros(1),
    )
    np.testing.assert_allclose(metrics["psnr_db"], 10 * np.log10(255**2 / 1e-10), rtol=1e-5)


def test_quality_spans_the_trade_offs_in_the_logarithm():
    objective = RateDistortion(0.001, 0.1)
    np.testing.assert_allclose(
        objective.trade_off(jnp.array([0.0, 0.5, 1.0])), [0.001, 0.01, 0.1], rtol=1e-5
    )


def test_balance_weighs_the_qualities_and_leaves_the_middle_alone():
    image = jnp.zeros((1, 2, 2, 3))
    bits = jnp.array([4.0])
    plain, balanced = RateDistortion(0.001, 0.1), RateDistortion(0.001, 0.1, balance=0.5)
    for quality, weight in ((0.0, 10**0.5), (0.5, 1.0), (1.0, 10**-0.5)):
        ratio = (
            loss_and_metrics(balanced, image, image, bits, jnp.array([quality]))[0]
            / loss_and_metrics(plain, image, image, bits, jnp.array([quality]))[0]
        )
        np.testing.assert_allclose(ratio, weight, rtol=1e-4)


def test_the_starting_gain_minimises_the_high_rate_loss():
    """lambda * step^2 / 36 - log2(step) for each coefficient of three channels is least at the step
    of the gain.
    """
    (gain, _) = RateDistortion(0.02, 0.5).starting_gains()
    step = 255 / gain
    loss = lambda s: 0.02 * s**2 / 36 - np.log2(s)  # noqa: E731
    assert loss(step) < min(loss(0.99 * step), loss(1.01 * step))
    # sqrt(18 / (lambda ln 2)) is 36.04 grey levels at .02, and 7.207 at .5
    np.testing.assert_allclose(
        RateDistortion(0.02, 0.5).starting_gains(), (255 / 36.0337, 255 / 7.20674), rtol=1e-4
    )


def test_drawn_qualities_cover_the_range_evenly():
    draw = RateDistortion(1.0, 1.0).draw_quality
    quality = np.sort(draw(jax.random.key(3), 8))
    np.testing.assert_allclose(np.diff(quality), 1 / 8, atol=1e-6)
    assert quality[0] >= 0 and quality[-1] < 1
    assert float(draw(jax.random.key(4), 8)[0]) != float(draw(jax.random.key(3), 8)[0])
    drawn = np.array([draw(jax.random.key(seed), 3) for seed in range(30)])
    assert drawn.min() >= 0 and drawn.max() < 1


def test_the_middle_of_the_qualities_can_be_preferred():
    draw = RateDistortion(1.0, 1.0, middle=0.4).draw_quality
    quality = np.array(draw(jax.random.key(3), 4000))
    assert quality.min() >= 0 and quality.max() < 1
    counts, _ = np.histogram(quality, 50, (0.0, 1.0))
    np.testing.assert_allclose(counts[24:26], 80 / (1 - 0.4), atol=2)
    np.testing.assert_allclose(counts[[0, -1]], 80 / (1 + 0.4), atol=2)
    assert abs(quality.mean() - 0.5) < 1e-3


def test_it_moves_the_codec_alone_and_carries_nothing():
    objective = RateDistortion(1.0, 1.0)
    assert [phase.players for phase in objective.phases] == [("codec",)]
    assert not objective.networks and objective.init() == ()
    forward = Forward(*[jnp.zeros((1, 2, 2, 3))] * 5)
    assert objective.update((), forward, forward) == ((), {})


def test_lambda_weighs_the_distortion_that_is_given():
    """L = lambda (1 - MS-SSIM) + bpp; the squared error is reported all the same."""
    rng = np.random.default_rng(2)
    image = jnp.asarray(rng.uniform(size=(2, 164, 168, 3)), jnp.float32)
    reconstruction = image + 0.1 * jnp.asarray(rng.normal(size=image.shape), jnp.float32)
    bits, quality = jnp.array([1e4, 3e4]), jnp.array([0.0, 1.0])
    objective = create({"first": 2.0, "last": 50.0, "distortion": "ms_ssim"}, {"targets_bpp": ()})
    assert objective == RateDistortion(2.0, 50.0, distortion=distortions.get("ms_ssim"))
    loss, metrics = loss_and_metrics(objective, image, reconstruction, bits, quality)
    similarity = np.asarray(ms_ssim.ms_ssim(image, reconstruction))
    bpp = np.asarray(bits) / (164 * 168)
    expected = np.mean(np.array([2.0, 50.0]) * (1 - similarity) + bpp)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_allclose(metrics["ms_ssim"], np.mean(similarity), rtol=1e-6)
    mse = np.mean((255 * (np.asarray(image, np.float64) - reconstruction)) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(metrics["mse_255"], np.mean(mse), rtol=1e-5)


def test_a_distortion_that_there_is_not_is_told():
    with pytest.raises(
        TrainingError, match="config.objective.distortion is 'msssim'; it must be one of .*ms_ssim"
    ):
        create({"first": 1.0, "last": 1.0, "distortion": "msssim"}, {"targets_bpp": ()})


def test_weights_that_a_distortion_lacks_are_told(monkeypatch):
    monkeypatch.delenv("JAXCODEC_LPIPS", raising=False)
    with pytest.raises(
        TrainingError, match="distortion is 'lpips_alex': LPIPS needs weights .* --lpips DIR"
    ):
        create({"first": 1.0, "last": 1.0, "distortion": "lpips_alex"}, {"targets_bpp": ()})


def brightness(image):
    """A density for the test below: ln p is the sum of an image."""
    return image.sum(axis=(1, 2, 3))


def test_distortions_are_weighed_by_how_likely_images_are():
    """p over the mean of p: what a likely image loses counts more, and lambda keeps its meaning."""
    image = jnp.array([0.0, 0.1, 0.3])[:, None, None, None] * jnp.ones((3, 2, 2, 3))
    reconstruction = image + jnp.array([0.1, 0.2, 0.3])[:, None, None, None]
    bits, quality = jnp.full(3, 8.0), jnp.zeros(3)
    objective = RateDistortion(2.0, 2.0, density=brightness)
    loss, metrics = loss_and_metrics(objective, image, reconstruction, bits, quality)
    p = np.exp(12 * np.array([0.0, 0.1, 0.3]))
    squares = (255 * np.array([0.1, 0.2, 0.3])) ** 2
    np.testing.assert_allclose(loss, 2 + 2 * np.mean(p / p.mean() * squares), rtol=1e-5)
    np.testing.assert_allclose(metrics["mse_255"], squares.mean(), rtol=1e-5)
    plain = loss_and_metrics(RateDistortion(2.0, 2.0), image, reconstruction, bits, quality)[0]
    even = objective._replace(density=lambda image: jnp.full(len(image), -1e4))
    found = loss_and_metrics(even, image, reconstruction, bits, quality)[0]
    np.testing.assert_allclose(found, plain, rtol=1e-6)


def test_a_density_goes_with_a_trade_off():
    settings = {"first": 1.0, "last": 1.0, "density_weight": brightness}
    assert create(settings, {"targets_bpp": ()}).density is brightness
    with pytest.raises(TrainingError, match="density_weight is .*, which goes with a trade-off"):
        create(settings, {"targets_bpp": (0.5,)})
