"""The forward pass of the codec."""

import jax
import numpy as np

from jaxcodec import models
from jaxcodec.models.presets import factorized_model
from jaxcodec.training.forward import forward_pass

MODEL = models.build(factorized_model(4, 6, kernels=(5, 5), strides=(4, 4)))
KEY = jax.random.key(0, impl="unsafe_rbg")


def test_it_is_what_went_in_and_what_the_model_gives():
    image = np.random.default_rng(0).uniform(size=(2, 32, 48, 3)).astype(np.float32)
    quality = np.zeros(2, np.float32)
    params = jax.jit(MODEL.init)(KEY, image, quality, KEY)
    run = jax.jit(lambda params: forward_pass(MODEL, params, image, quality, KEY, "round"))
    forward = run(params)
    np.testing.assert_array_equal(forward.image, image)
    np.testing.assert_array_equal(forward.quality, quality)
    assert forward.reconstruction.shape == image.shape
    assert forward.latent.shape == forward.latent_hat.shape == (2, 2, 3, 6)
    # Rounded, not noisy: the median of the prior is 0 at the start, or the same for both images.
    fraction = forward.latent_hat[0] - forward.latent_hat[1]
    np.testing.assert_allclose(fraction, np.round(fraction), atol=1e-4)
    assert not forward.side_bits.any()
    np.testing.assert_allclose(forward.bpp, forward.bits / (32 * 48), rtol=1e-6)
