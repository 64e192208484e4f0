"""The factorized model: what is rounded, and what it costs."""

import jax
import jax.numpy as jnp
import numpy as np
import small_codecs

from jaxcodec import models
from jaxcodec.entropy.factorized import ByChannel

MODEL = models.build(small_codecs.DESCRIPTIONS["factorized"])


def params(median: float):
    own = dict(small_codecs.params("factorized")["params"])
    own["prior"] = {**own["prior"], "median": np.full(12, median, np.float32)}
    return {"params": own}


def test_symbols_are_counted_from_the_median_of_their_channel():
    model = MODEL.clone(prior=MODEL.prior.clone(centred=False))
    latent = jnp.linspace(-3, 3, 24).reshape(1, 1, 2, 12)
    symbols = model.apply(params(0.4), latent, None, jnp.zeros(1), method="to_symbols")
    np.testing.assert_array_equal(symbols, np.round(np.asarray(latent) - np.float32(0.4)))
    image = model.apply(params(0.4), jnp.float32(symbols), (), jnp.zeros(1), method="reconstruct")
    same = model.apply(params(0.4), symbols + 0.4, jnp.zeros(1), method="synthesise")
    np.testing.assert_allclose(image, same, atol=1e-6)


def test_bits_are_those_of_intervals_of_the_step():
    latent = 3 * jax.random.normal(jax.random.key(0), (2, 4, 4, 12))
    variables = small_codecs.params("factorized")

    def quantise(part, value, centre):
        assert part == "latent"
        rounded = jnp.round(value - centre) + centre
        return rounded, rounded

    for step in (1.0, 2.5):
        apply = jax.jit(
            lambda v, latent, step=step: MODEL.apply(
                v, latent, None, jnp.zeros(2), quantise, step, method="quantised"
            )
        )
        coded = apply(variables, latent)
        latent_hat, bits = coded.latent_hat, coded.bits
        mass = MODEL.prior.apply(
            {"params": variables["params"]["prior"]}, latent_hat, step, method="likelihood"
        )
        np.testing.assert_allclose(bits, -np.log2(mass).sum((1, 2, 3)), rtol=1e-5)
        np.testing.assert_allclose(latent_hat, step * np.round(latent / step), atol=1e-5)
        assert not coded.side_bits.any()


def test_orders_are_equal_so_that_codecs_share_compiled_functions():
    assert ByChannel() == ByChannel() and hash(ByChannel()) == hash(ByChannel())
