"""Models: rates, reconstructions, gains, and what the codec takes from them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import models
from jaxcodec.entropy import passes
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood, gaussian_score
from jaxcodec.entropy.distributions.laplace import laplace_log_mass
from jaxcodec.entropy.distributions.mixture import mixture_likelihood
from jaxcodec.entropy.normalised import NormalisedModel
from jaxcodec.models import presets

GAINS = {"channels": 6, "points": 2, "first": 5.0, "last": 20.0}


def one_layer(entropy: str, outputs: int, gains=GAINS, **settings) -> dict:
    """A hyperprior model of one layer a network: compiles at once."""

    def layer(kind: str, features: int, kernel: int, stride: int) -> dict:
        return {"kind": kind, "features": (features,), "kernels": (kernel,), "strides": (stride,)}

    return {
        "entropy": entropy,
        "hyper_channels": 4,
        "gains": gains,
        "analysis": layer("conv_analysis", gains["channels"], 5, 16),
        "synthesis": layer("conv_synthesis", 3, 5, 16),
        "hyper_analysis": layer("conv_analysis", 4, 3, 2),
        "hyper_synthesis": layer("conv_synthesis", outputs, 3, 2),
        **settings,
    }


DESCRIPTIONS = {
    "factorized": presets.factorized_model(6, 8, kernels=(5, 5), strides=(4, 4)),
    "mean_scale": one_layer("mean_scale", 12),
    "scale": one_layer("scale", 6),
    "autoregressive": one_layer("autoregressive", 12),
    "checkerboard": one_layer("checkerboard", 12, scale_form="log"),
    "four_step": one_layer(
        "four_step",
        16,
        scale_form="log",
        context_width=6,
        # Hyper-latents of untrained weights grow with the gain, and scales with their exponential.
        gains={"channels": 8, "points": 2, "first": 0.5, "last": 2.0},
    ),
    "normalised": one_layer("normalised", 12, gains={"channels": 6}),
    "mixture": one_layer(
        "autoregressive", 12, mixture=3, scale_form="log", prior={"centred": False}
    ),
    "patch": presets.patch_model(
        48, width=8, blocks=1, hyper=8, points=3, first_gain=3.0, last_gain=20.0
    ),
}


KEY = jax.random.key(
    0, impl="unsafe_rbg"
)  # compiles several times faster than the default generator


def away_from_start(params):
    """Parameters moved at random, as layers that start at zero let nothing through."""
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: leaf + rng.normal(0, 0.05, leaf.shape).astype(np.float32), params
    )


@pytest.fixture(scope="module", params=DESCRIPTIONS)
def case(request, photo):
    """A model, parameters away from their start, and two crops of a photograph at qualities 0 and
    1.
    """
    model = models.build(DESCRIPTIONS[request.param])
    images = jnp.asarray(np.stack([photo[:64, 200:264], photo[200:264, 60:124]]), jnp.float32) / 255
    quality = jnp.array([0.0, 1.0])
    return model, away_from_start(jax.jit(model.init)(KEY, images, quality, KEY)), images, quality


def test_bits_and_image_have_their_shapes_and_gradients_are_finite(case):
    model, params, images, quality = case

    def loss(params):
        output = model.apply(params, images, quality, KEY, kind="mixed")
        return jnp.mean((output.image - images) ** 2) + 1e-4 * output.bits.sum(), output

    (_, output), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    assert output.image.shape == images.shape
    assert output.bits.shape == output.side_bits.shape == (2,)
    assert (output.bits > 0).all() and (output.side_bits <= output.bits).all()
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    moved = {
        name: any(jnp.any(leaf != 0) for leaf in jax.tree.leaves(part))
        for name, part in gradients["params"].items()
    }
    assert all(moved.values()), moved


def coded(model, params, images, quality):
    """Bits and reconstruction by way of integers, as a codec makes them."""

    def apply(method, *arguments):
        return model.apply(params, *arguments, method=method)

    latent = apply("to_latent", images, quality)
    hyper = apply("to_hyper_symbols", latent, quality)
    centre = apply("centre", hyper, quality)
    symbols = apply("to_symbols", latent, hyper, quality)
    residual = residual_of(model, params, symbols, quality, centre)
    image = apply("reconstruct", residual, centre, quality)
    assert symbols.dtype == jnp.int32
    if not model.has_hyper:
        assert hyper is None
        return bits_of(apply("prior_likelihood", symbols)), image
    assert hyper.dtype == jnp.int32
    assert bool(centre) == model.centred
    if model.pass_count > 1:
        likelihood = likelihoods_in_passes(model, params, symbols, hyper, quality)
    elif isinstance(model, NormalisedModel):
        likelihood = jnp.exp(laplace_log_mass(jnp.float32(symbols)))
    elif hasattr(model, "scale"):
        likelihood = gaussian_likelihood(jnp.float32(symbols), apply("scale", hyper, quality))
    else:
        parameters = apply("parameters_parallel", hyper, symbols, quality)
        if len(parameters) == 2:
            mean, scale = (part[None] for part in parameters)
            parameters = mean, scale, jnp.ones_like(mean)
        likelihood = mixture_likelihood(jnp.float32(symbols), *parameters)
    return bits_of(apply("prior_likelihood", hyper)) + bits_of(likelihood), image


def residual_of(model, params, symbols, quality, centre):
    """What symbols stand for."""

    def known(carry, number, prediction):
        del number, prediction
        return carry, symbols

    given = known, (), quality, 1.0, *centre[1:]
    return model.apply(params, *given, method="in_passes")[2]


def likelihoods_in_passes(model, params, symbols, hyper, quality):
    """The masses of symbols, under scales that follow from those of earlier passes."""
    found = jnp.float32(symbols)

    def of(module):
        _, first, where = module.centre(hyper, quality)
        order, scale = passes.pass_of(where, found.shape[-1]), first
        for number in range(1, 4):
            surprise = jnp.where(order < number, gaussian_score(found, scale), 0)
            grown = first * jnp.exp(module.growth(number, surprise, first))
            scale = jnp.where(order == number, grown, scale)
        return gaussian_likelihood(found, scale)

    return model.apply(params, method=of)


def bits_of(likelihood):
    return -jnp.log2(likelihood).sum(axis=(1, 2, 3))


def test_integers_give_what_rounding_gives_in_training(case):
    """Bits and images by way of integers equal those of the forward pass with real rounding, image
    by image.
    """
    model, params, images, quality = case
    output = jax.jit(lambda: model.apply(params, images, quality, KEY, kind="round"))()
    one = jax.jit(functools.partial(coded, model))
    for position in range(2):
        bits, image = one(params, images[position : position + 1], quality[position : position + 1])
        np.testing.assert_allclose(image[0], output.image[position], atol=1e-4)
        np.testing.assert_allclose(bits[0], output.bits[position], rtol=1e-4)


def test_a_higher_quality_costs_more_bits_and_comes_closer(photo):
    model = models.build(DESCRIPTIONS["patch"])
    image = jnp.asarray(photo[:64, 200:264], jnp.float32)[None] / 255
    images, quality = jnp.repeat(image, 5, axis=0), jnp.linspace(0, 1, 5)
    forward = jax.jit(functools.partial(model.init_with_output, kind="round"))
    output, _ = forward(jax.random.key(0), images, quality, jax.random.key(0))
    errors = jnp.mean((output.image - images) ** 2, axis=(1, 2, 3))
    assert (np.diff(output.bits) > 0).all()
    assert (np.diff(errors) < 0).all()
