"""Validation on held-out crops of the training images, at several qualities."""

from collections.abc import Mapping

import jax
import numpy as np
from absl import logging

from jaxcodec.objectives import Carry, Params
from jaxcodec.training import sharding
from jaxcodec.training.reporting import Reporter
from jaxcodec.training.settings import Config
from jaxcodec.training.state import TrainState
from jaxcodec.training.train_step import ValidationStep

_BATCH = 8


def validate(
    step_function: ValidationStep,
    state: TrainState,
    held_out: np.ndarray,
    config: Config,
    step: int,
    mesh: jax.sharding.Mesh,
    reporter: Reporter | None,
) -> None:
    """Validates at every quality of the config, and reports metrics and pictures.

    Parameters are the averaged ones, or the last where the run keeps no average. held_out: crops
    (N, crop, crop, 3) uint8. Every process computes; the one with a reporter reports.
    """
    params = {
        name: player.average if config.average_decay else player.params
        for name, player in state.players.items()
    }
    rows = []
    for quality in config.validation_qualities:
        metrics, reconstruction = mean_metrics(
            step_function, params, state.carry, held_out, quality, mesh
        )
        rows.append(reconstruction)
        if reporter:
            reporter.scalars(step, f"validation/quality_{quality:g}", metrics)
            logging.info(
                "validation at quality %g: loss %.4f  bpp %.4f  psnr %.2f dB",
                quality, metrics["loss"], metrics["bpp"], metrics["psnr_db"],
            )  # fmt: skip
    if reporter:
        reporter.picture(step, "validation", [held_out[: len(rows[0])], *rows])


def mean_metrics(
    step_function: ValidationStep,
    params: Mapping[str, Params],
    carry: Carry,
    crops: np.ndarray,
    quality: float,
    mesh: jax.sharding.Mesh,
) -> tuple[dict[str, float], np.ndarray]:
    """Mean metrics over crops at a quality, and the reconstruction of the first 8 or fewer.

    crops: (N, crop, crop, 3) uint8; reconstruction: shaped alike. `step_function` is the jitted
    step of `train_step.make_validation_step`; params, of every player, and carry are replicated
    over the mesh.
    """
    results, sizes, first = [], [], None
    for start in range(0, len(crops), _BATCH):
        batch = crops[start : start + _BATCH]
        sizes.append(len(batch))
        images, qualities = sharding.put_replicated(
            (batch, np.full(len(batch), quality, np.float32)), mesh
        )
        metrics, reconstruction = step_function(params, images, qualities, carry)
        results.append(jax.device_get(metrics))
        if first is None:
            first = np.asarray(jax.device_get(reconstruction))
    assert first is not None  # there is a crop
    return {
        name: float(np.average([result[name] for result in results], weights=sizes))
        for name in results[0]
    }, first
