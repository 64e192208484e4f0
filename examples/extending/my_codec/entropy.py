"""An entropy model and a prior of one's own, coded as those are that they vary."""

import flax.linen as nn
import jax.numpy as jnp

from jaxcodec.entropy.distributions.deep_factorized import DeepFactorized
from jaxcodec.entropy.mean_scale import MeanScaleModel


class ShiftedMeanScale(MeanScaleModel):
    """The mean-scale hyperprior, with a learned shift of every channel's mean. It is coded as its
    base class is.
    """

    def setup(self):
        super().setup()
        self.shift = self.param("shift", nn.initializers.zeros, (self.gains.channels,))

    def moments(self, hyper_hat, quality):
        """Mean and scale (B, h, w, C); means are floats, and free. Scales choose tables: those stay
        as they are.
        """
        mean, scale = super().moments(hyper_hat, quality)
        return mean + self.shift, scale


class LogisticPrior(DeepFactorized):
    """A logistic density of each channel in place of the deep one; any density does, its tables are
    made from its mass.
    """

    def setup(self):
        self.log_scale = self.param("log_scale", nn.initializers.zeros, (self.channels,))
        self.median = 0.0

    def logits(self, v):
        """Logits of the cumulative at v (..., C)."""
        return v * jnp.exp(-self.log_scale)
