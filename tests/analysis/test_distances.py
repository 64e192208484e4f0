"""The distances that a codec induces: known where the codec is linear, and differentiable."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec import distortions, models
from jaxcodec.analysis.distances import distances, perceptual_sensitivity, sensitivity
from jaxcodec.artefact.export import export_codec
from jaxcodec.codec import create
from jaxcodec.distortions import DistortionError
from jaxcodec.errors import CodecError, RateError


@pytest.fixture(scope="module")
def linear():
    """A codec of an orthonormal transform, whose quantiser step is a fortieth."""
    jaxcodec.allow_imports("linear_networks")
    description = {
        "entropy": "factorized",
        "gains": {"channels": 192, "points": 2, "first": 40.0, "last": 40.0},
        "analysis": {"kind": "linear_networks:Analysis"},
        "synthesis": {"kind": "linear_networks:Synthesis"},
    }
    model, key = models.build(description), jax.random.key(0)
    params = jax.jit(model.init)(key, jnp.zeros((1, 8, 8, 3)), jnp.zeros(1), key)
    content = export_codec(
        description, params, name="linear", bpp_range=(1.0, 1.0), pictures=(), tables="gaussian"
    )
    return create(content)


@pytest.fixture(scope="module")
def pictures(photo):
    """Two batches of two pictures, whose sides are no multiple of the stride."""
    a = photo[:43, :57], photo[60:103, 200:257]
    noise = np.random.default_rng(0).normal(0, 9, (2, 43, 57, 3))
    return np.stack(a), (np.stack(a) + noise).clip(0, 255).astype(np.uint8)


def rmse(a, b):
    return np.sqrt(np.mean((np.float64(a) - np.float64(b)) ** 2, axis=(1, 2, 3)))


def test_a_codec_that_loses_nothing_keeps_the_euclidean_distance(linear, pictures):
    a, b = (each[:, :40, :56] for each in pictures)
    of = distances(linear, quantise=False)
    expected = rmse(a, b) / 255
    np.testing.assert_allclose(of.euclidean(a, b), expected, rtol=1e-5)
    np.testing.assert_allclose(of.reconstruction(a, b), expected, rtol=1e-4)
    np.testing.assert_allclose(of.inner(a, b), 40 * expected, rtol=1e-4)
    np.testing.assert_allclose(of.own(a), 0, atol=1e-6)
    np.testing.assert_array_equal(of.euclidean(a, a), 0)


def test_rounding_errors_of_a_linear_codec_are_those_of_its_step(linear, pictures):
    a, _ = pictures
    of = distances(linear)
    np.testing.assert_allclose(of.own(a), 1 / 40 / np.sqrt(12), rtol=0.1)
    rounded = of.inner(a, a[::-1], rounded=True)
    np.testing.assert_allclose(rounded, of.inner(a, a[::-1]), rtol=0.02)
    # What was decoded once lies on the grid: only its border was not seen, which is cut off.
    again = np.asarray(of.reconstruct(a[:, :40, :56]))
    np.testing.assert_allclose(of.own(again), 0, atol=1e-5)


@pytest.mark.parametrize("name", ["tiny", "four_step", "normalised", "bounded"])
def test_a_reconstruction_is_what_a_decoder_gives(name, pictures):
    codec = small_codecs.build(name)
    a, _ = pictures
    quality = 80 if codec.variable else None
    found = distances(codec, quality, whole_pixels=True).reconstruct(a)
    for picture, own in zip(a, found, strict=True):
        data = jaxcodec.encode(codec, picture, quality=quality, effort=0)
        np.testing.assert_array_equal(np.round(255 * own), jaxcodec.decode(codec, data))


@pytest.mark.parametrize("name", ["tiny", "factorized", "four_step"])
def test_the_codecs_own_density_is_what_its_files_take(name, photo):
    codec = small_codecs.build(name)
    picture = photo[:128, :192]
    bits = -float(distances(codec).log_p(picture[None])[0]) / np.log(2)
    data = jaxcodec.encode(codec, picture, effort=0)
    coded = 8 * sum(jaxcodec.read_header(data).part_bytes)
    # An escape is cheaper than the floor of a likelihood; each part ends in a word not full.
    assert 0.85 * bits < coded < 1.01 * bits + 128


def test_they_are_symmetric_and_depend_on_the_quality(pictures):
    codec = small_codecs.build("tiny")
    low, high = (distances(codec, quality) for quality in (0, 100))
    assert np.all(low.own(pictures[0]) != high.own(pictures[0]))
    for of in (low, high):
        for distance in (of.euclidean, of.reconstruction, of.inner):
            np.testing.assert_allclose(distance(*pictures), distance(*pictures[::-1]), rtol=1e-5)
            assert np.asarray(distance(*pictures)).min() > 0
            np.testing.assert_array_equal(distance(pictures[0], pictures[0]), 0)


@pytest.mark.parametrize("name", ["tiny", "four_step"])
def test_gradients_are_those_of_finite_differences(name, pictures):
    of = distances(small_codecs.build(name), 70, quantise=False)
    a, b = (jnp.float32(each[:1, :32, :32]) / 255 for each in pictures)
    direction = jax.random.normal(jax.random.key(0), a.shape)

    @jax.jit
    def all_of(of, x, other):
        found = of.euclidean(x, other), of.reconstruction(x, other), of.inner(x, other), of.own(x)
        return jnp.concatenate(found)

    def along(position):
        return all_of(of, a + position * direction, b)

    slopes = jax.jit(jax.jacrev(along))(0.0)
    ends = [along(sign * 2e-3) for sign in (1.0, -1.0)]
    np.testing.assert_allclose(slopes, (ends[0] - ends[1]) / 4e-3, rtol=0.03, atol=1e-4)
    gradient = jax.jit(jax.grad(lambda x: all_of(of, x, a)[:3].sum()))(a)
    np.testing.assert_array_equal(gradient, 0)  # at equal pictures


def test_inside_jit_and_vmap_they_are_the_same(pictures):
    of = distances(small_codecs.build("tiny"), 30)
    a, b = pictures
    expected = of.inner(a, b)
    jitted = jax.jit(lambda of, a, b: of.inner(a, b))
    np.testing.assert_allclose(jitted(of, a, b), expected, rtol=1e-5)
    each = jax.vmap(lambda a, b: of.inner(a[None], b[None])[0])(a, b)
    np.testing.assert_allclose(each, expected, rtol=1e-5)


def test_sensitivities_of_a_linear_codec(linear, pictures):
    a = pictures[0][:, :40, :56]
    smooth = sensitivity(distances(linear, quantise=False), a, jax.random.key(0), 0.02, 4)
    np.testing.assert_allclose(smooth.reconstruction, 1, rtol=1e-3)
    np.testing.assert_allclose(smooth.inner, 40, rtol=1e-3)
    # Steps far below a cell mostly change nothing, and far above it keep their length.
    of = distances(linear)
    small, large = (sensitivity(of, a, jax.random.key(0), size, 4) for size in (1e-4, 0.2))
    assert np.all(large.reconstruction < 1.1)
    assert np.all(np.abs(small.reconstruction - 1) > np.abs(large.reconstruction - 1))


def test_a_perceptual_sensitivity_is_a_distance_for_each_unit_of_rmse(pictures):
    of = distortions.get("nlpd_2016")
    a, b = (np.repeat(each, 2, axis=1)[:, :, :57] for each in pictures)
    found = perceptual_sensitivity(of, a, b)
    np.testing.assert_allclose(found, of(a, b) / (rmse(a, b) / 255), rtol=1e-4)


def test_what_has_no_distance_is_named(linear, pictures):
    a, b = pictures
    of = distances(linear)
    with pytest.raises(DistortionError, match=r"\(2, 43, 56, 3\), \(2, 43, 57, 3\) have no dis"):
        of.inner(a, b[:, :, 1:])
    with pytest.raises(DistortionError, match="one shape"):
        of.own(a[0])
    with pytest.raises(RateError, match="normalised has one quality; leave the quality out"):
        distances(small_codecs.build("normalised"), 50)
    with pytest.raises(RateError, match="101"):
        distances(linear, 101)
    with pytest.raises(CodecError, match="not a codec"):
        distances("default")
