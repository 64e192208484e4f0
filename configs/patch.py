"""The bundled codec: a patch network with a DCT start, every rate in one model.

    python train.py --config=configs/patch.py --workdir=runs/patch \\
        --config.data.folders=../shared/data/train/cid22,../shared/data/train/clic2025,../shared/data/train/bsds500
    jaxcodec export runs/patch default.codec

Trained on 2026-11-20 on a 2-core AMD EPYC, of which other work held one: 8,000 steps of 4 crops of 256 in 78 minutes
(.51 s a step once it had a core to itself), on 597 images, 24 held out. JAX 0.10.2, with
GLIBC_TUNABLES=glibc.malloc.hugetlb=1. Interrupted twice by SIGTERM and resumed.
Held-out crops, 256 pixels, estimated rates, at quality 0, 25, 50, 75, 100:
.092 bpp 24.5 dB, .227 / 27.2, .515 / 30.4, .992 / 33.8, 1.662 / 36.7.
Kodak, whole pictures, real bytes, over .15 to 1 bpp: BD-rate in PSNR 47.8 % under Pillow's JPEG (optimize, 4:2:0),
17.7 % under its WebP (method 6). The file has 6.6 MB; decoding takes 14 kMAC per pixel. More in docs/codecs.md.
"""

from jaxcodec.models.presets import patch_model
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.training.config import default_config


def get_config():
    """Settings of the bundled codec."""
    config = default_config()
    config.name = "default"
    config.objective = {"first": 0.0004, "last": 0.08, "balance": 0.5}
    first, last = RateDistortion(**config.objective).starting_gains()
    config.model = patch_model(288, width=96, blocks=6, hyper=96, points=8, first_gain=first, last_gain=last)
    config.surrogate = "mixed"
    config.steps = 8_000
    config.batch_size = 4
    config.data.min_scale = 0.75
    config.data.validation_images = 24
    config.optimiser.update(
        {"kind": "muon", "learning_rate": 8e-4, "muon_factor": 1.0, "warmup": 50, "decay": 0.4, "b2": 0.99}
    )
    config.validation_qualities = (0.0, 0.25, 0.5, 0.75, 1.0)
    config.log_every = 50
    config.validate_every = 500
    config.checkpoint_every = 500
    return config
