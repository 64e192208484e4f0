"""Joint autoregressive and hierarchical priors: symbols that also learn from symbols decoded before
them.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.entropy.conditional import gaussian_likelihood
from jaxcodec.entropy.context import MaskedConv
from jaxcodec.entropy.mixture import mixture_likelihood
from jaxcodec.models.hyperprior import PlainGridModel
from jaxcodec.transforms.layers import Conv


class EntropyParameters(nn.Module):
    """1x1 convolutions with leaky ReLUs between: (B, h, w, 4 C) to (B, h, w, outputs).

    The last layer starts with no weights, so that training starts at Gaussians around zero of given
    `scales`, one for each component of a mixture; those that start equal would stay equal.
    """

    channels: int
    outputs: int
    scales: tuple[float, ...]

    @nn.compact
    def __call__(self, x):
        for width in (self.channels * 10 // 3, self.channels * 8 // 3):
            x = jax.nn.leaky_relu(Conv(width, 1)(x), 0.01)

        def start(key, shape):
            del key
            scales = jnp.repeat(jnp.array(self.scales), self.channels)
            return jnp.zeros(shape).at[: scales.size].set(scales)

        return Conv(self.outputs, 1, kernel_init=nn.initializers.zeros, bias_init=start)(x)


class ContextModel(PlainGridModel):
    """A latent on the plain grid, whose Gaussians, or mixtures of them, hyper-latent and context
    tell.

    Minnen et al. 2018 (`pattern` "autoregressive"), He et al. 2021 ("checkerboard"); with `mixture`
    components, Cheng et al. 2020. A symbol is round(latent); the hyper-synthesis gives 2 C
    channels, the context 2 C more, and 1x1 layers make of both, for each symbol, `mixture` scales,
    then means, then weights (their softmax; none for one component), each (mixture, C) in this
    order of channels. Means are in quantiser steps whatever the `scale_form`.
    """

    pattern: str = "autoregressive"
    mixture: int = 1

    def setup(self):
        super().setup()
        channels, components = self.gains.channels, self.mixture
        self.context = MaskedConv(2 * channels, self.pattern)
        scales = 2.0 ** (np.arange(components) - (components - 1) / 2)
        self.entropy_parameters = EntropyParameters(
            channels,
            outputs=channels * (2 if components == 1 else 3 * components),
            scales=tuple(scales if self.scale_form == "linear" else np.log(scales)),
        )

    def conditional(self, latent, hyper_hat, quality, quantise, step):
        """See `HyperpriorModel.conditional`; context sees what synthesis sees."""
        rate_latent, latent_hat = quantise("latent", latent / step, 0.0)
        mean, scale, *weight = self._parameters(hyper_hat, latent_hat * step, quality)
        return self._likelihood(rate_latent, (mean / step, scale / step, *weight)), latent_hat

    def parameters_parallel(self, hyper_symbols, symbols, quality):
        """What symbols are coded under, all places at once, as an encoder can that knows all
        symbols.

        Returns (mean, scale), each (B, h, w, C) in quantiser steps, scales not bounded; for a
        mixture (mean, scale, weight), each (K, B, h, w, C).
        """
        return self._parameters(
            self.prior.from_symbols(hyper_symbols), symbols.astype(jnp.float32), quality
        )

    def _parameters(self, hyper_hat, latent_hat, quality):
        hyper = self.in_integers(self.hyper_synthesis)(hyper_hat, quality)
        features = jnp.concatenate([hyper, self.context(latent_hat)], axis=-1)
        raw = self.in_integers(self.entropy_parameters, takes_symbols=False)(features)
        if self.mixture == 1:
            scale, mean = jnp.split(raw, 2, axis=-1)
            return mean, self.to_scale(scale, quality)
        components = raw.reshape(*raw.shape[:3], 3, self.mixture, self.gains.channels)
        scale, mean, weight = jnp.moveaxis(components, (3, 4), (0, 1))
        return mean, self.to_scale(scale, quality), jax.nn.softmax(weight, axis=0)

    def _likelihood(self, values, parameters):
        if self.mixture == 1:
            mean, scale = parameters
            return gaussian_likelihood(values - mean, scale)
        return mixture_likelihood(values, *parameters)
