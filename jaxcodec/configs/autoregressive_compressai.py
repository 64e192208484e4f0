"""Joint autoregressive and hierarchical prior at CompressAI's sizes (mbt2018), one model for one
trade-off.

The number after the colon is CompressAI's quality, 1 to 8:

    python train.py --config=configs/autoregressive_compressai.py:3 --workdir=runs/ar3
    --config.data.folders=DIR

Hardware: meant for a GPU or more; CompressAI trained such models for 4-5 million steps. Not trained
  here.
"""

from jaxcodec.models.presets import autoregressive_model
from jaxcodec.training.config import compressai_config
from jaxcodec.training.settings import Config


def get_config(quality: str = "3") -> Config:
    """Settings for CompressAI's quality 1 to 8; (192, 192) filters up to 4, (192, 320) above."""
    config = compressai_config(quality)
    config.name = f"autoregressive_{quality}"
    config.model = autoregressive_model(192, 192 if int(quality) <= 4 else 320)
    return config
