"""The entropy-bounded network of Hepburn et al. 2022, in the paper's sizes: 128 filters, latent 64.

    python train.py --config=configs/bounded.py:2 --workdir=runs/bounded --config.data.folders=DIR
    python train.py --config=configs/bounded.py:2,nlpd_2017,uniform --workdir=runs/noise

`configs/bounded.py:LEVELS[,DISTORTION[,uniform]]`: every element of the latent has LEVELS values,
so that a file takes .25 log2 LEVELS bits per pixel. DISTORTION is `mse` unless another is named; it
alone is minimised. With `uniform` crops are of noise, and no folder is named. Batches of 4 crops of
256, Adam 1e-3: the paper does not tell its own. For a GPU; not run yet.
"""

from jaxcodec import distortions
from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import bounded_model
from jaxcodec.training.config import default_config
from jaxcodec.training.settings import Config

_KINDS = ("images", "uniform")
_TRADE_OFFS = {"mse": 0.01}
"""The loss has no other term than the distortion: lambda only brings it to about 1."""


def get_config(choice: str = "2") -> Config:
    """Settings for a number of levels, a distortion and a kind of crops."""
    levels, distortion, kind = [*choice.split(","), "", ""][:3]
    distortion, kind = distortion or "mse", kind or "images"
    if choice.count(",") > 2 or not levels.isdigit() or kind not in _KINDS:
        raise TrainingError(
            f"{choice!r} is not LEVELS[,DISTORTION[,uniform]]; give 2,nlpd_2017,uniform say"
        )
    if distortion not in distortions.names():
        raise TrainingError(
            f"there is no distortion {distortion!r}; choose from {', '.join(distortions.names())}"
        )
    config = default_config()
    config.name = f"bounded_{levels}_{distortion}_{kind}"
    config.model = bounded_model(128, 64, levels=int(levels))
    trade_off = _TRADE_OFFS.get(distortion, 10.0)
    config.objective.update({"first": trade_off, "last": trade_off, "balance": 0.0})
    config.objective.distortion = distortion
    config.data.kind = kind
    config.validation_qualities = (0.0,)
    config.batch_size = 4
    config.steps = 100_000
    config.optimiser.learning_rate = 1e-3
    return config
