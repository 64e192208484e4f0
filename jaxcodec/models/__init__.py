"""Trainable models: transforms and an entropy model joined, built from a plain description."""

from jaxcodec.models.build import build, coded_as, stride
from jaxcodec.models.factorized import FactorizedModel
from jaxcodec.models.gains import Gains
from jaxcodec.models.mean_scale import MeanScaleModel
from jaxcodec.models.output import Output
from jaxcodec.models.scale_hyperprior import ScaleModel

__all__ = [
    "FactorizedModel",
    "Gains",
    "MeanScaleModel",
    "Output",
    "ScaleModel",
    "build",
    "coded_as",
    "stride",
]
