"""Coding in four passes: what each sees, in floats and in integers."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.artefact.export import export_codec
from jaxcodec.codec import symbols as symbols_of
from jaxcodec.codec import tiles
from jaxcodec.codec.value import at_step
from jaxcodec.entropy import passes
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.entropy.four_step import FourPasses
from jaxcodec.entropy.order import Symbols
from jaxcodec.errors import CodecFileError

QUALITY = np.array([5000], np.int32)
DESCRIPTION = small_codecs.DESCRIPTIONS["four_step"]
ORDER = np.asarray(passes.pass_of(passes.places(6, 8), 8))


def whole(windows, network, *arrays):
    """Runs a network in one piece."""
    del windows
    return network(*arrays)


def rounding(part, value, centre):
    del part
    rounded = jnp.round(value - centre) + centre
    return rounded, rounded


@pytest.fixture(scope="module")
def codec():
    return small_codecs.build("four_step")


@pytest.fixture(scope="module")
def model():
    return models.build(DESCRIPTION)


@pytest.fixture(scope="module")
def symbols():
    rng = np.random.default_rng(0)
    hyper = rng.integers(-4, 5, (1, 3, 4, 4)).astype(np.int32)
    return Symbols(hyper, rng.integers(-2, 3, (1, 6, 8, 8)).astype(np.int32))


def test_the_order_of_the_model_has_five_parts_that_any_coder_can_follow(codec):
    assert isinstance(codec.order, FourPasses)
    assert list(codec.order.tables) == ["hyper", "latent", "second", "third", "fourth"]
    assert not codec.order.sequential and not codec.order.parallel


@pytest.mark.parametrize("number", range(4))
def test_tables_depend_on_symbols_of_earlier_passes_alone(codec, symbols, number):
    side = codec.order.side(codec.integer, symbols.hyper, QUALITY, whole)
    tables = jax.jit(lambda latent: codec.order.coded(codec.integer, latent, *side).indices)
    changed = symbols.latent + 40 * (number == ORDER)
    differ = np.asarray(tables(symbols.latent)) != np.asarray(tables(changed))
    assert not differ[number >= ORDER].any()
    assert differ[number < ORDER].any() == (number < 3)


def test_tables_do_not_depend_on_the_sign_of_symbols(codec, symbols):
    side = codec.order.side(codec.integer, symbols.hyper, QUALITY, whole)
    one, other = (
        codec.order.coded(codec.integer, latent, *side).indices
        for latent in (symbols.latent, -symbols.latent)
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("number", range(4))
def test_predictions_depend_on_symbols_of_earlier_passes_alone(codec, symbols, number):
    centre = symbols_of.centre_of(codec, symbols.hyper, QUALITY, whole)

    @jax.jit
    def predictions(latent):
        def known(carry, pass_number, prediction):
            return (*carry, jnp.broadcast_to(prediction, latent.shape)), latent

        given = codec.params, known, (), QUALITY, np.float32(1.3), *centre[1:]
        found, _, residual = codec.networks.in_passes(*given)
        return jnp.stack(found), residual

    found, residual = predictions(symbols.latent)
    then, other = predictions(symbols.latent + 3 * (number == ORDER))
    assert not np.any(found[0])
    np.testing.assert_array_equal(found[: number + 1], then[: number + 1])
    assert all(np.any(found[later] != then[later]) for later in range(number + 1, 4))
    # What a symbol stands for is its own pass's prediction and as many steps.
    own = np.take_along_axis(np.asarray(found), ORDER[None], axis=0)[0]
    np.testing.assert_allclose(residual, own + 1.3 * symbols.latent, atol=1e-5)
    assert np.any(residual != other)


def test_a_context_that_has_learned_nothing_is_the_mean_scale_model(model):
    latent = 4 * jax.random.normal(jax.random.key(0), (2, 4, 6, 8))
    hyper, quality = jnp.ones((2, 2, 3, 4)), jnp.array([0.2, 0.7])
    fresh = model.init(jax.random.key(1), jnp.zeros((1, 64, 64, 3)), quality[:1], jax.random.key(2))

    def of(module):
        found = module.conditional(latent, hyper, quality, rounding, 1.4)
        return found, module.moments(hyper, quality)

    (likelihood, latent_hat), (mean, scale) = model.apply(fresh, method=of)
    symbols = jnp.round((latent - mean) / 1.4)
    np.testing.assert_allclose(latent_hat, symbols + mean / 1.4, atol=1e-5)
    expected = gaussian_likelihood(symbols, scale / 1.4)
    np.testing.assert_allclose(likelihood, expected, rtol=1e-5)


def test_contexts_move_means_and_scales_of_later_passes_only(model, symbols):
    quality = jnp.array([0.5])
    latent = jnp.float32(symbols.latent) * 2.3

    def of(params, context):
        moved = {name: params["params"][name] for name in params["params"]}
        for name in moved:
            if name.startswith(context):
                moved[name] = jax.tree.map(lambda leaf: leaf + 0.2, moved[name])
        given = latent, jnp.float32(symbols.hyper), quality, rounding, 1.0
        return model.apply({"params": moved}, *given, method="conditional")

    params = small_codecs.params("four_step")
    likelihood, latent_hat = of(params, "none")
    other, same_hat = of(params, "scale_context")
    np.testing.assert_array_equal(latent_hat, same_hat)
    assert np.any(likelihood != other)
    np.testing.assert_array_equal(likelihood[ORDER == 0], other[ORDER == 0])
    _, moved_hat = of(params, "mean_context")
    np.testing.assert_array_equal(latent_hat[ORDER == 0], moved_hat[ORDER == 0])
    assert np.any(latent_hat != moved_hat)


def test_no_gradient_goes_from_scales_into_what_they_are_found_from(model, symbols):
    """A surprise is what it is: rounding has no slope that would say how to change it."""
    quality, where = jnp.array([0.5]), jnp.asarray(passes.places(6, 8))
    params = {
        name: jax.tree.map(jnp.zeros_like, own) if name.startswith("mean_context") else own
        for name, own in small_codecs.params("four_step")["params"].items()
    }
    params, hyper = {"params": params}, jnp.float32(symbols.hyper)

    def bits(latent):
        masses, _ = model.apply(params, latent, hyper, quality, unrounded, 1.0,
                                method="conditional")  # fmt: skip
        return -jnp.sum(jnp.where(passes.pass_of(where, 8) == 3, jnp.log(masses), 0))

    def unrounded(part, value, centre):
        del part, centre
        return value, value

    slope = jax.grad(bits)(jnp.float32(symbols.latent))
    assert jnp.all(jnp.isfinite(slope))
    assert not np.any(slope[ORDER < 3])


@pytest.mark.parametrize("step_index", [0, -900, 1200])
def test_the_decoder_has_the_residual_that_the_encoder_rounded_to(codec, photo, step_index):
    stepped = at_step(codec, step_index)
    analysis = symbols_of.analyse(codec, photo[None, 100:164, 200:296], QUALITY, tiles.whole)
    coded = symbols_of.rounded(stepped, analysis, tiles.whole)

    def remember(carry, number, prediction):
        exact = (analysis.residual - prediction) / stepped.step
        own = passes.pass_of(analysis.seen[-1], exact.shape[-1]) == number
        return jnp.where(own, exact, carry), jnp.round(exact).astype(jnp.int32)

    given = analysis.quality, stepped.step, *analysis.seen
    start = jnp.zeros(analysis.residual.shape)
    exact, found, residual = stepped.networks.in_passes(codec.params, remember, start, *given)
    np.testing.assert_array_equal(found, coded.latent)
    decoded = stepped.networks.decoded(codec.params, coded.latent, *given)
    np.testing.assert_allclose(decoded, residual, atol=1e-4)
    # Off by what rounding took away, half a step at most.
    off = np.asarray(analysis.residual - decoded)
    np.testing.assert_allclose(off, stepped.step * (exact - coded.latent), atol=1e-3)
    assert np.abs(off).max() <= 0.501 * stepped.step


def test_thresholds_alone_move_with_the_step(codec):
    own = codec.host.content.integer
    moved = codec.order.arrays_at(own, 700)
    np.testing.assert_array_equal(moved["thresholds"], own["thresholds"] + 700)
    assert all(moved[name] is own[name] for name in own if name != "thresholds")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"scale_form": "linear"}, "'linear', 2 and 8"),
        ({"gains": {**DESCRIPTION["gains"], "channels": 6}}, "'log', 2 and 6"),
        ({"hyper_analysis": {**DESCRIPTION["hyper_analysis"], "strides": (3,)}}, "'log', 3 and 8"),
    ],
)
def test_a_description_that_cannot_go_in_four_passes_is_one_clear_error(change, named):
    sentence = f"a four-step context takes .* this model has {named}"
    with pytest.raises(CodecFileError, match=sentence):
        models.build(DESCRIPTION | change)
    with pytest.raises(CodecFileError, match="a four-step context takes"):
        export_codec(
            DESCRIPTION | change, small_codecs.params("four_step"), name="x", bpp_range=(0.1, 1.0)
        )


def test_networks_of_several_forms_are_one_clear_error(codec):
    spec = json.loads(codec.host.content.spec)
    assert FourPasses.of(spec, codec.geometry).tables == codec.order.tables
    spec["passes"][1] = spec["passes"][1][:-1]
    with pytest.raises(CodecFileError, match="networks of several forms"):
        FourPasses.of(spec, codec.geometry)
