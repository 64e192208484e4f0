"""What a run reads."""

import hashlib

import numpy as np
import pytest

from jaxcodec.errors import DataError, TrainingError
from jaxcodec.training import config as run_config
from jaxcodec.training.run_input import open_input


def test_crops_to_train_on_and_others_held_out(config, tmp_path):
    opened = open_input(config, tmp_path)
    crop = config.data.crop
    assert opened.held_out.shape == (config.data.validation_images, crop, crop, 3)
    batch = next(opened.batches)["image"]
    assert batch.shape == (config.batch_size, crop, crop, 3) and batch.dtype == np.uint8


def test_the_fingerprint_tells_names_and_sizes_wherever_they_lie(config, tmp_path, images):
    config.data.validation_images = 0
    names = sorted(path.name for path in images.iterdir())
    expected = repr([(name, 80 * 96) for name in names])
    opened = open_input(config, tmp_path)
    assert opened.fingerprint == hashlib.sha256(expected.encode()).hexdigest()
    assert opened.held_out.size == 0


def test_a_folder_without_images_is_named(config, tmp_path):
    (tmp_path / "empty").mkdir()
    config.data.folders = str(tmp_path / "empty")
    with pytest.raises(DataError, match="empty"):
        open_input(config, tmp_path / "run")


def test_noise_needs_no_folder(config, tmp_path):
    config.data.kind, config.data.folders = "uniform", ""
    opened, again = (open_input(config, tmp_path) for _ in range(2))
    crop = config.data.crop
    assert opened.held_out.shape == (config.data.validation_images, crop, crop, 3)
    batch = next(opened.batches)["image"]
    assert batch.shape == (config.batch_size, crop, crop, 3)
    np.testing.assert_array_equal(batch, next(again.batches)["image"])
    assert opened.fingerprint == again.fingerprint
    config.data.folders = "photos"
    with pytest.raises(TrainingError, match="of noise or of images, so leave one of them out"):
        run_config.folders(config)
