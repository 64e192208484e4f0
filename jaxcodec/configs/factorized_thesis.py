"""The non-parametric baseline at the sizes of Guerin's thesis (2024, table 4.1): 256 filters,
kernels 9, 5, 5.

    python train.py --config=configs/factorized_thesis.py --workdir=runs/factorized
    --config.data.folders=DIR

The table prints stride 2 three times; Balle et al. (2017), whom it follows, have 4, 2, 2 and a
latent at stride 16, which is the default here. Set `--config.model.analysis.strides='(2, 2, 2)'`
and the synthesis alike for the other.
Hardware: meant for a GPU (500,000 steps in the thesis). Not trained here.
"""

from jaxcodec.models.presets import factorized_model
from jaxcodec.training.config import default_config
from jaxcodec.training.settings import Config


def get_config() -> Config:
    """Settings of table 4.1; the trade-off is CompressAI's third."""
    config = default_config()
    config.name = "factorized_thesis"
    config.model = factorized_model(256, 256, kernels=(9, 5, 5), strides=(4, 2, 2))
    config.objective.update({"first": 0.0067, "last": 0.0067, "balance": 0.0})
    config.steps = 500_000
    config.validation_qualities = (0.0,)
    return config
