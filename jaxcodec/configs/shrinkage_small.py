"""A small shrinkage codec, or its twin, for a CPU: 64 filters, a latent of 32 channels.

    python train.py --config=configs/shrinkage_small.py --workdir=runs/shrinkage
    --config.data.folders=DIR

`configs/shrinkage_small.py:gdn` and `:leaky_relu` have other activations, `:linear` none,
`:mean_scale` GDN under adaptive Gaussians, `:shrinkage,fixed` another surrogate of the threshold's
gradient. 8,000 steps of 4 crops of 256, where the thesis has 400,000 of 16: an hour on one core of
an AMD EPYC (Zen 5); what came of it is in docs/shrinkage.md.
"""

from jaxcodec.configs import shrinkage
from jaxcodec.training.settings import Config


def get_config(argument: str = "shrinkage") -> Config:
    """Settings for an activation, and for a surrogate of its gradient behind a comma."""
    config = shrinkage.get_config(argument)
    config.name += "_small"
    config.model = shrinkage.model(64, 32, argument)
    config.steps, config.batch_size = 8_000, 4
    config.data.min_scale = 0.5
    config.validate_every = config.checkpoint_every = 500
    return config
