"""Trainable models: transforms and an entropy model joined, built from a plain description."""

from jaxcodec.models.build import build, stride
from jaxcodec.models.factorized import FactorizedModel
from jaxcodec.models.gains import Gains
from jaxcodec.models.mean_scale import MeanScaleModel
from jaxcodec.models.output import Output

__all__ = ["FactorizedModel", "Gains", "MeanScaleModel", "Output", "build", "stride"]
