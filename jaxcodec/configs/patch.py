"""The codec patch-2026: a patch network with a DCT start, every rate in one model.

    python train.py --config=configs/patch.py --workdir=runs/patch \\
        --config.data.folders=../shared/data/train/cid22,../shared/data/train/clic2025,../shared/data/train/bsds500
    jaxcodec export runs/patch patch.codec

With a lambda, as in `configs/patch.py:0.006`, a model of the same sizes for that one trade-off.

It took two runs of 8,000 steps of 4 crops of 256 on a 2-core AMD EPYC, the second
from the first with learning rate 5e-4 (docs/codecs.md has the commands): 78 minutes, and about two
hours beside other work, .37 s a step once it had a core to itself; 597 images, 24 held out. JAX
0.10.2, GLIBC_TUNABLES=glibc.malloc.hugetlb=1. Each was interrupted by SIGTERM and resumed. Held-out
crops, 256 pixels, estimated rates, at quality 0, 25, 50, 75, 100: .088 bpp 24.6 dB, .246 / 27.7,
.613 / 31.5, 1.242 / 35.4, 2.099 / 38.3. Kodak, whole pictures, real bytes, over .15 to 1 bpp:
BD-rate in PSNR 50.5 % under Pillow's JPEG (optimize, 4:2:0), 21.8 % under its WebP (method 6). The
file has 7.3 MB; decoding takes 14 kMAC per pixel. More in docs/codecs.md.
"""

from typing import Any

from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import patch_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.training.config import default_config
from jaxcodec.training.settings import Config


def get_config(trade_off: str = "") -> Config:
    """Settings of the bundled codec, or of a model of the same sizes for one lambda."""
    config = default_config()
    config.name = f"default_{trade_off}".strip("_")
    points = 1 if trade_off else 8
    objective = _objective(trade_off)
    config.objective.update(objective)
    first, last = RateDistortion(**objective).starting_gains()
    config.model = patch_model(
        288, width=96, blocks=6, hyper=96, points=points, first_gain=first, last_gain=last
    )
    config.surrogate = "mixed"
    config.steps = 8_000
    config.batch_size = 4
    config.data.min_scale = 0.75
    config.data.validation_images = 24
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
    config.validation_qualities = (0.0,) if trade_off else (0.0, 0.25, 0.5, 0.75, 1.0)
    config.log_every = 50
    config.validate_every = 500
    config.checkpoint_every = 500
    return config


def _objective(trade_off: str) -> dict[str, Any]:
    if not trade_off:
        return {"first": 0.0004, "last": 0.18, "balance": 0.5}
    try:
        return {"first": float(trade_off), "last": float(trade_off), "balance": 0.0}
    except ValueError:
        raise TrainingError(
            f"{trade_off!r} is not a lambda; give a number, or nothing for all rates"
        ) from None
