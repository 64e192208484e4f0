"""A latent of few levels: soft in training, and in a file the bound that was promised."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxcodec
from jaxcodec import models
from jaxcodec.entropy.bounded import BoundedModel, centres, soft_assignment
from jaxcodec.entropy.surrogates import quantiser
from jaxcodec.errors import CodecFileError, RateError

DESCRIPTION = small_codecs.ALONE["bounded"]


@pytest.fixture(scope="module")
def codec():
    return small_codecs.build("bounded")


def test_centres_are_one_apart_about_zero():
    np.testing.assert_array_equal(centres(1), [0])
    np.testing.assert_array_equal(centres(2), [-0.5, 0.5])
    np.testing.assert_array_equal(centres(5), [-2, -1, 0, 1, 2])


@settings(deadline=None)
@given(st.integers(1, 9), st.floats(-6, 6, width=32), st.floats(0.25, 4))
def test_the_soft_assignment_is_that_of_the_formula(levels, value, sharpness):
    own = np.float64(centres(levels))
    weights = np.exp(-sharpness * (value - own) ** 2)
    found = soft_assignment(np.float32(value), levels, sharpness)
    np.testing.assert_allclose(found, weights @ own / weights.sum(), atol=1e-5)


def test_a_sharp_one_is_the_nearest_centre():
    values = np.linspace(-3, 3, 41, dtype=np.float32) + np.float32(0.013)
    nearest = centres(4)[np.abs(values[:, None] - centres(4)).argmin(axis=1)]
    np.testing.assert_allclose(soft_assignment(values, 4, 1e4), nearest, atol=1e-5)


def test_its_gradient_is_the_derivative_of_the_formula():
    """With two centres it is tanh(s y) / 2."""
    values, sharpness = jnp.linspace(-2, 2, 9), 1.5
    gradient = jax.vmap(jax.grad(lambda value: soft_assignment(value, 2, sharpness)))(values)
    np.testing.assert_allclose(
        gradient, sharpness / 2 / np.cosh(sharpness * values) ** 2, rtol=1e-4
    )


@pytest.mark.parametrize("hard", [False, True])
def test_training_sees_soft_centres_and_a_constant_rate(hard, photo):
    model = models.build(DESCRIPTION | {"hard": hard, "sharpness": 2.0})
    params, key = small_codecs.params("bounded"), jax.random.key(0)
    image = jnp.float32(photo[None, :64, :64]) / 255

    def run(kind):
        return model.apply(params, image, jnp.zeros(1), key, kind)

    output, rounded = run("noise"), run("round")
    nearest = np.clip(np.round(output.latent), -2, 2)
    np.testing.assert_array_equal(rounded.latent_hat, nearest)
    soft = soft_assignment(output.latent, 5, 2.0)
    np.testing.assert_allclose(output.latent_hat, nearest if hard else soft, atol=1e-6)
    np.testing.assert_allclose(output.bits, [np.log2(5) * output.latent.size], rtol=1e-5)

    def total(latent, weights):
        wanted = soft_assignment(latent, 5, 2.0)
        if hard:
            wanted = wanted + jax.lax.stop_gradient(nearest - wanted)
        return jnp.sum(weights * wanted)

    weights = jax.random.normal(key, output.latent.shape)

    def own(params):
        return jnp.sum(weights * model.apply(params, image, jnp.zeros(1), key, "noise").latent_hat)

    def by_hand(params):
        return total(model.apply(params, image, jnp.zeros(1), method="to_latent"), weights)

    found, expected = (jax.grad(each)(params)["params"]["analysis"] for each in (own, by_hand))
    for leaf, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert np.abs(wanted).max() > 0
        np.testing.assert_allclose(leaf, wanted, rtol=1e-3, atol=1e-5 * np.abs(wanted).max())


def test_a_file_weighs_the_bound_and_comes_back(codec, photo):
    pixels = photo[:512, :512]
    data = jaxcodec.encode(codec, pixels, effort=0)
    bound = 12 * 32 * 32 * np.log2(5) / 8
    header = 40
    assert bound <= len(data) <= 1.005 * bound + header
    decoded = jaxcodec.decode(codec, data)
    again = jaxcodec.decode(codec, jaxcodec.encode(codec, pixels, effort=0, coder="lanes"))
    np.testing.assert_array_equal(decoded, again)


def test_its_symbols_are_those_of_the_model(codec, photo):
    model, params = models.build(DESCRIPTION), small_codecs.params("bounded")
    image, quality = jnp.float32(photo[None, :64, :96]) / 255, jnp.zeros(1)
    latent = model.apply(params, image, quality, method="to_latent")
    symbols = model.apply(params, latent, None, quality, method="to_symbols")
    assert set(np.unique(symbols)) == {0, 1, 2, 3, 4}
    np.testing.assert_array_equal(symbols, np.clip(np.round(latent), -2, 2) + 2)
    found = model.apply(params, jnp.float32(symbols), (), quality, method="reconstruct")
    rounded = model.apply(params, image, quality, jax.random.key(0), "round").image
    np.testing.assert_allclose(found, rounded, atol=1e-5)
    coded = model.apply(
        params, latent, None, quality, quantiser("round", jax.random.key(0)), method="quantised"
    )
    np.testing.assert_array_equal(coded.latent_hat, symbols - 2.0)


@pytest.mark.parametrize("asked", [{"bpp": 0.1}, {"max_bytes": 500}, {"psnr": 30}])
def test_another_rate_is_one_clear_error(codec, photo, asked):
    with pytest.raises(RateError, match="5 levels has no other rate.* 2.32 bits; leave the rate"):
        jaxcodec.encode(codec, photo[:64, :64], **asked)


@pytest.mark.parametrize("levels", [0, 257, 2.5])
def test_levels_that_cannot_be_are_one_clear_error(levels):
    with pytest.raises(CodecFileError, match=f"1 to 256 levels, and not {levels}"):
        models.build(DESCRIPTION | {"levels": levels})


def test_one_level_says_nothing(photo):
    model = BoundedModel.order(models.build(DESCRIPTION | {"levels": 1}), None, None)
    assert model.levels == 1 and soft_assignment(np.float32(3), 1) == 0
