"""A gain that follows how busy an image is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.transforms.activity import RADIUS, ActivityGain, remove_activity_gain
from jaxcodec.transforms.patch import PatchAnalysis, PatchSynthesis


def random_params(module, *arguments):
    """Weights that are not zero anywhere, so that the gain is not one."""
    params = module.init(jax.random.key(0), *arguments)
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    noisy = [
        leaf + 0.05 * jax.random.normal(key, leaf.shape)
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(structure, noisy)


@pytest.fixture
def latent():
    return (
        0.3
        * jax.random.normal(jax.random.key(5), (2, 20, 24, 6))
        * jnp.linspace(0.1, 3, 24)[:, None]
    )


def test_it_starts_as_no_gain(latent):
    gain, quality = ActivityGain(), jnp.zeros(2)
    scaled = gain.apply(gain.init(jax.random.key(0), latent, quality), latent, quality)
    np.testing.assert_allclose(scaled[..., :-1], latent, rtol=1e-6)
    np.testing.assert_array_equal(scaled[..., -1], 0)


def test_synthesis_takes_the_gain_off(latent):
    gain, quality = ActivityGain(points=3), jnp.array([0.2, 0.9])
    scaled = gain.apply(random_params(gain, latent, quality), latent, quality)
    assert np.abs(scaled[..., -1]).max() > 0.01
    np.testing.assert_allclose(remove_activity_gain(scaled), latent, rtol=1e-5, atol=1e-7)


def test_it_depends_on_the_neighbourhood_and_on_nothing_beyond(latent):
    gain, quality = ActivityGain(), jnp.zeros(1)
    params = random_params(gain, latent[:1], quality)
    wide = jnp.concatenate([latent[:1]] * 2, axis=2)
    place = 2
    changed = [
        gain.apply(params, wide.at[:, 10, place + away].add(5.0), quality)
        for away in (RADIUS, RADIUS + 1)
    ]
    before = gain.apply(params, wide, quality)[0, 10, place]
    assert np.abs(changed[0][0, 10, place] - before).max() > 1e-4
    np.testing.assert_allclose(changed[1][0, 10, place], before, atol=1e-6)


def test_borders_count_no_padding():
    flat = jnp.full((1, 12, 12, 4), 0.7)
    gain = ActivityGain()
    scaled = gain.apply(random_params(gain, flat, jnp.zeros(1)), flat, jnp.zeros(1))
    np.testing.assert_allclose(scaled, jnp.broadcast_to(scaled[:, :1, :1], scaled.shape), rtol=1e-5)


def test_the_patch_transforms_can_carry_it():
    settings = {"width": 8, "blocks": 1, "activity": True}
    analysis, synthesis = PatchAnalysis(latent=769, **settings), PatchSynthesis(**settings)
    image, quality = jax.random.uniform(jax.random.key(0), (1, 64, 48, 3)), jnp.zeros(1)
    latent = analysis.apply(analysis.init(jax.random.key(1), image, quality), image, quality)
    assert latent.shape == (1, 4, 3, 769)
    again = synthesis.apply(synthesis.init(jax.random.key(2), latent, quality), latent, quality)
    np.testing.assert_allclose(
        again, image, atol=1e-5
    )  # 768 orthonormal coefficients lose nothing at the start
    assert analysis.halo == RADIUS + 1
