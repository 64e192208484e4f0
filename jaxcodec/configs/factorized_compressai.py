"""Factorized prior at CompressAI's sizes (bmshj2018-factorized), one model for one trade-off.

The number after the colon is CompressAI's quality, 1 to 8:

    python train.py --config=configs/factorized_compressai.py:3 --workdir=runs/factorized3
    --config.data.folders=DIR

Hardware: meant for a GPU or more; CompressAI trained such models for 4-5 million steps. Not trained
  here.
"""

from jaxcodec.models.presets import factorized_model
from jaxcodec.training.config import compressai_config
from jaxcodec.training.settings import Config


def get_config(quality: str = "3") -> Config:
    """Settings for CompressAI's quality 1 to 8; (128, 192) filters up to 5, (192, 320) above."""
    config = compressai_config(quality)
    config.name = f"factorized_{quality}"
    config.model = factorized_model(*((128, 192) if int(quality) <= 5 else (192, 320)))
    return config
