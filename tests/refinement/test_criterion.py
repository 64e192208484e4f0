"""What counts as error: which pixels, of which distortion, in colours or grey."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import distortions
from jaxcodec.refinement.criterion import Criterion
from jaxcodec.refinement.padded_image import PaddedImage

HEIGHT, WIDTH = 20, 27


@pytest.fixture(scope="module")
def padded(photo) -> PaddedImage:
    pixels = photo[None, 100:132, 200:232]
    return PaddedImage(pixels, np.zeros(1, np.int32), jnp.int32(HEIGHT), jnp.int32(WIDTH))


@pytest.fixture(scope="module")
def decoded(padded) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 9, padded.pixels.shape)
    return (padded.pixels + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["mse", "ssim"])
def test_padding_counts_for_nothing(name, padded, decoded):
    distortion = distortions.get(name)
    extent = None if distortion.terms is not None else (HEIGHT, WIDTH)
    criterion = Criterion(distortion, extent=extent)
    expected = distortion(padded.pixels[0, :HEIGHT, :WIDTH], decoded[0, :HEIGHT, :WIDTH])
    np.testing.assert_allclose(criterion.of_pixels(padded, decoded), expected, rtol=1e-5)
    floats = jnp.asarray(decoded, jnp.float32) / 255
    np.testing.assert_allclose(criterion.of_floats(padded, floats), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["mse", "ssim"])
def test_of_a_grey_picture_the_mean_over_colours_counts(name, photo):
    grey = photo[None, :32, :32, :1].repeat(3, axis=-1)
    padded = PaddedImage(grey, np.zeros(1, np.int32), jnp.int32(32), jnp.int32(32))
    criterion = Criterion(distortions.get(name), grey=True, extent=(32, 32))
    tinted = jnp.asarray(grey, jnp.float32) / 255 + jnp.array([0.1, -0.1, 0.0])
    np.testing.assert_allclose(criterion.of_floats(padded, tinted), 0, atol=1e-5)
    assert criterion.of_pixels(padded, grey[..., :1]) == pytest.approx(0, abs=1e-6)


def test_what_is_no_mean_over_pixels_has_no_terms_and_needs_an_extent(padded, decoded):
    criterion = Criterion(distortions.get("ssim"))
    with pytest.raises(ValueError, match="ssim is no mean over pixels"):
        _ = criterion.terms
    with pytest.raises(ValueError, match="needs an extent"):
        criterion.of_pixels(padded, decoded)
