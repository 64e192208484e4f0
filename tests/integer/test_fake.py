import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxcodec import integer, models
from jaxcodec.entropy.conditional import scale_index
from jaxcodec.models import presets

import small_codecs

CONV = presets.mean_scale_model(8, 12)
CONV["hyper_synthesis"] |= {"features": (8, 24), "kernels": (3, 3), "strides": (2, 2)}
DESCRIPTIONS = small_codecs.DESCRIPTIONS | {"conv": CONV}
QUALITY = np.array([0, 3333, 10_000], np.int32)


def symbols(description):
    """Hyper-symbols and symbols of three pictures."""
    rng = np.random.default_rng(0)
    hyper = rng.integers(-9, 10, (3, 3, 4, description["hyper_channels"]), np.int32)
    return hyper, np.round(rng.normal(0, 4, (3, 12, 16, description["gains"]["channels"]))).astype(np.int32)


def scale_of(name, **settings):
    """A compiled function (params, hyper-symbols) -> scale, and random parameters."""
    description = DESCRIPTIONS[name]
    model = models.build(description).clone(**settings)
    fraction = QUALITY / np.float32(10_000)
    rng = np.random.default_rng(1)
    key = jax.random.key(0, impl="unsafe_rbg")
    shapes = jax.eval_shape(lambda: model.init(key, symbols(description)[0], fraction, method="scale"))
    params = jax.tree.map(lambda leaf: rng.normal(0, 0.6 * np.prod(leaf.shape[:-1]) ** -0.5, leaf.shape), shapes)
    params = jax.tree.map(np.float32, params)
    return jax.jit(lambda p, hyper: model.apply(p, hyper, fraction, method="scale")), params


def test_training_sees_as_much_rounding_as_the_integer_network_has(monkeypatch):
    name = "conv"
    monkeypatch.setattr(integer.calibrate, "search_factors", lambda places, bits: {})
    hyper, latent = symbols(DESCRIPTIONS[name])
    exact, params = scale_of(name)
    faked, _ = scale_of(name, fake_quantised=True)
    calibration = integer.Calibration(hyper, latent, QUALITY)
    chosen = integer.index(*integer.quantise_scale_path(DESCRIPTIONS[name], params, calibration), hyper, QUALITY)
    floats, fakes = (scale_index(scale(params, hyper)) for scale in (exact, faked))
    # Not the same rounding: ranges are those of what is rounded before, so every step differs a little.
    assert 0.01 < np.mean(floats != chosen) < 0.2
    assert 0.6 < np.mean(floats != fakes) / np.mean(floats != chosen) < 1.6


def test_the_weights_of_training_are_those_of_the_integer_network():
    hyper, latent = symbols(DESCRIPTIONS["one_quality"])  # a single layer, of exact symbols
    faked, params = scale_of("one_quality", fake_quantised=True)
    calibration = integer.Calibration(hyper, latent[:, :6, :8], QUALITY)
    chosen = integer.index(*integer.quantise_scale_path(DESCRIPTIONS["one_quality"], params, calibration), hyper, QUALITY)
    assert np.mean(scale_index(faked(params, hyper)) != chosen) < 0.01
    assert len(np.unique(chosen)) > 10


@pytest.mark.parametrize("name", ["conv", "one_quality"])
def test_gradients_pass_the_rounding(name):
    hyper, _ = symbols(DESCRIPTIONS[name])
    exact, params = scale_of(name)
    faked, _ = scale_of(name, fake_quantised=True)

    def gradient(scale):
        return jax.grad(lambda p: jnp.mean(jnp.tanh(scale(p, hyper))))(params)["params"]["hyper_synthesis"]

    for true, fake in zip(*map(jax.tree.leaves, (gradient(exact), gradient(faked))), strict=True):
        assert np.linalg.norm(fake - true) < 0.5 * np.linalg.norm(true)


def test_a_context_model_trains_with_fake_integers():
    description = DESCRIPTIONS["autoregressive"]
    model = models.build(description)
    image, quality, key = np.full((1, 64, 64, 3), 0.3, np.float32), np.zeros(1, np.float32), jax.random.key(0)
    params = small_codecs.params("autoregressive")

    def bits(fake, params):
        return model.clone(fake_quantised=fake).apply(params, image, quality, key).bits[0]

    true, fake = (jax.jit(lambda p, fake=fake: bits(fake, p))(params) for fake in (False, True))
    assert true != fake
    assert abs(fake / true - 1) < 0.05
