"""The thesis' models at a target rate (Guerin 2024, chapters 5 and 6), under its best strategy.

    python train.py --config=configs/target_rate.py:parametric,0.25 --workdir=runs/p_025
    --config.data.folders=DIR python train.py
    --config=configs/target_rate.py:non_parametric,0.06,fixed --workdir=DIR
    --config.data.folders=DIR python train.py --config=configs/target_rate.py:parametric,0.25,search
    --search --workdir=DIR \
        --config.data.folders=DIR

The argument is a model: "parametric" (mean-scale hyperprior, table 4.2), "non_parametric"
(factorized prior, table 4.1) or "residual" (the non-parametric one with residual blocks in place of
convolution and GDN, 128 filters, section 5.5.7); then one of the targets .06 .12 .25 .5 .75 1.0 1.5
2.0 in bpp, of the residual model .06 .75 2.0, which are those that the thesis trained; then a
strategy:

    general           BS: decaying target, smoothed adaptive parameter, 750,000 steps (the default)
    adaptive          RA: target plus the last shift, 500,000 steps
    fixed             TB: the parameter and beta of section 5.4.4 (residual: table 5.8), 500,000
                      steps
    search            Algorithm 3: with `train.py --search`, looks for parameter and beta first
    straight_through  general, with rounding and identity gradients in place of noise (section
                      5.5.6)

Beta is the thesis' for model and target in all of them. What the thesis leaves open of the residual
blocks is described in `jaxcodec/transforms/resnet.py`. Hardware: meant for a GPU. Not trained here;
`configs/target_rate_small.py` is.
"""

from jaxcodec.errors import TrainingError
from jaxcodec.models.presets import factorized_model, mean_scale_model, resnet_factorized_model
from jaxcodec.objectives import thesis
from jaxcodec.training.config import default_config
from jaxcodec.training.settings import Config

MODELS = {
    "parametric": lambda: mean_scale_model(256, 256, hyper_activation="relu", wide=False),
    "non_parametric": lambda: factorized_model(256, 256, kernels=(9, 5, 5), strides=(4, 2, 2)),
    "residual": lambda: resnet_factorized_model(128, 128),
}
STRATEGIES = ("general", "adaptive", "fixed", "search", "straight_through")


def get_config(argument: str = "parametric,0.25") -> Config:
    """Settings of a model, a target and a strategy."""
    model, target, strategy = (*argument.split(","), "", "general")[:3]
    strategy = strategy or "general"
    targets = {f"{value:g}": value for value in thesis.SETTINGS.get(model, thesis.TARGETS)}
    if (
        model not in MODELS
        or target.rstrip("0").rstrip(".") not in targets
        or strategy not in STRATEGIES
    ):
        raise TrainingError(
            f"{argument!r} is not a model ({', '.join(MODELS)}), a target of it "
            f"({', '.join(targets)}) and a strategy "
            f"({', '.join(STRATEGIES)}), separated by commas"
        )
    bpp = targets[target.rstrip("0").rstrip(".")]
    setting = thesis.SETTINGS[model][bpp]
    config = default_config()
    config.name = "_".join(["target_rate", *argument.split(",")])
    config.model = MODELS[model]()
    config.steps = 750_000 if strategy in ("general", "straight_through") else 500_000
    config.target_rate.targets_bpp = (bpp,)
    config.target_rate.beta = (setting.beta,)
    config.target_rate.strategy = {"search": "fixed", "straight_through": "general"}.get(
        strategy, strategy
    )
    if strategy == "fixed":
        config.target_rate.parameter_bpp = (setting.parameter_bpp,)
    if strategy == "straight_through":
        config.surrogate = "round"
    config.data.validation_images = 48
    config.validation_qualities = (0.0,)
    return config
