"""The usual models have their published sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import models
from jaxcodec.image import to_float
from jaxcodec.models import presets
from jaxcodec.transforms.layers import activation_kind


def parameter_counts(description) -> dict[str, int]:
    model = models.build(description)
    shapes = jax.eval_shape(
        model.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)), jnp.zeros(1), jax.random.key(0)
    )
    return {
        name: sum(leaf.size for leaf in jax.tree.leaves(part))
        for name, part in shapes["params"].items()
    }


JOINT = {
    "analysis": 2891136,
    "synthesis": 2890947,
    "hyper_analysis": 2175552,
    "hyper_synthesis": 3300192,
}


CHENG = {
    "hyper_analysis": 737920,
    "hyper_synthesis": 2729792,
    "context": 819456,
    "entropy_parameters": 451697,
}


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (
            presets.mean_scale_model(128, 192),
            {"analysis": 1493312, "synthesis": 1493123, "hyper_synthesis": 2992992},
        ),
        (
            presets.scale_hyperprior_model(128, 192),
            {"hyper_analysis": 1040768, "hyper_synthesis": 1040832},
        ),
        (
            presets.autoregressive_model(192, 192),
            JOINT | {"context": 1843584, "entropy_parameters": 1017344},
        ),
        (presets.cheng2020_model(128), CHENG),
    ],
    ids=["mean_scale", "scale", "autoregressive", "cheng2020"],
)
def test_published_sizes_have_the_published_number_of_parameters(description, expected):
    """As CompressAI 1.2.8 counts them."""
    count = parameter_counts(description)
    assert {name: count[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("activation", "layer", "back"),
    [
        ("shrinkage", "Shrinkage", "shrinkage"),
        ("gdn", "GDN", "igdn"),
        ({"kind": "gdn"}, "GDN", "igdn"),
        ("leaky_relu", None, "leaky_relu"),
    ],
)
def test_a_shrinkage_model_has_three_activations_a_side(activation, layer, back):
    """Kirmemis 2023, chapter 3; up by a pixel shuffle, in the hyper-synthesis too."""
    description = presets.shrinkage_model(8, 6, 4, activation)
    model = models.build(description)
    shapes = jax.eval_shape(
        model.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)), jnp.zeros(1), jax.random.key(0)
    )["params"]
    for side in ("analysis", "synthesis"):
        layers = [name for name in shapes[side] if layer and name.startswith(layer)]
        assert len(layers) == (3 if layer else 0)
    for side, count in (("synthesis", 4), ("hyper_synthesis", 2)):
        assert sum(name.startswith("SubpixelConv") for name in shapes[side]) == count
    assert activation_kind(description["synthesis"]["activation"]) == back


def test_a_shrinkage_model_starts_at_sigmas_of_a_unit_and_a_hyper_latent_above_its_noise(photo):
    model = models.build(presets.shrinkage_model(8, 4))
    image = to_float(photo[None, :128, :128])
    params = model.init(jax.random.key(0), image, jnp.zeros(1), jax.random.key(1))
    latent = model.apply(params, image, jnp.zeros(1), method="to_latent")
    hyper = model.apply(params, latent, jnp.zeros(1), method="to_hyper_latent")
    mean, sigma = model.apply(params, hyper, jnp.zeros(1), method="moments")
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_allclose(sigma, 0.1, rtol=1e-6)
    assert np.std(hyper) > 0.5
