"""The squared error and MS-SSIM in one loss: what it does to the default codec.

    export PYTHONPATH=studies/structure JAXCODEC_PLUGINS=mixture
    python train.py --config=configs/fine_tune.py --workdir=../runs/mixture
        --config.data.folders=DIR[,DIR...] --config.objective.distortion=mixture:DISTORTION
    python -m jaxcodec export ../runs/mixture ../runs/mixture.codec
    python eval.py --codec default ../runs/mixture.codec --effort 0 --images KODAK --out results
        --metrics psnr,ms_ssim,ssimulacra2 --baselines avif,avif_default

D = (255^2 MSE + 1300 (1 - MS-SSIM)) / 2: CompressAI's lambdas for MS-SSIM are about 1,300 times
those for the squared error, so that lambdas keep their meaning. Crops of 161 pixels and more.
"""

from typing import Any

import jax

from jaxcodec.distortions import Distortion, ms_ssim, mse
from jaxcodec.distortions.distortion import plain

RATIO = 1300.0


def compare(params: Any, a: jax.Array, b: jax.Array) -> jax.Array:
    """D of images, float32 (...)."""
    del params
    return (mse.DISTORTION(a, b) + RATIO * ms_ssim.DISTORTION(a, b)) / 2


DISTORTION = Distortion(
    name="mixture",
    unit="squared grey levels",
    compare=compare,
    metric=plain("mixture", "mixture", peak=255.0**2),
    least_side=ms_ssim.DISTORTION.least_side,
    remedy=ms_ssim.DISTORTION.remedy,
)
