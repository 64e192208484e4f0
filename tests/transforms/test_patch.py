"""The patch transforms: a DCT at the start, and shapes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.fft import dctn

from jaxcodec.transforms import patch

QUALITY = jnp.array([0.3])


@pytest.fixture(scope="module")
def crop(photo):
    return jnp.asarray(photo[100:164, 50:130], jnp.float32)[None] / 255


def _start(network, x):
    """Output of a network with its starting parameters."""
    return jax.jit(network.init_with_output)(jax.random.key(0), x, QUALITY)[0]


def test_analysis_starts_as_the_16x16_dct_in_luma_and_chroma(crop):
    latent = 96
    network = patch.PatchAnalysis(latent=latent, width=8, blocks=2, points=3)
    y = _start(network, crop)
    assert y.shape == (1, 4, 5, latent)
    colour = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    block = (np.asarray(crop[0, 16:32, 32:48]) - 0.5) @ colour.T
    coefficients = np.stack([dctn(block[..., c], norm="ortho") for c in range(3)], axis=-1).reshape(
        -1
    )
    np.testing.assert_allclose(
        y[0, 1, 2], coefficients[patch.lowest_frequencies(latent)], atol=1e-5
    )


def test_the_full_latent_starts_as_an_identity_of_the_image(crop):
    analysis = patch.PatchAnalysis(latent=768, width=8, blocks=1)
    synthesis = patch.PatchSynthesis(width=8, blocks=1)
    image = _start(synthesis, _start(analysis, crop))
    np.testing.assert_allclose(image, crop, atol=2e-5)


def test_fewer_channels_keep_the_lowest_frequencies(crop):
    errors = []
    for latent in (48, 96, 192):
        y = _start(patch.PatchAnalysis(latent=latent, width=8, blocks=1), crop)
        image = _start(patch.PatchSynthesis(width=8, blocks=1), y)
        errors.append(float(jnp.mean((image - crop) ** 2)))
    assert errors[0] > errors[1] > errors[2]
    rows = patch.lowest_frequencies(48)
    assert len(set(rows.tolist())) == 48
    assert set(rows[:3].tolist()) == {0, 1, 2}  # the three mean values come first


def test_hyper_networks_fit_each_other(crop):
    y = jnp.ones((1, 8, 12, 24))
    z = _start(patch.PatchHyperAnalysis(features=10, width=8), y)
    assert z.shape == (1, 2, 3, 10)
    parameters = _start(patch.PatchHyperSynthesis(outputs=48, width=8), z)
    assert parameters.shape == (1, 8, 12, 48)
    np.testing.assert_array_equal(parameters, 0)


def test_blocks_know_the_quality_once_trained(crop):
    network = patch.PatchAnalysis(latent=48, width=8, blocks=1, points=2)
    params = jax.jit(network.init)(jax.random.key(0), crop, QUALITY)
    noisy = jax.tree.map(
        lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape), params
    )
    both = jnp.concatenate([crop, crop])
    low, high = jax.jit(network.apply)(noisy, both, jnp.array([0.0, 1.0]))
    assert float(jnp.abs(low - high).max()) > 1e-3


def test_photograph_scales_fall_with_frequency():
    scales = np.exp(patch.photograph_log_scale(96))
    rows = patch.lowest_frequencies(96)
    luma = scales[rows % 3 == 0]
    assert np.all(np.diff(luma) <= 1e-9)
    assert luma[0] > 5 > 0.1 > luma[-1] > 0
