"""The bundled codec: the patch network with a four-step context, every rate in one model.

    python train.py --config=configs/patch_four_step.py --workdir=../runs/patch_four_step \\
        --config.data.folders=../shared/data/train/cid22,../shared/data/train/clic2025,../shared/data/train/bsds500,../shared/data/train/sunhays80,../runs/screens
    jaxcodec export ../runs/patch_four_step default.codec

It begins with the weights of the codec that was bundled before, `patch-2026`; what that lacks is
added so that nothing changes. See docs/codecs.md.
"""

from jaxcodec.configs import patch
from jaxcodec.models.presets import patch_four_step_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.training.settings import Config


def get_config() -> Config:
    """Settings of the bundled codec."""
    config = patch.get_config()
    config.name = "four-step-2026"
    first, last = RateDistortion(config.objective.first, config.objective.last).starting_gains()
    config.model = patch_four_step_model(
        288, width=128, blocks=6, hyper=96, points=8, first_gain=first, last_gain=last
    )
    config.start.codec = "patch-2026"
    config.start.grow = True
    config.steps = 200_000
    config.data.min_scale = 0.5
    config.optimiser.update({"kind": "soap", "b1": 0.95, "b2": 0.95, "warmup": 200, "decay": 0.1})
    config.log_every = 100
    config.validate_every = 1_000
    config.checkpoint_every = 500
    return config
