"""Mean-scale hyperprior at CompressAI's sizes (mbt2018-mean), one model for one trade-off.

The number after the colon is CompressAI's quality, 1 to 8:

    python train.py --config=configs/mean_scale_compressai.py:3 --workdir=runs/mean_scale3
    --config.data.folders=DIR

Hardware: meant for a GPU or more; CompressAI trained such models for 4-5 million steps. Not trained
  here.
"""

from jaxcodec.models.presets import mean_scale_model
from jaxcodec.training.config import compressai_config
from jaxcodec.training.settings import Config


def get_config(quality: str = "3") -> Config:
    """Settings for CompressAI's quality 1 to 8; (128, 192) filters up to 4, (192, 320) above."""
    config = compressai_config(quality)
    config.name = f"mean_scale_{quality}"
    config.model = mean_scale_model(*((128, 192) if int(quality) <= 4 else (192, 320)))
    return config
