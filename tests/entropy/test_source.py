"""Source models: where they start, what they see, and what they are made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from jaxcodec.entropy import source
from jaxcodec.models.presets import (
    autoregressive_model,
    cheng2020_model,
    factorized_model,
    mean_scale_model,
    patch_four_step_model,
    scale_hyperprior_model,
)

BOTH = pytest.mark.parametrize("kind", source.KINDS)


def made(kind, **fields):
    return source.KINDS[kind](**({"features": 4, "points": 3} | fields))


def at_start(model, image):
    return model.init(jax.random.key(0), image, image, jnp.zeros(len(image)))


def moved(params, seed=1):
    """Parameters that are nowhere zero."""
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    return structure.unflatten(
        leaf + 0.2 * jax.random.normal(key, leaf.shape)
        for key, leaf in zip(keys, leaves, strict=True)
    )


@BOTH
@pytest.mark.parametrize("fold", [1, 2])
def test_it_starts_at_the_reconstruction_and_a_sigma_of_8(kind, fold, photo):
    crop = jnp.float32(photo[None, 100:116, 200:224]) / 255
    flat = jnp.full((1, 8, 8, 3), 128 / 255, jnp.float32)
    expected = -3 * np.log2(erf(0.5 / (8 * np.sqrt(2))))  # in float64: 12.98 bits per pixel
    assert expected == pytest.approx(12.98, abs=0.005)
    for image in (crop, flat):
        model = made(kind, fold=fold)
        params = at_start(model, image)
        found = model.apply(params, image, image, jnp.full(1, 0.4))
        np.testing.assert_allclose(found, expected, rtol=1e-4)
        reconstruction = image + 0.25
        mean, sigma = model.apply(
            params, 255 * image, reconstruction, jnp.zeros(1), method="moments"
        )
        np.testing.assert_array_equal(mean, 255 * reconstruction)
        np.testing.assert_array_equal(sigma, jnp.full_like(sigma, 8.0))


def test_the_mass_is_that_of_the_interval_around_a_grey_level():
    """One value, 40 grey levels from its mean, against the normal distribution in float64."""
    model = made("hyper")
    image = jnp.full((1, 8, 8, 3), 100 / 255, jnp.float32)
    params = at_start(model, image)
    found = model.apply(params, image, image - 40 / 255, jnp.zeros(1))
    upper, lower = (erf(edge / (8 * np.sqrt(2))) for edge in (40.5, 39.5))
    np.testing.assert_allclose(found, -3 * np.log2((upper - lower) / 2), rtol=1e-3)
    beyond = model.apply(params, image, image + 150 / 255, jnp.zeros(1))
    np.testing.assert_allclose(beyond, -3 * np.log2(1e-9), rtol=1e-5)


@BOTH
def test_a_pixel_sees_pixels_before_it_and_all_of_the_reconstruction(kind):
    """Exact zeros for those at and after it in raster order."""
    side, row, column = 7, 3, 3
    rng = np.random.default_rng(2)
    values = jnp.float32(rng.integers(0, 256, (1, side, side, 3)))
    reconstruction = jnp.float32(rng.uniform(size=(1, side, side, 3)))
    model = made(kind)
    params = moved(at_start(model, values / 255))

    def moments(values, reconstruction):
        mean, sigma = model.apply(params, values, reconstruction, jnp.zeros(1), method="moments")
        return mean[0, row, column].sum() + jnp.log(sigma[0, row, column]).sum()

    by_values, by_reconstruction = jax.grad(moments, (0, 1))(values, reconstruction)
    by_values = np.abs(np.asarray(by_values[0])).max(-1).reshape(-1)
    here = row * side + column
    np.testing.assert_array_equal(by_values[here:], 0)
    seen = {place for place in range(here) if by_values[place]}
    window = {
        (row + down) * side + column + right for down in (-2, -1, 0) for right in range(-2, 3)
    }
    assert seen == ({place for place in window if place < here} if kind == "context" else set())
    after = np.abs(np.asarray(by_reconstruction[0])).max(-1)[row + 1 :, 1:-1]
    assert np.all(after[:2] > 0)


@BOTH
def test_the_quality_matters_and_each_picture_counts_by_itself(kind, photo):
    images = jnp.float32(np.stack([photo[:16, :16], photo[200:216, 100:116]])) / 255
    model = made(kind)
    params = moved(at_start(model, images))
    quality = jnp.array([0.1, 0.9])
    both = model.apply(params, images, images, quality)
    assert both.shape == (2,)
    for place in range(2):
        one = slice(place, place + 1)
        alone = model.apply(params, images[one], images[one], quality[one])
        np.testing.assert_allclose(both[one], alone, rtol=1e-5)
    other = model.apply(params, images, images, quality[::-1])
    assert np.all(np.abs(other - both) > 1e-4)


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        (factorized_model(4, 6), "hyper"),
        (scale_hyperprior_model(4, 6), "hyper"),
        (mean_scale_model(4, 6), "hyper"),
        (autoregressive_model(4, 6), "context"),
        (autoregressive_model(4, 6, "checkerboard"), "context"),
        (cheng2020_model(4), "context"),
        (patch_four_step_model(8, 8, 1, 8, 2, 1.0, 2.0), "context"),
    ],
)
def test_the_aligned_kind_is_that_of_the_entropy_model(description, kind):
    assert source.aligned(description) == kind


def test_it_takes_activation_and_points_from_the_codec():
    relu = source.create("hyper", scale_hyperprior_model(4, 6), 16, 2)
    assert (relu.activation, relu.points, relu.fold, relu.features) == ("relu", 1, 2, 16)
    patch = source.create("context", patch_four_step_model(8, 8, 1, 8, 5, 1.0, 2.0), 3, 1)
    assert (patch.activation, patch.points) == ("leaky_relu", 5)
