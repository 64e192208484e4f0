import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.entropy.distributions.gaussian import scale_index
from jaxcodec.entropy.hyperprior import table_index
from jaxcodec.integer import calibrate, fake
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.models import presets
from jaxcodec.transforms.layers import Conv

CONV = presets.mean_scale_model(8, 12)
CONV["hyper_synthesis"] |= {"features": (8, 24), "kernels": (3, 3), "strides": (2, 2)}
DESCRIPTIONS = small_codecs.DESCRIPTIONS | {"conv": CONV}
QUALITY = np.array([0, 3333, 10_000], np.int32)


def symbols(description):
    """Hyper-symbols and symbols of three pictures."""
    rng = np.random.default_rng(0)
    hyper = rng.integers(-9, 10, (3, 3, 4, description["hyper_channels"]), np.int32)
    return hyper, np.round(rng.normal(0, 4, (3, 12, 16, description["gains"]["channels"]))).astype(
        np.int32
    )


def scale_of(name, **settings):
    """A compiled function (params, hyper-symbols) -> scale, and random parameters."""
    description = DESCRIPTIONS[name]
    model = models.build(description).clone(**settings)
    fraction = QUALITY / np.float32(10_000)
    rng = np.random.default_rng(1)
    key = jax.random.key(0, impl="unsafe_rbg")
    shapes = jax.eval_shape(
        lambda: model.init(key, symbols(description)[0], fraction, method="scale")
    )
    params = jax.tree.map(
        lambda leaf: rng.normal(0, 0.6 * np.prod(leaf.shape[:-1]) ** -0.5, leaf.shape), shapes
    )
    params = jax.tree.map(np.float32, params)
    return jax.jit(lambda p, hyper: model.apply(p, hyper, fraction, method="scale")), params


def chosen_tables(name, params, calibration):
    """What the integer network of a model chooses for the hyper-symbols of a calibration."""
    model = models.build(DESCRIPTIONS[name])
    symbols, key = calibration.hyper_symbols, jax.random.key(0, impl="unsafe_rbg")
    prior = model.init(key, symbols, method="prior_likelihood")["params"]
    frozen = model.freeze({"params": {**params["params"], **prior}}, calibration)
    return table_index(frozen.spec, frozen.arrays, calibration.hyper_symbols, QUALITY)


def test_training_sees_as_much_rounding_as_the_integer_network_has(monkeypatch):
    name = "conv"
    monkeypatch.setattr(calibrate, "search_factors", lambda places, bits: {})
    hyper, latent = symbols(DESCRIPTIONS[name])
    exact, params = scale_of(name)
    faked, _ = scale_of(name, fake_quantised=True)
    chosen = chosen_tables(name, params, Calibration(hyper, latent, QUALITY))
    floats, fakes = (scale_index(scale(params, hyper)) for scale in (exact, faked))
    # Not the same rounding: ranges are those of what is rounded before, so every step differs a
    # little.
    assert 0.01 < np.mean(floats != chosen) < 0.2
    assert 0.6 < np.mean(floats != fakes) / np.mean(floats != chosen) < 1.6


def test_the_weights_of_training_are_those_of_the_integer_network():
    hyper, latent = symbols(DESCRIPTIONS["one_quality"])  # a single layer, of exact symbols
    faked, params = scale_of("one_quality", fake_quantised=True)
    calibration = Calibration(hyper, latent[:, :6, :8], QUALITY)
    chosen = chosen_tables("one_quality", params, calibration)
    assert np.mean(scale_index(faked(params, hyper)) != chosen) < 0.01
    assert len(np.unique(chosen)) > 10


def test_inputs_and_weights_are_rounded_as_told():
    """Inputs to 255 steps of each channel's range, zero within; weights, times the step that they
    meet, to 127 of the largest.
    """
    rng = np.random.default_rng(0)
    x = rng.uniform([-3.0, 0.5, -2.0], [1.0, 4.0, -0.5], (2, 4, 4, 3)).astype(np.float32)
    layer = Conv(2, 1)
    kernel, bias = (
        rng.normal(size=(1, 1, 3, 2)).astype(np.float32),
        np.array([0.25, -1.0], np.float32),
    )
    call = lambda module, x: fake.quantised(module, takes_symbols=False)(x)  # noqa: E731
    got = nn.apply(call, layer)({"params": {"kernel": kernel, "bias": bias}}, x)
    flat = x.reshape(-1, 3).astype(np.float64)
    step = (np.maximum(flat.max(axis=0), 0) - np.minimum(flat.min(axis=0), 0)) / 255
    folded = kernel[0, 0].astype(np.float64) * step[:, None]
    unit = np.abs(folded).max(axis=0) / 127
    codes, weights = np.round(x / step), np.round(folded / unit)
    np.testing.assert_allclose(got, codes @ weights * unit + bias, rtol=1e-4, atol=1e-3)
    assert np.abs(got - (x @ kernel[0, 0] + bias)).max() > 5e-3  # the rounding is seen
    exact = nn.apply(lambda module, x: fake.quantised(module)(x), layer)(
        {"params": {"kernel": kernel, "bias": bias}}, x
    )
    weights = (
        np.round(kernel[0, 0] / (np.abs(kernel[0, 0]).max(axis=0) / 127))
        * np.abs(kernel[0, 0]).max(axis=0)
        / 127
    )
    np.testing.assert_allclose(exact, x @ weights + bias, rtol=1e-4, atol=1e-5)


def test_only_the_first_layer_takes_its_input_as_it_is():
    rng = np.random.default_rng(1)
    x = rng.integers(-5, 6, (1, 4, 4, 3)).astype(np.float32)
    kernels = [rng.normal(size=(1, 1, 3, 3)).astype(np.float32) for _ in range(2)]
    params = {
        f"layers_{i}": {"kernel": kernel, "bias": np.zeros(3, np.float32)}
        for i, kernel in enumerate(kernels)
    }
    got = nn.apply(
        lambda module: fake.quantised(module)(x), nn.Sequential([Conv(3, 1), Conv(3, 1)])
    )({"params": params})
    first, second = (kernel[0, 0].astype(np.float64) for kernel in kernels)
    unit = np.abs(first).max(axis=0) / 127
    between = x @ (np.round(first / unit) * unit)
    flat = between.reshape(-1, 3)
    step = (np.maximum(flat.max(axis=0), 0) - np.minimum(flat.min(axis=0), 0)) / 255
    folded = second * step[:, None]
    unit = np.abs(folded).max(axis=0) / 127
    weights = np.round(folded / unit) * unit
    rounded, exact = np.round(between / step) @ weights, between / step @ weights
    # A value or two may be rounded the other way in float32.
    assert np.abs(got - rounded).mean() < 0.05 * np.abs(exact - rounded).mean()


def test_the_gradient_of_a_weight_is_that_of_the_input_it_meets():
    """Straight through the rounding of weights, and no more: their unit, which hangs on the
    largest, is a constant.
    """
    rng = np.random.default_rng(2)
    x = rng.integers(-5, 6, (1, 4, 4, 3)).astype(np.float32)
    params = {
        "kernel": rng.normal(size=(1, 1, 3, 2)).astype(np.float32),
        "bias": np.zeros(2, np.float32),
    }
    run = nn.apply(lambda module: fake.quantised(module)(x), Conv(2, 1))
    gradient = jax.grad(lambda params: run({"params": params}).sum())(params)
    expected = np.repeat(x.sum(axis=(0, 1, 2))[:, None], 2, axis=1)
    np.testing.assert_allclose(gradient["kernel"][0, 0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["conv", "one_quality"])
def test_gradients_pass_the_rounding(name):
    hyper, _ = symbols(DESCRIPTIONS[name])
    exact, params = scale_of(name)
    faked, _ = scale_of(name, fake_quantised=True)

    def gradient(scale):
        return jax.grad(lambda p: jnp.mean(jnp.tanh(scale(p, hyper))))(params)["params"][
            "hyper_synthesis"
        ]

    for true, near in zip(*map(jax.tree.leaves, (gradient(exact), gradient(faked))), strict=True):
        assert np.linalg.norm(near - true) < 0.5 * np.linalg.norm(true)


def test_a_context_model_trains_with_fake_integers():
    description = DESCRIPTIONS["autoregressive"]
    model = models.build(description)
    image, quality, key = (
        np.full((1, 64, 64, 3), 0.3, np.float32),
        np.zeros(1, np.float32),
        jax.random.key(0),
    )
    params = small_codecs.params("autoregressive")

    def bits(fake, params):
        return model.clone(fake_quantised=fake).apply(params, image, quality, key).bits[0]

    true, fake = (jax.jit(lambda p, fake=fake: bits(fake, p))(params) for fake in (False, True))
    assert true != fake
    assert abs(fake / true - 1) < 0.05
