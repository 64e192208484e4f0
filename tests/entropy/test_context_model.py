"""Models with a context: what symbols are coded under, and whether a decoder can know it."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxcodec import models

HEIGHT, WIDTH, CHANNELS = 4, 6, 3
KEY = jax.random.key(
    0, impl="unsafe_rbg"
)  # compiles several times faster than the default generator


def description(entropy, mixture=1, scale_form="linear"):
    def layer(kind, features, kernel, stride):
        return {"kind": kind, "features": (features,), "kernels": (kernel,), "strides": (stride,)}

    return {
        "entropy": entropy,
        "mixture": mixture,
        "scale_form": scale_form,
        "hyper_channels": 2,
        "gains": {"channels": CHANNELS},
        "analysis": layer("conv_analysis", CHANNELS, 5, 8),
        "synthesis": layer("conv_synthesis", 3, 5, 8),
        "hyper_analysis": layer("conv_analysis", 2, 3, 2),
        "hyper_synthesis": layer("conv_synthesis", 2 * CHANNELS, 3, 2),
    }


def build(*settings):
    """A model, parameters away from their start, hyper-symbols and symbols."""
    model = models.build(description(*settings))
    image, quality = jnp.zeros((1, 8 * HEIGHT, 8 * WIDTH, 3)), jnp.zeros(1)
    start = jax.jit(model.init)(KEY, image, quality, KEY)
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda leaf: leaf + rng.normal(0, 0.1, leaf.shape).astype(np.float32), start
    )
    hyper = rng.integers(-3, 4, (1, HEIGHT // 2, WIDTH // 2, 2), np.int32)
    symbols = rng.integers(-4, 5, (1, HEIGHT, WIDTH, CHANNELS), np.int32)
    apply = jax.jit(
        lambda hyper, symbols: model.apply(
            params, hyper, symbols, quality, method="parameters_parallel"
        )
    )
    return apply, hyper, symbols


def order(pattern):
    """The places in the order of decoding; those of one pass of the checkerboard stand together."""
    places = list(itertools.product(range(HEIGHT), range(WIDTH)))
    return (
        places if pattern == "autoregressive" else sorted(places, key=lambda place: sum(place) % 2)
    )


@pytest.mark.parametrize("pattern", ["autoregressive", "checkerboard"])
def test_a_decoder_knows_what_each_symbol_is_coded_under(pattern):
    """Decoding place by place from nothing gives the parameters that the encoder had all at
    once.
    """
    apply, hyper, symbols = build(pattern, 3, "log")
    together = apply(hyper, symbols)
    known = np.zeros_like(symbols)
    for place in order(pattern):
        for part, whole in zip(apply(hyper, known), together, strict=True):
            np.testing.assert_array_equal(part[:, 0, *place], whole[:, 0, *place])
        known[:, *place] = symbols[:, *place]


@pytest.mark.parametrize("pattern", ["autoregressive", "checkerboard"])
def test_the_context_is_used(pattern):
    apply, hyper, symbols = build(pattern)
    changed = symbols.copy()
    changed[0, 1, 1] += 3
    moved = np.any(apply(hyper, changed)[0] != apply(hyper, symbols)[0], axis=(0, 3))
    assert not moved[1, 1]
    assert moved[1, 2] and moved[2, 1]


def test_weights_sum_to_one_and_scales_in_logarithms_are_positive():
    apply, hyper, symbols = build("autoregressive", 3, "log")
    mean, scale, weight = apply(hyper, symbols)
    assert mean.shape == scale.shape == weight.shape == (3, 1, HEIGHT, WIDTH, CHANNELS)
    np.testing.assert_allclose(weight.sum(axis=0), 1, rtol=1e-5)
    assert (scale > 0).all()


@pytest.mark.parametrize("scale_form", ["linear", "log"])
def test_components_start_as_different_gaussians_around_zero(scale_form):
    model = models.build(description("autoregressive", 3, scale_form))
    image, quality = jnp.zeros((1, 16, 16, 3)), jnp.zeros(1)
    params = jax.jit(model.init)(KEY, image, quality, KEY)
    zeros = jnp.zeros((1, 1, 1, 2), jnp.int32), jnp.zeros((1, 2, 2, CHANNELS), jnp.int32)
    mean, scale, weight = model.apply(params, *zeros, quality, method="parameters_parallel")
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_allclose(scale[:, 0, 0, 0, 0], [0.5, 1, 2], rtol=1e-5)
    np.testing.assert_allclose(weight, 1 / 3, rtol=1e-5)


@pytest.mark.long_but("settings1")
@pytest.mark.parametrize("settings", [("autoregressive", 1, "linear"), ("checkerboard", 3, "log")])
def test_a_few_steps_lower_the_loss(settings, photo):
    model = models.build(
        description(*settings) | {"gains": {"channels": CHANNELS, "points": 1, "first": 8.0}}
    )
    images = jnp.asarray(photo[None, 100:148, 200:248], jnp.float32) / 255
    quality = jnp.zeros(1)
    params = jax.jit(model.init)(KEY, images, quality, KEY)
    optimiser = optax.adam(3e-3)

    def loss(params, key):
        output = model.apply(params, images, quality, key, kind="mixed")
        return (
            500 * jnp.mean((output.image - images) ** 2)
            + output.bits.sum() / images[0, ..., 0].size
        )

    @jax.jit
    def step(carry, key):
        params, state = carry
        value, gradients = jax.value_and_grad(loss)(params, key)
        updates, state = optimiser.update(gradients, state)
        return (optax.apply_updates(params, updates), state), value

    _, values = jax.lax.scan(step, (params, optimiser.init(params)), jax.random.split(KEY, 60))
    assert jnp.isfinite(values).all()
    assert values[-5:].mean() < 0.7 * values[:5].mean()
