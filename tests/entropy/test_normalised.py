"""The normalised latent: one static table, and nothing computed that a table depends on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec import models
from jaxcodec.codec.value import at_step, create
from jaxcodec.coding import quantiser_step, step_tables
from jaxcodec.coding.make_tables import laplace_table
from jaxcodec.entropy.distributions.laplace import UNIT_SCALE, laplace_log_mass
from jaxcodec.entropy.order import STATIC
from jaxcodec.entropy.surrogates import quantiser
from jaxcodec.errors import CodecFileError, TrainingError
from jaxcodec.training.config import check, default_config

MODEL = models.build(small_codecs.DESCRIPTIONS["normalised"])


@pytest.fixture(scope="module")
def codec():
    return small_codecs.build("normalised")


@pytest.fixture(scope="module")
def moments(photo):
    """Latent, mean and sigma of a picture, and the variables."""
    params = small_codecs.params("normalised")
    image, quality = jnp.float32(photo[None, :64, :96]) / 255, jnp.zeros(1)
    latent = MODEL.apply(params, image, quality, method="to_latent")
    hyper = MODEL.apply(params, latent, quality, method="to_hyper_symbols")
    mean, sigma = MODEL.apply(params, hyper, quality, method="centre")
    return params, latent, hyper, mean, sigma


def test_symbols_are_of_the_normalised_latent(moments):
    params, latent, hyper, mean, sigma = moments
    assert sigma.min() >= 1e-3 and sigma.std() > 0 and mean.std() > 0
    symbols = MODEL.apply(params, latent, hyper, jnp.zeros(1), method="to_symbols")
    np.testing.assert_array_equal(symbols, np.round((latent - mean) / sigma))
    assert np.unique(symbols).size > 3


@pytest.mark.parametrize("step", [1.0, 0.5, 2.0])
def test_the_rate_is_that_of_a_laplace_of_variance_1(moments, step):
    params, latent, _, _, _ = moments
    quantise, quality = quantiser("round", jax.random.key(0)), jnp.zeros(1)
    hyper = MODEL.apply(params, latent, quality, method="to_hyper_latent")
    coded = MODEL.apply(params, latent, hyper, quality, quantise, step, method="quantised")
    mean, sigma = MODEL.apply(
        params, MODEL.apply(params, hyper, method="round_hyper"), quality, method="centre"
    )
    symbols = np.round((latent - mean) / sigma / step)
    np.testing.assert_allclose(coded.latent_hat, symbols * step * sigma + mean, atol=2e-4)
    log_p = laplace_log_mass(jnp.float32(symbols), UNIT_SCALE / step)
    bits = -np.sum(np.asarray(log_p, np.float64)) / np.log(2)
    np.testing.assert_allclose(coded.bits - coded.side_bits, [bits], rtol=1e-4)


def test_a_latent_far_from_its_mean_still_has_a_gradient():
    """A hundred sigmas off: the likelihood is zero in float32, its logarithm is not."""
    quantise = quantiser("round", jax.random.key(0))
    params = small_codecs.params("normalised")
    hyper = jnp.zeros((1, 2, 2, 4))

    def bits(latent):
        coded = MODEL.apply(params, latent, hyper, jnp.zeros(1), quantise, method="quantised")
        return coded.bits[0]

    latent = jnp.full((1, 4, 4, 6), 300.0)
    value, gradient = jax.value_and_grad(bits)(latent)
    assert np.isfinite(value) and value > 1000
    assert np.isfinite(gradient).all() and np.all(gradient > 0)


def test_the_table_is_that_of_the_distribution():
    """17 values and the least escape that there is, of a tail of 6e-6; made in float64."""
    table = laplace_table(UNIT_SCALE)
    counts = table.counts(0)
    assert (len(counts) - 1, table.minimum[0]) == (17, -8)
    expected = np.exp(np.asarray(laplace_log_mass(jnp.arange(-8.0, 9.0)), np.float64))
    np.testing.assert_allclose(counts[:-1] / 2**table.precision, expected, atol=2e-5)
    assert counts[-1] == 1
    assert np.exp(-8.5 / UNIT_SCALE) == pytest.approx(6.0e-6, rel=0.01)


@pytest.mark.parametrize("step", [2.0, 1.5, 2 / 3, 0.5, 0.25])
def test_the_table_at_another_step_costs_hardly_more(step):
    index = round(np.log(step) / quantiser_step.UNIT)
    moved = step_tables.at_step(laplace_table(UNIT_SCALE), index)
    symbols = np.arange(-60.0, 61.0)
    mass = np.exp(np.asarray(laplace_log_mass(jnp.float32(symbols), UNIT_SCALE / step), np.float64))
    total = 2**moved.precision
    counts = dict(enumerate(moved.counts(0)[:-1], start=int(moved.minimum[0])))
    escape = moved.counts(0)[-1]
    bits = [-np.log2(counts.get(int(s), 0) / total) if int(s) in counts
            else -np.log2(escape / total) + 8 for s in symbols]  # fmt: skip
    entropy = -np.sum(mass * np.log2(mass))
    assert np.sum(mass * bits) < 1.0015 * entropy


def test_sigma_starts_at_one_and_follows_the_size_of_what_the_network_adds():
    params = small_codecs.params("normalised")
    still = jax.tree.map(np.zeros_like, params["params"]["hyper_synthesis"])
    hyper = jnp.ones((1, 2, 2, 4))

    def sigma(bias):
        last = {**still["UpsampleConv_0"], "bias": np.full(12, bias, np.float32)}
        networks = {**params["params"], "hyper_synthesis": {"UpsampleConv_0": last}}
        return MODEL.apply({"params": networks}, hyper, jnp.zeros(1), method="moments")[1]

    for bias, expected in ((0, 1), (0.5, 1.5), (-3, 2), (-1, 1e-3)):
        np.testing.assert_allclose(sigma(bias), expected, rtol=1e-6)


def test_there_is_nothing_to_round_in_training():
    config = default_config()
    config.model = small_codecs.DESCRIPTIONS["normalised"]
    config.data.folders = "photos"
    check(config)
    config.fake_quantised = True
    with pytest.raises(TrainingError, match="normalised model has no networks that choose tables"):
        check(config)


def test_a_form_of_scales_is_refused():
    with pytest.raises(CodecFileError, match="normalised model has no scales"):
        models.build(small_codecs.DESCRIPTIONS["normalised"] | {"scale_form": "log"})


def test_it_has_no_integer_networks_and_needs_no_pictures(codec):
    content = small_codecs.content("normalised")
    assert set(content.tables) == {"prior", STATIC}
    assert len(content.tables[STATIC]) == 1
    assert (content.spec, content.integer) == ("null", {})
    assert codec.order.parallel and not codec.order.sequential
    assert codec.order.tables_depend_on_step


def test_a_step_moves_the_static_table_alone(codec):
    moved = at_step(codec, 843)
    assert moved.host.sets["prior"] is codec.host.sets["prior"]
    assert moved.host.sets[STATIC] is not codec.host.sets[STATIC]


def test_the_order_of_the_sets_in_the_content_does_not_matter(photo):
    content = small_codecs.content("normalised")
    turned = dataclasses.replace(content, tables=dict(reversed(content.tables.items())))
    own, other = map(create, (content, turned))
    data = jaxcodec.encode(own, photo[:64, :64], coder="lanes")
    np.testing.assert_array_equal(jaxcodec.decode(other, data), jaxcodec.decode(own, data))
    assert jaxcodec.encode(other, photo[:64, :64], coder="lanes") == data


@pytest.mark.parametrize("target", [{}, {"bpp": 0.3}, {"max_bytes": 300}])
def test_files_come_back(codec, photo, target):
    pixels = photo[:90, :110]
    data = jaxcodec.encode(codec, pixels, **target)
    decoded = jaxcodec.decode(codec, data)
    assert decoded.shape == pixels.shape and decoded.dtype == np.uint8
    if target:
        wanted = target.get("max_bytes", target.get("bpp", 0) * 90 * 110 / 8)
        assert 0.95 * wanted < len(data) <= wanted


def test_mean_and_sigma_are_in_units_of_the_description():
    hyper = jax.random.normal(jax.random.key(0), (1, 2, 2, 4))
    params = small_codecs.params("normalised")
    small = models.build(small_codecs.DESCRIPTIONS["normalised"] | {"unit": 0.25})
    plain, scaled = (
        model.apply(params, hyper, jnp.zeros(1), method="moments") for model in (MODEL, small)
    )
    assert np.std(plain[0]) > 0
    np.testing.assert_allclose(scaled, [0.25 * each for each in plain], rtol=1e-6)
