"""The bundled codec: the patch network with a four-step context, every rate in one model.

    python train.py --config=configs/patch_four_step.py --workdir=../runs/patch_four_step \\
        --config.data.folders=../shared/data/train/cid22,../shared/data/train/clic2025,../shared/data/train/bsds500,../shared/data/train/sunhays80,../runs/screens
    jaxcodec export ../runs/patch_four_step default.codec

It begins with the weights of the codec that was bundled before, `patch-2026`; what that lacks is
added so that nothing changes. 18,679 steps, then 3,000 more in which the learning rate fell to
zero, and from what they gave 20,000 more in two parts, each with a fall of its own (docs/codecs.md
has the commands): some six hours on two cores beside other work and 134 minutes alone, .35 to .6 s
a step with the cores to itself; 693 images, 40 held out. JAX 0.10.2. Kodak, whole pictures, real
bytes, over .15 to 1 bpp: BD-rate in PSNR 13.5 % under `patch-2026`, .3 % over Pillow's AVIF (speed
4, 4:4:4). The file has 11.7 MB; decoding takes 27.5 kMAC per pixel.
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
