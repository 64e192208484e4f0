"""The convolutional transforms: strides, shapes, activations."""

import jax
import jax.numpy as jnp
import pytest

from jaxcodec.transforms.balle import ConvAnalysis, ConvSynthesis

QUALITY = jnp.zeros((1,))


@pytest.mark.parametrize(
    ("kernels", "strides", "total"),
    [((5, 5, 5, 5), (2, 2, 2, 2), 16), ((9, 5, 5), (4, 2, 2), 16), ((9, 5, 5), (2, 2, 2), 8)],
)
def test_synthesis_mirrors_analysis_for_the_published_strides(kernels, strides, total):
    features = (6,) * (len(kernels) - 1)
    image = jax.random.uniform(jax.random.key(0), (1, 2 * total, 3 * total, 3))
    analysis = ConvAnalysis((*features, 8), kernels, strides)
    y, _ = analysis.init_with_output(jax.random.key(1), image, QUALITY)
    assert y.shape == (1, 2, 3, 8)
    synthesis = ConvSynthesis((*features, 3), kernels[::-1], strides[::-1])
    back, _ = synthesis.init_with_output(jax.random.key(1), y, QUALITY)
    assert back.shape == image.shape


def test_the_last_layer_is_linear_and_the_others_are_not():
    image = jax.random.normal(jax.random.key(0), (1, 16, 16, 3))
    one = ConvAnalysis((4,), (5,), (2,), "relu")
    params = one.init(jax.random.key(1), image, QUALITY)
    assert jnp.allclose(
        one.apply(params, 2 * image, QUALITY), 2 * one.apply(params, image, QUALITY), atol=1e-5
    )
    two = ConvAnalysis((4, 4), (5, 5), (2, 2), "gdn")
    params = two.init(jax.random.key(1), image, QUALITY)
    assert not jnp.allclose(
        two.apply(params, 2 * image, QUALITY), 2 * two.apply(params, image, QUALITY), atol=1e-2
    )


def test_signed_transforms_are_the_others_of_pixels_between_minus_one_and_one():
    image = jax.random.uniform(jax.random.key(0), (1, 16, 16, 3))
    given, fields = {"signed": True}, ((4, 4), (5, 5), (2, 2))
    plain, signed = ConvAnalysis(*fields), ConvAnalysis(*fields, **given)
    params = plain.init(jax.random.key(1), image, QUALITY)
    latent = signed.apply(params, image, QUALITY)
    assert jnp.allclose(latent, plain.apply(params, 2 * image - 1, QUALITY), atol=1e-6)
    fields = ((4, 3), (5, 5), (2, 2))
    plain, signed = ConvSynthesis(*fields), ConvSynthesis(*fields, **given)
    params = plain.init(jax.random.key(1), latent, QUALITY)
    found = signed.apply(params, latent, QUALITY)
    assert jnp.allclose(found, (plain.apply(params, latent, QUALITY) + 1) / 2, atol=1e-6)


def test_a_synthesis_that_starts_alike_is_flat_over_every_block_and_as_strong():
    latent = jax.random.normal(jax.random.key(0), (2, 8, 8, 16))

    def start(alike):
        network = ConvSynthesis((64,), (5,), (2,), subpixel=True, alike=alike)
        return network.apply(network.init(jax.random.key(1), latent, jnp.zeros(2)), latent, None)

    flat, free = start(True), start(False)
    blocks = flat.reshape(2, 8, 2, 8, 2, 64)
    assert jnp.array_equal(blocks, jnp.broadcast_to(blocks[:, :, :1, :, :1], blocks.shape))
    assert not jnp.array_equal(free[:, ::2], free[:, 1::2])
    assert float(jnp.std(flat)) == pytest.approx(float(jnp.std(free)), rel=0.1)


def test_the_last_kernel_starts_at_its_scale_and_the_others_as_they_are():
    latent = jnp.ones((1, 8, 8, 4))
    for kind, strides, more in (
        (ConvAnalysis, (2, 2), {}),
        (ConvSynthesis, (2, 2), {}),
        (ConvSynthesis, (2, 2), {"subpixel": True}),
        (ConvSynthesis, (2, 1), {}),
    ):
        plain, scaled = (
            kind((4, 4), (3, 3), strides, last_scale=scale, **more).init(
                jax.random.key(0), latent, jnp.zeros(1)
            )["params"]
            for scale in (1.0, 10.0)
        )
        kernels = [
            [leaf for leaf in jax.tree.leaves(tree) if leaf.ndim == 4] for tree in (plain, scaled)
        ]
        ratios = [float(jnp.median(b / a)) for a, b in zip(*kernels, strict=True)]
        assert sorted(ratios) == pytest.approx([1.0, 10.0])
