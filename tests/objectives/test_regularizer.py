"""The information-theoretic regularizer: its gradients, its controls, what theory knows of it."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxcodec import distortions, objectives
from jaxcodec.entropy import source as source_models
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.entropy.output import Output
from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import mean_scale_model
from jaxcodec.objectives import Forward, RateDistortion, TargetRate, controller, regularizer
from jaxcodec.objectives.regularizer import SOURCE, Regularized
from jaxcodec.training import state as train_state
from jaxcodec.training.forward import forward_pass
from jaxcodec.training.train_step import make_train_step

PLAIN = RateDistortion(0.002, 0.1, balance=0.5)
SETTINGS = {"alpha": 0.01, "source": "aligned", "features": 4, "fold": 1, "learning_rate": 1e-3,
            "clip": 1.0, "control": "none"}  # fmt: skip


def regularized(alpha, kind="hyper", objective=PLAIN):
    return Regularized(objective, alpha, source_models.KINDS[kind](features=4, points=2))


@pytest.fixture(scope="module")
def crops():
    return scalar_images(1)[0]


def players_of(objective):
    image, quality = jnp.zeros((1, 32, 32, 3)), jnp.zeros(1)
    forward = Forward(image, quality, image, quality, quality)
    others = {
        name: network.init(jax.random.key(2), forward)
        for name, network in objective.networks.items()
    }
    return {"codec": {"params": {"log_gain": jnp.float32(0.1)}}} | others


def pass_of(params, crops, quality=(0.1, 0.4, 0.6, 0.9)):
    image, quality = jnp.float32(crops) / 255, jnp.array(quality)
    return forward_pass(Scalar(), params, image, quality, jax.random.key(3), "noise")


def gradients_of(objective, params, crops, players=("codec", SOURCE)):
    """Those of the one loss, by the parameters of these players."""

    def loss(own):
        seen = params | own
        return objective.phases[0].loss(
            seen, pass_of(seen["codec"], crops), jax.random.key(0), objective.init()
        )[0]

    return jax.jit(jax.grad(loss))({name: params[name] for name in players})


def assert_close(found, expected, tolerance):
    """Up to a part of the norm."""
    difference = jax.tree.map(jnp.subtract, found, expected)
    assert optax.tree.norm(difference) <= tolerance * optax.tree.norm(expected)


SIGMA_OF_160 = np.array([0, 0, 0, 3, 3, 3.0])
"""Added to the last bias of a source model."""

SPREAD = 24.0
"""Grey levels that a standard deviation of the scalar source takes."""


class Scalar(nn.Module):
    """A codec of samples N(0, 1): one gain, uniform noise, linear synthesis, a Gaussian prior."""

    @nn.compact
    def __call__(self, image, quality, key, kind="noise"):
        gain = jnp.exp(self.param("log_gain", nn.initializers.zeros, ()))
        latent = gain * (255 * image - 128) / SPREAD
        noisy = latent + jax.random.uniform(key, latent.shape, minval=-0.5, maxval=0.5)
        variance = gain**2 + 1 / 12
        nats = 0.5 * (jnp.log(2 * jnp.pi * variance) + noisy**2 / variance)
        bits = jnp.sum(nats, axis=(1, 2, 3)) / math.log(2)
        return Output((SPREAD * noisy / gain + 128) / 255, bits, jnp.zeros_like(bits))


class Linear(nn.Module):
    """A source model with a factor and a sigma."""

    @nn.compact
    def __call__(self, image, reconstruction, quality):
        factor = self.param("factor", nn.initializers.ones, ())
        sigma = 8 * jnp.exp(self.param("log_sigma", nn.initializers.zeros, ()))
        difference = 255 * image - 128 - factor * (255 * reconstruction - 128)
        bits = -jnp.log2(gaussian_likelihood(difference, sigma))
        return jnp.sum(bits, axis=(1, 2, 3)) / (image.shape[1] * image.shape[2])


def scalar_images(count=40):
    samples = np.random.default_rng(0).normal(size=(count, 4, 32, 32, 3))
    return np.clip(np.round(128 + SPREAD * samples), 0, 255).astype(np.uint8)


# ---------------------------------------------------------------- the gradients


@pytest.mark.parametrize("kind", source_models.KINDS)
def test_one_backward_pass_gives_the_gradients_of_both_stages(kind):
    """Equations 12 and 13 of the paper, each differentiated by itself, in float64."""
    with jax.enable_x64(True):
        alpha, objective = 0.3, regularized(0.3, kind)
        image = jnp.asarray(scalar_images(1)[0, :, :8, :8] / 255)
        quality, key = jnp.array([0.1, 0.4, 0.6, 0.9]), jax.random.key(3)
        codec = {"params": {"log_gain": jnp.asarray(0.1)}}
        forward = forward_pass(Scalar(), codec, image, quality, key, "noise")
        # Sigmas of 160: no mass is at its bound, where a sign in the loss does not serve.
        source = jax.tree.map(
            lambda leaf: np.float64(leaf) + (SIGMA_OF_160 if leaf.shape == (6,) else 0.05),
            objective.networks[SOURCE].init(jax.random.key(2), forward),
        )
        params = {"codec": codec, SOURCE: source}

        def run(codec_params):
            return forward_pass(Scalar(), codec_params, image, quality, key, "noise")

        def source_bpp(source_params, forward):
            return objective.source.apply(
                source_params, forward.image, forward.reconstruction, forward.quality
            )

        def both(params):
            return objective.loss(params, run(params["codec"]), key, ())[0]

        def codec_stage(codec_params):
            forward = run(codec_params)
            loss, _ = PLAIN.loss({}, forward, key, ())
            weight = (PLAIN.trade_off(forward.quality) / math.sqrt(0.002 * 0.1)) ** -0.5
            frozen = jax.lax.stop_gradient(source)
            return loss - jnp.mean(weight * alpha * source_bpp(frozen, forward))

        def source_stage(source_params):
            return jnp.mean(source_bpp(source_params, jax.lax.stop_gradient(run(params["codec"]))))

        found = jax.grad(both)(params)
        assert_close(found["codec"], jax.grad(codec_stage)(params["codec"]), 1e-9)
        assert_close(found[SOURCE], jax.grad(source_stage)(source), 1e-9)


def test_neither_player_sees_the_other_s_loss(crops):
    """Exactly: without alpha the codec has its own gradient, and alpha never reaches the source."""
    params = players_of(regularized(0.0))
    none, large = (gradients_of(regularized(alpha), params, crops) for alpha in (0.0, 5.0))
    plain = gradients_of(PLAIN, params, crops, ("codec",))
    jax.tree.map(np.testing.assert_array_equal, none["codec"], plain["codec"])
    jax.tree.map(np.testing.assert_array_equal, none[SOURCE], large[SOURCE])


def test_a_bounded_likelihood_still_pushes_where_a_sign_in_the_loss_would_not():
    """The reconstruction is 52 grey levels off, 6.5 sigma: the mass is at its bound."""

    def source_bpp(reconstruction):
        return -jnp.log2(gaussian_likelihood(-255 * reconstruction, jnp.float32(8)))

    alpha, at = 0.2, jnp.float32(52 / 255)
    slope = jax.grad(source_bpp)(at)
    assert slope > 0
    turned = jax.grad(lambda x: source_bpp(regularizer.reverse_gradient(x, alpha)))(at)
    assert turned == -alpha * slope
    assert jax.grad(lambda x: -alpha * source_bpp(x))(at) == 0


# ---------------------------------------------------------------- what theory knows


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_rate_and_conditional_entropy_add_up_to_the_same_at_every_gain(gain):
    """H(U) + H(X | X^) = H(X), up to what a uniform noise adds to all: 0 bits, log2 of its width.

    Rate and source_bpp are those of the toy codec and of the best source model for it.
    """
    image, params = jnp.float32(scalar_images(8).reshape(-1, 32, 32, 3)) / 255, np.log(gain)
    forward = forward_pass(
        Scalar(), {"params": {"log_gain": params}}, image, jnp.zeros(len(image)),
        jax.random.key(1), "noise",
    )  # fmt: skip
    deviation = SPREAD / math.sqrt(1 + 12 * gain**2)
    best = {"factor": 1 / (1 + 1 / (12 * gain**2)), "log_sigma": math.log(deviation / 8)}
    source_bpp = Linear().apply({"params": best}, image, forward.reconstruction, forward.quality)
    rate = 1.5 * math.log2(2 * math.pi * math.e * (gain**2 + 1 / 12))
    conditional = 1.5 * math.log2(2 * math.pi * math.e * deviation**2)
    assert float(forward.bpp.mean()) == pytest.approx(rate, abs=0.02)
    assert float(source_bpp.mean()) == pytest.approx(conditional, abs=0.02)
    both = 3 * math.log2(2 * math.pi * math.e * SPREAD / math.sqrt(12))
    assert rate + conditional == pytest.approx(both, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_training_lands_on_the_gain_that_the_closed_form_gives(alpha):
    """(1 + alpha) 6 / (ln 2 (12 g^2 + 1)) = lambda / (12 g^4), with the real step, q learned."""
    trade_off = 8.0  # in bits of a sample and squared units of the source
    plain = RateDistortion(*[3 * trade_off / SPREAD**2] * 2)
    objective = Regularized(plain, alpha, Linear(), learning_rate=0.02) if alpha else plain
    rate = optax.exponential_decay(0.02, 100, 0.4)
    step = jax.jit(
        make_train_step(
            Scalar(), objective, optax.adam(rate), surrogate="noise", seed=2, average_decay=0.97
        )
    )
    state = train_state.create(Scalar(), objective, optax.adam(rate), 32, seed=2)
    images = scalar_images()
    for number in range(400):
        state, metrics = step(state, images[number % len(images)])
    assert metrics["finite"] == 1
    gain = math.exp(float(state.codec.average["params"]["log_gain"]))
    roots = np.roots([72 * (1 + alpha) / math.log(2), 0, -12 * trade_off, 0, -trade_off])
    expected = max(root.real for root in roots if abs(root.imag) < 1e-9)
    assert gain == pytest.approx(expected, rel=0.01)


# ---------------------------------------------------------------- controls, metrics, errors


def test_the_control_without_a_model_is_the_logarithm_of_the_error(crops):
    alpha = 0.2
    control = Regularized(PLAIN, alpha, None)
    assert control.networks == {} and control.phases[0].players == ("codec",)
    params = players_of(PLAIN)

    def by_hand(codec_params):
        forward = pass_of(codec_params, crops)
        loss, _ = PLAIN.loss({}, forward, jax.random.key(0), ())
        squares = jnp.mean((255 * (forward.image - forward.reconstruction)) ** 2, axis=(1, 2, 3))
        weight = PLAIN.weight(forward.quality)
        return loss - alpha * jnp.mean(weight * 1.5 * jnp.log2(squares))

    found = gradients_of(control, params, crops, ("codec",))["codec"]
    assert_close(found, jax.jit(jax.grad(by_hand))(params["codec"]), 2e-6)


def test_the_control_of_the_trade_off_is_a_smaller_lambda():
    made = regularizer.create(PLAIN, SETTINGS | {"control": "trade_off", "alpha": 0.25}, {})
    assert made == RateDistortion(0.0016, 0.08, balance=0.5)


def test_alpha_0_leaves_the_objective_as_it_is():
    assert regularizer.create(PLAIN, SETTINGS | {"alpha": 0.0}, {}) is PLAIN


@pytest.mark.parametrize(
    ("source", "entropy", "kind"),
    [
        ("aligned", "mean_scale", source_models.HyperSource),
        ("aligned", "checkerboard", source_models.ContextSource),
        ("context", "mean_scale", source_models.ContextSource),
        ("hyper", "autoregressive", source_models.HyperSource),
    ],
)
def test_any_source_model_goes_with_any_codec(source, entropy, kind):
    description = mean_scale_model(4, 6) | {"entropy": entropy}
    made = regularizer.create(PLAIN, SETTINGS | {"source": source}, description)
    assert type(made.source) is kind
    assert (made.alpha, made.clip, made.objective) == (0.01, 1.0, PLAIN)


def test_metrics_in_training_and_validation(crops):
    objective = regularized(0.05)
    params = players_of(objective)
    forward = pass_of(params["codec"], crops)
    _, metrics = objective.loss(params, forward, jax.random.key(0), ())
    plain = PLAIN.measure(forward)
    validated = objective.validate(params, forward, ())
    own = {"source_bpp", "regularizer_bpp", "trade_off_effective"}
    assert set(metrics) == set(validated) == set(plain) | own
    for name in plain:
        np.testing.assert_array_equal(metrics[name], plain[name])
        np.testing.assert_array_equal(validated[name], plain[name])
    for name in own:
        np.testing.assert_allclose(validated[name], metrics[name], rtol=1e-6)
    source_bpp = objective.source.apply(
        params[SOURCE], forward.image, forward.reconstruction, forward.quality
    )
    np.testing.assert_allclose(metrics["source_bpp"], source_bpp.mean(), rtol=1e-6)
    np.testing.assert_allclose(metrics["regularizer_bpp"], 0.05 * source_bpp.mean(), rtol=1e-6)
    squares = np.mean(np.square(255 * (forward.image - forward.reconstruction)), axis=(1, 2, 3))
    left = PLAIN.trade_off(forward.quality) - 3 * 0.05 / (2 * math.log(2) * squares)
    np.testing.assert_allclose(metrics["trade_off_effective"], left.mean(), rtol=1e-4)


def test_another_distortion_has_no_effective_lambda(crops):
    objective = regularized(0.05, objective=PLAIN._replace(distortion=distortions.get("ssim")))
    params = players_of(objective)
    _, metrics = objective.loss(params, pass_of(params["codec"], crops), jax.random.key(0), ())
    assert "source_bpp" in metrics and "trade_off_effective" not in metrics


def test_of_a_target_rate_a_bit_is_worth_what_it_saves_at_high_rate(crops):
    """There D = c 2^(-2 R / 3), R in bits of three channels: dD/dR = -(2 ln 2 / 3) D."""
    rate = TargetRate((0.5, 1.0), controller.create((0.5, 1.0), beta=(1.0, 4.0)), balance=1.0)
    objective = regularized(0.1, objective=rate)
    params = players_of(objective)
    forward = pass_of(params["codec"], crops, (0.0, 1.0, 0.0, 1.0))
    squares = np.mean(np.square(255 * (forward.image - forward.reconstruction)), axis=(1, 2, 3))
    weight = np.array([2.5, 2.5 / 4, 2.5, 2.5 / 4])
    found = rate.bit_weight(forward, rate.init())
    np.testing.assert_allclose(found, weight * 2 * math.log(2) / 3 * squares, rtol=1e-4)
    _, metrics = objective.loss(params, forward, jax.random.key(0), objective.init())
    assert {"source_bpp", "beta"} <= set(metrics) and "trade_off_effective" not in metrics


class Own:
    """An objective that says nothing of its bits."""


class Named(Own):
    """An objective with a network of the source model's name."""

    networks = {"source": None}

    def bit_weight(self, forward, carry):
        return 1.0


@pytest.mark.parametrize(
    ("objective", "settings", "message"),
    [
        (Named(), {}, "has a network 'source' of its own"),
        (PLAIN, {"control": "log_mse", "source": "hyper"}, "config.regularizer.source is 'hyper'"),
        (PLAIN, {"control": "trade_off", "source": "context"}, "'context'; leave one of them out"),
        (Own(), {"control": "trade_off"}, "needs a lambda"),
        (Own(), {}, "has no `bit_weight`"),
    ],
)
def test_what_does_not_go_together_is_told(objective, settings, message):
    with pytest.raises(TrainingError, match=message):
        regularizer.create(objective, SETTINGS | settings, {})


def test_the_objective_of_a_config_has_it():
    made = objectives.create(
        {"first": 0.002, "last": 0.1}, {"targets_bpp": ()}, SETTINGS, mean_scale_model(4, 6)
    )
    assert isinstance(made, Regularized)
    assert made.phases[0].players == ("codec", "source")
    assert set(made.networks) == {"source"}
