"""A small joint autoregressive model that trains on a CPU in minutes, to see the whole path work.

    python train.py --config=configs/autoregressive_small.py --workdir=runs/small
    --config.data.folders=DIR

`configs/autoregressive_small.py:checkerboard` has the two-pass context instead.
"""

from jaxcodec.models.presets import autoregressive_model
from jaxcodec.training.config import small_config
from jaxcodec.training.settings import Config


def get_config(pattern: str = "autoregressive") -> Config:
    """32 filters, latent 48."""
    config = small_config()
    config.name = f"{pattern}_small"
    config.model = autoregressive_model(32, 48, pattern)
    return config
