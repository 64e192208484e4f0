"""What a run reads: crops to train on, and crops to validate on."""

import hashlib
import pathlib
from typing import NamedTuple

import jax
import numpy as np
from absl import logging

from jaxcodec import data
from jaxcodec.training import config as run_config
from jaxcodec.training.settings import Config


class RunInput(NamedTuple):
    """The images of a run, as crops.

    batches: those of training of this process. held_out: (N, crop, crop, 3) uint8. fingerprint: a
    hash of the training images.
    """

    batches: data.Batches
    held_out: np.ndarray
    fingerprint: str


def open_input(config: Config, workdir: pathlib.Path) -> RunInput:
    """Opens the folders of images of a config.

    Raises:
      TrainingError, DataError: a folder is not named, missing, empty or unreadable.
    """
    if config.data.kind == "uniform":
        return _noise(config)
    folder = data.open_folder(
        run_config.folders(config),
        validation_images=config.data.validation_images,
        cache_gib=config.data.cache_gib,
        seed=config.seed,
        leave_out=workdir,
        held_out=run_config.held_out(config),
    )
    batches = data.training_batches(
        folder,
        batch_size=config.batch_size,
        crop=config.data.crop,
        seed=config.seed,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
        workers=config.data.workers,
        min_scale=config.data.min_scale,
    )
    held_out = data.validation_crops(folder, config.data.crop, config.data.validation_images)
    if not held_out.size:
        logging.warning(
            "no images are held out (config.data.validation_images): no validation, and nothing to "
            "export"
        )
    return RunInput(batches, held_out, _fingerprint(folder))


def _noise(config: Config) -> RunInput:
    batches = data.uniform_batches(
        batch_size=config.batch_size,
        crop=config.data.crop,
        seed=config.seed,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    held_out = data.uniform_crops(config.data.crop, config.data.validation_images, config.seed)
    return RunInput(batches, held_out, hashlib.sha256(b"uniform").hexdigest())


def _fingerprint(folder: data.ImageFolder) -> str:
    """Hash of the names and sizes of the training images, wherever they lie."""
    images = [
        (pathlib.Path(path).name, pixels)
        for path, pixels in zip(folder.train, folder.train_pixels, strict=True)
    ]
    return hashlib.sha256(repr(images).encode()).hexdigest()
