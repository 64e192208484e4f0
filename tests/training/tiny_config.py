"""Twelve steps that take seconds: two layers of a few filters under a factorized prior, on 32-pixel
crops.
"""

from jaxcodec.models.presets import factorized_model
from jaxcodec.training.config import default_config


def get_config():
    """Settings of the tiny run; `data.folders` is left for the test to fill."""
    config = default_config()
    config.model = factorized_model(4, 6, kernels=(5, 5), strides=(4, 4))
    config.steps = 12
    config.batch_size = 8
    config.optimiser.learning_rate = 1e-3
    config.optimiser.warmup = 2
    config.data.crop = 32
    config.data.validation_images = 2
    config.log_every = 1
    config.validate_every = 6
    config.validation_qualities = (0.5,)
    config.checkpoint_every = 4
    return config
