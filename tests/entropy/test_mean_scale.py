"""The mean-scale hyperprior against its formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
import small_codecs

from jaxcodec import models


def rounding(part, value, centre):
    rounded = jnp.round(value - centre) + centre
    return rounded, rounded


@pytest.mark.parametrize("name", ["tiny", "one_quality"])
@pytest.mark.parametrize("step", [1.0, 1.7])
def test_the_latents_bits_are_those_of_gaussians_about_the_mean(name, step):
    """Minnen et al. 2018: the mass of a unit interval about a symbol, in float64."""
    model, variables = models.build(small_codecs.DESCRIPTIONS[name]), small_codecs.params(name)
    latent = 4 * jax.random.normal(jax.random.key(0), (1, 4, 4, 6))
    hyper = jax.random.randint(jax.random.key(1), (1, 2, 2, 4), -4, 5)
    quality = jnp.array([0.3])

    @jax.jit
    def run(v):
        def of(module):
            found = module.quantised(latent, jnp.float32(hyper), quality, rounding, step)
            return found, module.centre(hyper, quality)[0], module.scale(hyper, quality)

        return model.apply(v, method=of)

    coded, mean, scale = jax.tree.map(np.float64, run(variables))
    latent_hat = coded.latent_hat
    symbols = np.round((latent - mean) / step)
    np.testing.assert_allclose(latent_hat, symbols * step + mean, atol=1e-4)
    scale = np.maximum(scale / step, 0.11)
    mass = scipy.stats.norm.cdf((symbols + 0.5) / scale) - scipy.stats.norm.cdf(
        (symbols - 0.5) / scale
    )
    np.testing.assert_allclose(coded.likelihoods["latent"], np.maximum(mass, 1e-9), atol=1e-5)
    expected = -np.log2(np.maximum(mass, 1e-9)).sum()
    assert coded.bits[0] - coded.side_bits[0] == pytest.approx(expected, rel=2e-3)


def test_only_the_scales_of_the_hyper_synthesis_become_integers():
    model = models.build(small_codecs.DESCRIPTIONS["tiny"])
    (conv,) = model.scale_operations(small_codecs.params("tiny"))
    assert conv.kernel.shape[-1] == 6
    kernel = small_codecs.params("tiny")["params"]["hyper_synthesis"]["UpsampleConv_0"]["kernel"]
    np.testing.assert_array_equal(conv.kernel, np.asarray(kernel)[::-1, ::-1, :, 6:])
