"""A small factorized prior that trains on a CPU in minutes, to see the whole path work.

python train.py --config=configs/factorized_small.py --workdir=runs/small
--config.data.folders=DIR
"""

from jaxcodec.models.presets import factorized_model
from jaxcodec.training.config import small_config
from jaxcodec.training.settings import Config


def get_config() -> Config:
    """32 filters, latent 48."""
    config = small_config()
    config.name = "factorized_small"
    config.model = factorized_model(32, 48)
    return config
