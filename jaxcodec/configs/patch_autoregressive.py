"""The patch network under a joint autoregressive prior, at one rate: small, and of use after
minutes on a CPU.

    python train.py --config=configs/patch_autoregressive.py --workdir=runs/patch_ar
    --config.data.folders=DIR

`configs/patch_autoregressive.py:checkerboard` has the two-pass context instead, `:autoregressive,3`
mixtures of three Gaussians.
"""

from jaxcodec.models.presets import patch_context_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.training.config import default_config
from jaxcodec.training.settings import Config


def get_config(argument: str = "autoregressive") -> Config:
    """Settings for CompressAI's fourth trade-off."""
    pattern, _, mixture = argument.partition(",")
    config = default_config()
    config.name = f"patch_{pattern}{mixture and '_mixture'}"
    config.objective.update({"first": 0.013, "last": 0.013, "balance": 0.0})
    gain, _ = RateDistortion(0.013, 0.013).starting_gains()
    config.model = patch_context_model(
        96, width=64, blocks=3, hyper=48, gain=gain, pattern=pattern, mixture=int(mixture or 1)
    )
    config.surrogate = "mixed"
    config.steps = 2_000
    config.batch_size = 4
    config.data.min_scale = 0.75
    config.optimiser.update(
        {
            "kind": "muon",
            "learning_rate": 8e-4,
            "muon_factor": 1.0,
            "warmup": 50,
            "decay": 0.4,
            "b2": 0.99,
        }
    )
    config.validation_qualities = (0.0,)
    config.log_every = 50
    config.validate_every = 500
    config.checkpoint_every = 500
    return config
