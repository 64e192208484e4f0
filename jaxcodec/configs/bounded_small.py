"""A small entropy-bounded network for a CPU: 48 filters, a latent of 64 channels.

    python train.py --config=configs/bounded_small.py:2 --workdir=runs/b --config.data.folders=DIR
    python train.py --config=configs/bounded_small.py:2,nlpd_2017,uniform --workdir=runs/noise

The choices are those of `configs/bounded.py`. 2,000 steps of 4 crops of 256; not run yet.
"""

from jaxcodec.configs import bounded
from jaxcodec.models.presets import bounded_model
from jaxcodec.training.settings import Config


def get_config(choice: str = "2") -> Config:
    """Settings for a number of levels, a distortion and a kind of crops."""
    config = bounded.get_config(choice)
    config.name = config.name.replace("bounded", "bounded_small")
    config.model = bounded_model(48, 64, levels=config.model.levels)
    config.steps = 2_000
    config.validate_every = config.checkpoint_every = 500
    return config
