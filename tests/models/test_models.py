"""Models: rates, reconstructions, gains, and what the codec takes from them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import models
from jaxcodec.errors import CodecFileError
from jaxcodec.models import presets
from jaxcodec.models.build import stride

DESCRIPTIONS = {
    "factorized": presets.factorized_model(6, 8),
    "mean_scale": presets.mean_scale_model(6, 8, hyper=6),
    "mean_scale_thesis": presets.mean_scale_model(6, 6, hyper=6, hyper_activation="relu", wide=False),
    "patch": presets.patch_model(48, width=8, blocks=1, hyper=8, points=3, first_gain=3.0, last_gain=20.0),
}
DESCRIPTIONS["patch_factorized"] = {
    name: DESCRIPTIONS["patch"][name] for name in ("gains", "analysis", "synthesis")
} | {"entropy": "factorized"}


@pytest.fixture(scope="module", params=DESCRIPTIONS)
def case(request, photo):
    """A model, its starting parameters, and two crops of a photograph at qualities 0 and 1."""
    model = models.build(DESCRIPTIONS[request.param])
    images = jnp.asarray(np.stack([photo[:64, 200:264], photo[200:264, 60:124]]), jnp.float32) / 255
    quality = jnp.array([0.0, 1.0])
    params = jax.jit(model.init)(jax.random.key(0), images, quality, jax.random.key(1))
    return model, params, images, quality


def test_bits_and_image_have_their_shapes_and_gradients_are_finite(case):
    model, params, images, quality = case

    def loss(params):
        output = model.apply(params, images, quality, jax.random.key(2), kind="mixed")
        return jnp.mean((output.image - images) ** 2) + 1e-4 * output.bits.sum(), output

    (_, output), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    assert output.image.shape == images.shape
    assert output.bits.shape == output.side_bits.shape == (2,)
    assert (output.bits > 0).all() and (output.side_bits <= output.bits).all()
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    moved = {name: any(jnp.any(leaf != 0) for leaf in jax.tree.leaves(part)) for name, part in gradients["params"].items()}
    assert all(moved.values()), moved


def test_the_codecs_path_gives_what_rounding_gives_in_training(case):
    """analyse, condition and reconstruct, on integers, equal the forward pass with real rounding, image by image."""
    model, params, images, quality = case

    @jax.jit
    def coded(images, quality):
        symbols, latent = model.apply(params, images, quality, method="analyse")
        bits = -jnp.log2(model.apply(params, symbols, method="prior_likelihood")).sum(axis=(1, 2, 3))
        if latent is None:
            return symbols, bits, model.apply(params, symbols, quality, method="reconstruct")
        mean, index = model.apply(params, symbols, quality, method="condition")
        residual = jnp.round(latent - mean).astype(jnp.int32)
        return index, bits, model.apply(params, residual, mean, quality, method="reconstruct")

    output = jax.jit(lambda: model.apply(params, images, quality, jax.random.key(0), kind="round"))()
    for position in range(2):
        integers, bits, image = coded(images[position : position + 1], quality[position : position + 1])
        expected = output.side_bits if output.side_bits.any() else output.bits
        assert integers.dtype == jnp.int32
        np.testing.assert_allclose(image[0], output.image[position], atol=1e-4)
        np.testing.assert_allclose(bits[0], expected[position], rtol=1e-4)


def test_a_higher_quality_costs_more_bits_and_comes_closer(photo):
    model = models.build(DESCRIPTIONS["patch"])
    image = jnp.asarray(photo[:64, 200:264], jnp.float32)[None] / 255
    images, quality = jnp.repeat(image, 5, axis=0), jnp.linspace(0, 1, 5)
    forward = jax.jit(functools.partial(model.init_with_output, kind="round"))
    output, _ = forward(jax.random.key(0), images, quality, jax.random.key(0))
    errors = jnp.mean((output.image - images) ** 2, axis=(1, 2, 3))
    assert (np.diff(output.bits) > 0).all()
    assert (np.diff(errors) < 0).all()


def test_gains_are_undone_by_their_inverses_at_the_start():
    gains = models.Gains(channels=4, points=3, first=0.5, last=8.0)
    latent, quality = jax.random.normal(jax.random.key(0), (2, 3, 3, 4)), jnp.array([0.0, 0.6])
    params = gains.init(jax.random.key(0), latent, quality, method="apply_gain")
    scaled = gains.apply(params, latent, quality, method="apply_gain")
    np.testing.assert_allclose(scaled[0], 0.5 * latent[0], rtol=1e-5)
    np.testing.assert_allclose(scaled[1], 0.5 * 16**0.6 * latent[1], rtol=1e-5)
    np.testing.assert_allclose(gains.apply(params, scaled, quality, method="remove_gain"), latent, rtol=1e-5)


def test_without_points_there_is_no_gain():
    gains = models.Gains(channels=4)
    latent = jnp.ones((1, 2, 2, 4))
    assert gains.init(jax.random.key(0), latent, jnp.zeros(1), method="apply_gain") == {}
    np.testing.assert_array_equal(gains.apply({}, latent, jnp.zeros(1), method="remove_gain"), latent)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("factorized", 16), ("mean_scale", 64), ("mean_scale_thesis", 64), ("patch", 64), ("patch_factorized", 16)],
)
def test_stride_is_that_of_the_innermost_latent(name, expected):
    assert stride(DESCRIPTIONS[name]) == expected


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"entropy": "psychic"}, "psychic"),
        ({"analysis": {"kind": "wavelet"}}, "wavelet"),
        ({"analysis": {"kind": "patch_analysis", "colour": 3}}, "colour"),
    ],
)
def test_a_description_of_another_version_is_refused_by_name(change, word):
    with pytest.raises(CodecFileError, match=word):
        models.build(DESCRIPTIONS["patch"] | change)


def test_published_sizes_have_the_published_number_of_parameters():
    """CompressAI's mbt2018-mean (128, 192), layer by layer."""
    model = models.build(presets.mean_scale_model(128, 192))
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)), jnp.zeros(1), jax.random.key(0))
    count = {name: sum(leaf.size for leaf in jax.tree.leaves(part)) for name, part in shapes["params"].items()}
    gdn = 3 * (128 + 128 * 128)
    assert count["analysis"] == 3 * 25 * 128 + 128 + 2 * (25 * 128 * 128 + 128) + 25 * 128 * 192 + 192 + gdn
    assert count["hyper_synthesis"] == 25 * 128 * 192 + 192 + 25 * 192 * 288 + 288 + 9 * 288 * 384 + 384
