"""The bundled codec: a patch network with a DCT start, every rate in one model."""

from jaxcodec.models.presets import patch_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.training.config import default_config


def get_config():
    """Settings of the bundled codec."""
    config = default_config()
    config.name = "default"
    config.objective = {"first": 0.0004, "last": 0.08, "balance": 0.5}
    first, last = RateDistortion(**config.objective).starting_gains()
    config.model = patch_model(288, width=96, blocks=6, hyper=96, points=8, first_gain=first, last_gain=last)
    config.surrogate = "mixed"
    config.steps = 8_000
    config.batch_size = 4
    config.data.min_scale = 0.75
    config.data.validation_images = 24
    config.optimiser.update({"kind": "muon", "learning_rate": 8e-4, "muon_factor": 1.0, "warmup": 50, "decay": 0.4, "b2": 0.99})
    config.validation_qualities = (0.0, 0.25, 0.5, 0.75, 1.0)
    config.log_every = 50
    config.validate_every = 500
    config.checkpoint_every = 500
    return config
