"""The differentiable pieces of a codec."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import networks


@pytest.mark.parametrize("name", ["tiny", "factorized", "patch"])
def test_synthesis_runs_in_the_type_of_its_parameters(name):
    codec = small_codecs.build(name)
    channels = small_codecs.DESCRIPTIONS[name]["gains"]["channels"]
    latent = 3 * jax.random.normal(jax.random.key(0), (1, 4, 4, channels))
    quality = jnp.array([5000], jnp.int32)
    synthesis = codec.networks.relaxed.synthesis
    exact = synthesis(codec.params, latent, quality)
    low = synthesis(networks.lowered(codec.params, "bfloat16"), latent, quality)
    assert exact.dtype == jnp.float32 and low.dtype == jnp.bfloat16
    # Eight bits of a mantissa, a few layers.
    np.testing.assert_allclose(
        low.astype(jnp.float32), exact, atol=0.03 * float(jnp.max(jnp.abs(exact)))
    )
