"""Models: rates, reconstructions, gains, and what the codec takes from them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import models
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.entropy.distributions.mixture import mixture_likelihood
from jaxcodec.errors import CodecFileError
from jaxcodec.models import presets
from jaxcodec.models.build import stride


def one_layer(entropy: str, outputs: int, **settings) -> dict:
    """A hyperprior model of one layer a network, with 6 channels: compiles at once."""

    def layer(kind: str, features: int, kernel: int, stride: int) -> dict:
        return {"kind": kind, "features": (features,), "kernels": (kernel,), "strides": (stride,)}

    return {
        "entropy": entropy,
        "hyper_channels": 4,
        "gains": {"channels": 6, "points": 2, "first": 5.0, "last": 20.0},
        "analysis": layer("conv_analysis", 6, 5, 16),
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
    "mixture": one_layer(
        "autoregressive", 12, mixture=3, scale_form="log", prior={"centred": False}
    ),
    "patch": presets.patch_model(
        48, width=8, blocks=1, hyper=8, points=3, first_gain=3.0, last_gain=20.0
    ),
}
DESCRIPTIONS["patch_factorized"] = {
    name: DESCRIPTIONS["patch"][name] for name in ("gains", "analysis", "synthesis")
} | {"entropy": "factorized"}


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
    mean = apply("mean", hyper, quality)
    symbols = apply("to_symbols", latent, mean)
    image = apply("reconstruct", jnp.float32(symbols), mean, quality)
    assert symbols.dtype == jnp.int32
    if not model.has_hyper:
        assert hyper is None
        return bits_of(apply("prior_likelihood", symbols)), image
    assert hyper.dtype == jnp.int32
    assert (mean is not None) == model.centred
    if hasattr(model, "scale"):
        likelihood = gaussian_likelihood(jnp.float32(symbols), apply("scale", hyper, quality))
    else:
        parameters = apply("parameters_parallel", hyper, symbols, quality)
        if len(parameters) == 2:
            mean, scale = (part[None] for part in parameters)
            parameters = mean, scale, jnp.ones_like(mean)
        likelihood = mixture_likelihood(jnp.float32(symbols), *parameters)
    return bits_of(apply("prior_likelihood", hyper)) + bits_of(likelihood), image


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("factorized", 16),
        ("mean_scale", 32),
        ("autoregressive", 32),
        ("patch", 64),
        ("patch_factorized", 16),
    ],
)
def test_stride_is_that_of_the_innermost_latent(name, expected):
    assert stride(DESCRIPTIONS[name]) == expected


def test_stride_of_a_preset_is_that_of_all_its_layers():
    assert stride(presets.mean_scale_model(6, 8, hyper=6)) == 64


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"entropy": "psychic"}, "psychic"),
        ({"analysis": {"kind": "wavelet"}}, "wavelet"),
        ({"analysis": {"kind": "patch_analysis", "colour": 3}}, "colour"),
        ({"prior": {"depth": 3}}, "depth"),
    ],
)
def test_a_description_of_another_version_is_refused_by_name(change, word):
    with pytest.raises(CodecFileError, match=word):
        models.build(DESCRIPTIONS["patch"] | change)


def parameter_counts(description) -> dict[str, int]:
    model = models.build(description)
    shapes = jax.eval_shape(
        model.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)), jnp.zeros(1), jax.random.key(0)
    )
    return {
        name: sum(leaf.size for leaf in jax.tree.leaves(part))
        for name, part in shapes["params"].items()
    }


JOINT = {
    "analysis": 2891136,
    "synthesis": 2890947,
    "hyper_analysis": 2175552,
    "hyper_synthesis": 3300192,
}
CHENG = {
    "hyper_analysis": 737920,
    "hyper_synthesis": 2729792,
    "context": 819456,
    "entropy_parameters": 451697,
}


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (
            presets.mean_scale_model(128, 192),
            {"analysis": 1493312, "synthesis": 1493123, "hyper_synthesis": 2992992},
        ),
        (
            presets.scale_hyperprior_model(128, 192),
            {"hyper_analysis": 1040768, "hyper_synthesis": 1040832},
        ),
        (
            presets.autoregressive_model(192, 192),
            JOINT | {"context": 1843584, "entropy_parameters": 1017344},
        ),
        (presets.cheng2020_model(128), CHENG),
    ],
    ids=["mean_scale", "scale", "autoregressive", "cheng2020"],
)
def test_published_sizes_have_the_published_number_of_parameters(description, expected):
    """As CompressAI 1.2.8 counts them."""
    count = parameter_counts(description)
    assert {name: count[name] for name in expected} == expected
