"""From the float networks of a context model to integers: what that costs."""

import json

import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.codec import cost, symbols, tiles
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood


def test_integer_networks_cost_hardly_more_than_the_floats_that_they_come_from(photo):
    name = "checkerboard"  # its scales are those of a trained model, neither negative nor huge
    codec, quality = small_codecs.build(name), np.array([3000], np.int32)
    analysis = symbols.analyse(codec, photo[None, 100:228, 200:328], quality, tiles.whole)
    coded = symbols.rounded(codec, analysis, tiles.whole)
    bits = float(jax.jit(cost.latent_bits)(codec, coded.latent, analysis.side).sum())
    model = models.build(small_codecs.DESCRIPTIONS[name])

    @jax.jit
    def of_floats(params, hyper, latent):
        given = hyper, latent, np.array([0.3], np.float32)
        mean, scale = model.apply(params, *given, method="parameters_parallel")
        return -np.log2(np.e) * jax.numpy.log(gaussian_likelihood(latent - mean, scale)).sum()

    expected = float(of_floats(small_codecs.params(name), coded.hyper, coded.latent))
    assert bits == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(("name", "has_gain"), [("autoregressive", False), ("checkerboard", True)])
def test_the_spec_tells_the_model_and_the_arrays_have_what_it_needs(name, has_gain):
    content = small_codecs.content(name)
    spec, arrays = json.loads(content.spec), content.integer
    assert (spec["kind"], spec["pattern"], spec["channels"]) == ("context", name, 6)
    assert spec["gain"] == ("gain" in arrays) == has_gain
    assert "mixture" not in spec and "exp" not in arrays
    assert arrays["context/kernel"].dtype == np.int8
    assert len(arrays["context/kernel"]) == 12 * 6
    assert np.all(np.diff(arrays["thresholds"]) > 0)
