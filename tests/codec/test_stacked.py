"""One codec at many steps."""

import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import cost, stacked, symbols, tiles
from jaxcodec.codec.value import at_step
from jaxcodec.coding import quantiser_step

INDICES = (-1000, 0, 1000, 0)


@pytest.fixture(scope="module", params=["tiny", "factorized", "four_step", "normalised"])
def codec(request):
    return small_codecs.build(request.param)


def test_each_image_has_the_step_of_its_index(codec):
    at = stacked.at_steps(codec, INDICES)
    assert at.step_index.tolist() == list(INDICES)
    expected = [quantiser_step.size(index) for index in INDICES]
    np.testing.assert_allclose(at.step, expected, rtol=1e-6)


def test_only_what_depends_on_the_step_is_stacked(codec):
    at = stacked.at_steps(codec, INDICES)
    assert bool(at.lane_tables) == codec.order.tables_depend_on_step
    assert bool(at.integer) != codec.order.tables_depend_on_step
    for array in (*at.integer.values(), *at.lane_tables.values()):
        assert len(array) == len(INDICES)
        np.testing.assert_array_equal(array[1], array[3])


def test_mapped_over_images_bits_are_those_of_a_codec_at_the_step(codec, photo):
    quality = np.array([5000], np.int32)
    analysis = symbols.analyse(codec, photo[None, 100:164, 200:264], quality, tiles.whole)
    latent = symbols.rounded(codec, analysis, tiles.whole).latent

    def bits(at):
        return cost.latent_bits(stacked.with_step(codec, at), latent, analysis.side)

    found = jax.jit(jax.vmap(bits))(stacked.at_steps(codec, INDICES))
    for index, each in zip(INDICES, found, strict=True):
        expected = jax.jit(cost.latent_bits)(at_step(codec, index), latent, analysis.side)
        np.testing.assert_allclose(each, expected, rtol=1e-6)
    assert not np.array_equal(found[0], found[1])
