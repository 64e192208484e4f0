"""The losses of a model that is small enough to write out in float64, and the gradient of the
relaxed one.
"""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import encode
from jaxcodec.coding import container
from jaxcodec.refinement import problem, relaxations
from jaxcodec.refinement.criterion import Criterion
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.problem import Variables

TRADE_OFF, TAU, STEP = 0.01, 0.4, 0.8
HEIGHT, WIDTH = 3, 5  # of what counts, of 4 x 6 pixels
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (1, 4, 6, 3), np.uint8)
MEANS, COLOURS = RNG.normal(size=(2, 3)), RNG.normal(0, 0.3, (3, 3))
VARIABLES = Variables(RNG.normal(0, 2, (1, 4, 6, 3)), RNG.normal(0, 2, (1, 4, 6, 2)))
KEY = jax.random.key(3)
ANNEALING = relaxations.make("annealing")


def codec():
    """What `relaxed_loss` asks of a codec: one whose means are a product with the hyper-latent,
    which goes to no integers.
    """

    def quantised(params, latent, hyper, quality, quantise, step):
        rate_hyper, hyper_hat = quantise("hyper", hyper, 0.25)
        mean = hyper_hat @ params["means"] / step
        rate_latent, latent_hat = quantise("latent", latent / step, mean)
        bits = jnp.sum(jnp.log2(1 + (rate_latent - mean) ** 2)) + jnp.sum(
            jnp.log2(1 + (rate_hyper - 0.25) ** 2)
        )
        return latent_hat * step, bits[None]

    def synthesis(params, latent_hat, quality):
        return 0.5 + latent_hat @ params["colours"]

    def round_hyper(params, hyper):
        return jnp.round(hyper - 0.25).astype(jnp.int32)

    relaxed = types.SimpleNamespace(
        quantised=quantised, synthesis=synthesis, round_hyper=round_hyper
    )
    params = {
        "means": jnp.asarray(MEANS, jnp.float32),
        "colours": jnp.asarray(COLOURS, jnp.float32),
    }
    return types.SimpleNamespace(
        networks=types.SimpleNamespace(relaxed=relaxed), params=params, step=jnp.float32(STEP)
    )


def annealed(value):
    """Deterministic annealing, in float64."""
    u = np.clip(value - np.floor(value), 1e-5, 1 - 1e-5)
    return np.floor(value) + 1 / (1 + np.exp(-(np.arctanh(u) - np.arctanh(1 - u)) / TAU))


def expected(latent, hyper, *, grey=False, plain=False):
    """The relaxed loss, bits and error of that codec in float64."""
    hyper_hat = annealed(hyper - 0.25) + 0.25
    mean = hyper_hat @ MEANS / STEP
    latent_hat = annealed(latent / STEP) if plain else annealed(latent / STEP - mean) + mean
    bits = np.log2(1 + (latent_hat - mean) ** 2).sum() + np.log2(1 + (hyper_hat - 0.25) ** 2).sum()
    difference = PIXELS / 255 - (0.5 + latent_hat * STEP @ COLOURS)
    difference = difference.mean(axis=-1) if grey else difference
    error = 255**2 * (difference[:, :HEIGHT, :WIDTH] ** 2).mean()
    return TRADE_OFF * error + bits / (HEIGHT * WIDTH), bits, error


def relaxed_loss(variables, relaxation=ANNEALING, **settings):
    padded = PaddedImage(PIXELS, np.zeros(1, np.int32), jnp.int32(HEIGHT), jnp.int32(WIDTH))
    variables = jax.tree.map(lambda value: jnp.asarray(value, jnp.float32), variables)
    return problem.relaxed_loss(
        codec(), padded, variables, TRADE_OFF, relaxation, KEY, TAU, **settings
    )


@pytest.mark.parametrize("settings", [{}, {"grey": True}, {"plain": True}])
def test_it_is_the_loss_of_the_formula(settings):
    criterion = Criterion(grey=settings.get("grey", False))
    plain = settings.get("plain", False)
    loss, (bits, error) = relaxed_loss(VARIABLES, criterion=criterion, plain=plain)
    np.testing.assert_allclose((loss, bits, error), expected(*VARIABLES[:2], **settings), rtol=1e-4)


@pytest.mark.parametrize("plain", [False, True])
def test_its_gradient_is_that_of_the_formula(plain):
    """Of the hyper-latent too, where it goes through the mean that the latent is relaxed about."""
    gradient = jax.grad(lambda variables: relaxed_loss(variables, plain=plain)[0])(
        Variables(*map(jnp.float32, VARIABLES[:2]))
    )
    for name in ("latent", "hyper"):
        numeric = np.empty(getattr(VARIABLES, name).shape)
        for place in np.ndindex(numeric.shape):
            sides = []
            for change in (1e-6, -1e-6):
                moved = VARIABLES._asdict()
                moved[name] = moved[name].copy()
                moved[name][place] += change
                sides.append(expected(moved["latent"], moved["hyper"], plain=plain)[0])
            numeric[place] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(
            getattr(gradient, name), numeric, rtol=2e-3, atol=2e-3 * np.abs(numeric).max()
        )


def test_latent_and_hyper_latent_have_random_numbers_of_their_own():
    keys = []

    def relaxation(value, key, tau):
        keys.append(tuple(jax.random.key_data(key).tolist()))
        return value

    relaxed_loss(VARIABLES, relaxation)
    assert len(set(keys)) == 2


def test_on_a_plain_grid_what_is_measured_is_rounded_to_integers_too():
    padded = PaddedImage(PIXELS, np.zeros(1, np.int32), jnp.int32(HEIGHT), jnp.int32(WIDTH))
    measured = problem.measure(
        codec(), padded, Variables(*map(jnp.float32, VARIABLES[:2])), plain=True
    )
    latent, hyper_hat = np.round(VARIABLES.latent / STEP), np.round(VARIABLES.hyper - 0.25) + 0.25
    mean = hyper_hat @ MEANS / STEP
    bits = np.log2(1 + (latent - mean) ** 2).sum() + np.log2(1 + (hyper_hat - 0.25) ** 2).sum()
    pixels = np.round(255 * np.clip(0.5 + latent * STEP @ COLOURS, 0, 1))
    error = ((PIXELS - pixels)[:, :HEIGHT, :WIDTH] ** 2).mean()
    np.testing.assert_allclose((measured.bits, measured.mse_255), (bits, error), rtol=1e-4)
    np.testing.assert_array_equal(measured.symbols.latent, latent)


def test_the_true_bits_are_those_that_a_file_of_the_same_symbols_takes(photo):
    """Of the latent and of the hyper-latent, which takes 9 % of them."""
    codec, picture, quality = (
        small_codecs.build("tiny"),
        photo[:128, 192:320],
        np.array([5000], np.int32),
    )
    padded = PaddedImage(picture[None], quality, jnp.int32(128), jnp.int32(128))
    measured = jax.jit(lambda padded: problem.measure(codec, padded, problem.start(codec, padded)))(
        padded
    )
    _, parts, _ = container.read(encode(codec, picture, quality=50, coder="lanes"))
    assert float(measured.bits) == pytest.approx(8 * sum(map(len, parts)), rel=0.01, abs=32)
