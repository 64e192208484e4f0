import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.transforms.gains import Gains


def test_gains_are_undone_by_their_inverses_at_the_start():
    gains = Gains(channels=4, points=3, first=0.5, last=8.0)
    latent, quality = jax.random.normal(jax.random.key(0), (2, 3, 3, 4)), jnp.array([0.0, 0.6])
    params = gains.init(jax.random.key(0), latent, quality, method="apply_gain")
    scaled = gains.apply(params, latent, quality, method="apply_gain")
    np.testing.assert_allclose(scaled[0], 0.5 * latent[0], rtol=1e-5)
    np.testing.assert_allclose(scaled[1], 0.5 * 16**0.6 * latent[1], rtol=1e-5)
    np.testing.assert_allclose(
        gains.apply(params, scaled, quality, method="remove_gain"), latent, rtol=1e-5
    )


def test_without_points_there_is_no_gain():
    gains = Gains(channels=4)
    latent = jnp.ones((1, 2, 2, 4))
    assert gains.init(jax.random.key(0), latent, jnp.zeros(1), method="apply_gain") == {}
    np.testing.assert_array_equal(
        gains.apply({}, latent, jnp.zeros(1), method="remove_gain"), latent
    )
