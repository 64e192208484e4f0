"""The table of entropy models: the only place that knows them all.

A description names one of these, or by its import path a subclass of `EntropyModel` from outside
the package.
"""

from jaxcodec.entropy.autoregressive import AutoregressiveModel
from jaxcodec.entropy.bounded import BoundedModel
from jaxcodec.entropy.checkerboard import CheckerboardModel
from jaxcodec.entropy.factorized import FactorizedModel
from jaxcodec.entropy.four_step import FourStepModel
from jaxcodec.entropy.mean_scale import MeanScaleModel
from jaxcodec.entropy.model import EntropyModel
from jaxcodec.entropy.normalised import NormalisedModel
from jaxcodec.entropy.scale_hyperprior import ScaleModel

ENTROPY_MODELS: dict[str, type[EntropyModel]] = {
    "factorized": FactorizedModel,
    "scale": ScaleModel,
    "mean_scale": MeanScaleModel,
    "autoregressive": AutoregressiveModel,
    "checkerboard": CheckerboardModel,
    "four_step": FourStepModel,
    "normalised": NormalisedModel,
    "bounded": BoundedModel,
}
