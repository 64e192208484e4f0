"""A small attention codec, to see the whole path work on a CPU.

    python train.py --config=configs/cheng2020_small.py --workdir=runs/small
    --config.data.folders=DIR

`configs/cheng2020_small.py:3` has mixtures of three Gaussians.
"""

from jaxcodec.models.presets import cheng2020_model
from jaxcodec.training.config import small_config
from jaxcodec.training.settings import Config


def get_config(mixture: str = "1") -> Config:
    """48 filters."""
    config = small_config()
    config.name = "cheng2020_small"
    config.model = cheng2020_model(48, mixture=int(mixture))
    return config
