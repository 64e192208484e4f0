"""A small mean-scale hyperprior that trains on a CPU in minutes, to see the whole path work.

python train.py --config=configs/mean_scale_small.py --workdir=runs/small
--config.data.folders=DIR
"""

from jaxcodec.models.presets import mean_scale_model
from jaxcodec.training.config import small_config
from jaxcodec.training.settings import Config


def get_config() -> Config:
    """32 filters, latent 48."""
    config = small_config()
    config.name = "mean_scale_small"
    config.model = mean_scale_model(32, 48)
    return config
