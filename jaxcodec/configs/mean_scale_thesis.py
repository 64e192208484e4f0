"""The parametric baseline at the sizes of Guerin's thesis (2024, table 4.2): 256 filters
throughout, ReLU hyper layers.

    python train.py --config=configs/mean_scale_thesis.py --workdir=runs/mean_scale
    --config.data.folders=DIR

Hardware: meant for a GPU (500,000 steps in the thesis). Not trained here.
"""

from jaxcodec.models.presets import mean_scale_model
from jaxcodec.training.config import default_config
from jaxcodec.training.settings import Config


def get_config() -> Config:
    """Settings of table 4.2; the trade-off is CompressAI's third."""
    config = default_config()
    config.name = "mean_scale_thesis"
    config.model = mean_scale_model(256, 256, hyper_activation="relu", wide=False)
    config.objective.update({"first": 0.0067, "last": 0.0067, "balance": 0.0})
    config.steps = 500_000
    config.validation_qualities = (0.0,)
    return config
