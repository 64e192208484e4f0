"""What of a padded image counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.refinement.padded_image import PaddedImage

VALUES = np.random.default_rng(0).normal(size=(2, 1, 6, 8, 3)).astype(np.float32)


def padded(height, width, pixels=VALUES[0]) -> PaddedImage:
    return PaddedImage(pixels, np.zeros(1, np.int32), jnp.int32(height), jnp.int32(width))


def test_the_first_rows_and_columns_count():
    image = padded(4, 5)
    counts = np.asarray(image.counts(VALUES[0].shape))
    assert counts.shape == (1, 6, 8, 1) and counts.sum() == 20 and counts[0, :4, :5].all()
    assert float(image.pixel_count) == 20
    np.testing.assert_array_equal(
        image.counted(VALUES[0])[0, :4, :5], VALUES[0, 0, :4, :5], strict=True
    )
    assert not np.any(image.counted(VALUES[0])[0, 4:]) and not np.any(
        image.counted(VALUES[0])[0, :, 5:]
    )


def test_a_mean_is_over_what_counts_for_each_image_of_a_batch():
    sizes = jnp.array([[4, 5], [6, 8]])
    found = jax.vmap(lambda size, values: padded(*size, values).mean(values))(sizes, VALUES)
    assert found[0] == pytest.approx(VALUES[0, 0, :4, :5].mean(), abs=1e-6)
    assert found[1] == pytest.approx(VALUES[1].mean(), abs=1e-6)
