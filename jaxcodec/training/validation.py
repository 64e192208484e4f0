"""Validation on held-out crops of the training images, at several qualities."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxcodec.training import sharding

_BATCH = 8


def run(
    validate: Callable,
    params: Any,
    carry: Any,
    crops: np.ndarray,
    quality: float,
    mesh: jax.sharding.Mesh,
) -> tuple[dict[str, float], np.ndarray]:
    """Mean metrics over `crops` (N, crop, crop, 3) uint8 at `quality`, and the reconstruction of
    the first 8 or fewer.

    `validate` is the jitted step of `training.step.make_validation_step`; params and carry are
    replicated over the mesh.
    """
    results, sizes, first = [], [], None
    for start in range(0, len(crops), _BATCH):
        batch = crops[start : start + _BATCH]
        sizes.append(len(batch))
        images, qualities = sharding.put_replicated(
            (batch, np.full(len(batch), quality, np.float32)), mesh
        )
        metrics, reconstruction = validate(params, images, qualities, carry)
        results.append(jax.device_get(metrics))
        if first is None:
            first = np.asarray(jax.device_get(reconstruction))
    return {
        name: float(np.average([result[name] for result in results], weights=sizes))
        for name in results[0]
    }, first
