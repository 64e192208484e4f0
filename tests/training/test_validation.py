"""Validation: means over all held-out crops."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import data
from jaxcodec.training import sharding, validation


def test_validation_averages_over_all_held_out_crops(images):
    folder = data.open_folder(images, validation_images=3)
    crops = np.tile(
        data.validation_crops(folder, 16, 3), (4, 1, 1, 1)
    )  # 12, more than one batch of 8
    crops[-1] = 255

    def step(params, pixels, quality, carry):
        level = params["codec"] * jnp.mean(pixels.astype(jnp.float32))
        return {"level": level + quality[0] + carry}, pixels

    metrics, first = validation.mean_metrics(
        step, {"codec": 2.0}, 7.0, crops, 0.25, sharding.data_mesh()
    )
    assert metrics == {"level": pytest.approx(2 * crops.mean() + 7.25, rel=1e-5)}
    np.testing.assert_array_equal(first, crops[:8])
