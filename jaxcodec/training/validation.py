"""Validation on held-out crops of the training images, at several qualities."""

from collections.abc import Callable

import jax
import numpy as np

from jaxcodec import data
from jaxcodec.training import sharding

CROPS = 8


def load_crops(folder: data.ImageFolder, crop: int, count: int) -> np.ndarray:
    """Held-out crops in batches: uint8 (batches, 8 or fewer, crop, crop, 3), every process the same."""
    crops = data.validation_crops(folder, crop, count)
    batch = min(CROPS, len(crops))
    whole = len(crops) // batch * batch if batch else 0
    return crops[:whole].reshape(-1, max(batch, 1), *crops.shape[1:]) if whole else crops[:0][None]


def run(validate: Callable, params, batches: np.ndarray, quality: float, mesh) -> tuple[dict[str, float], np.ndarray]:
    """Mean metrics over all crops at `quality`, and the reconstruction of the first batch, uint8 (B, crop, crop, 3).

    `validate` is the jitted step of `training.step.make_validation_step`; params are replicated over the mesh.
    """
    results, first = [], None
    for batch in batches:
        images, qualities = sharding.put_replicated((batch, np.full(len(batch), quality, np.float32)), mesh)
        metrics, reconstruction = validate(params, images, qualities)
        results.append(jax.device_get(metrics))
        if first is None:
            first = np.asarray(jax.device_get(reconstruction))
    return {name: float(np.mean([result[name] for result in results])) for name in results[0]}, first
