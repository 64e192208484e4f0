"""The residual and attention codecs of Cheng et al. 2020, one model for one trade-off.

After the colon stand the form and CompressAI's quality, 1 to 8:

    python train.py --config=configs/cheng2020.py:attention-3 --workdir=runs/cheng3
    --config.data.folders=DIR

`anchor` and `attention` have one Gaussian for a symbol, as CompressAI's cheng2020-anchor and
cheng2020-attn; `mixture` has attention and three, as the paper.
Hardware: meant for a GPU or more; CompressAI trained such models for 4-5 million steps. Not trained
  here.
"""

from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import cheng2020_model
from jaxcodec.training.config import compressai_config
from jaxcodec.training.settings import Config

FORMS = {
    "anchor": {"attention": False},
    "attention": {"attention": True},
    "mixture": {"attention": True, "mixture": 3},
}


def get_config(settings: str = "attention-3") -> Config:
    """Settings for a form and CompressAI's quality 1 to 8; 128 filters up to 3, 192 above."""
    form, _, quality = settings.partition("-")
    if form not in FORMS:
        raise TrainingError(
            f"the form {form!r} is unknown; use one of {', '.join(FORMS)}, as in attention-3"
        )
    config = compressai_config(quality)
    config.name = f"cheng2020_{form}_{quality}"
    config.model = cheng2020_model(128 if int(quality) <= 3 else 192, **FORMS[form])
    return config
